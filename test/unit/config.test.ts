import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { isFree } from '../../src/protocol/price.ts'
import type { Issue } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { configEntries, loadConfig } from '../../src/node/config/config.ts'
import { CONFIG_KEY_NAMES, variableOf } from '../../src/node/config/schema.ts'
import type { Machine } from '../../src/node/config/machine.ts'

const GIB = 1024 ** 3
const DIGEST = 'ab'.repeat(32)
const machine: Machine = {
  cores: 4,
  memoryBytes: 8 * GIB,
  threadStackBytes: 8 * 1024 * 1024,
  home: '/home/op',
  cwd: '/work',
}
const shipped = (name: string): string => fileURLToPath(new URL(`../../config/${name}`, import.meta.url))

describe('the configuration', () => {
  let dir = ''
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-config-'))
  })
  after(() => rm(dir, { recursive: true }))

  const load = async (yaml: string | Uint8Array, env: Record<string, string> = {}) => {
    const file = join(dir, 'provider.yaml')
    await writeFile(file, yaml)
    return loadConfig({ file, env, machine })
  }
  const issuesOf = async (yaml: string | Uint8Array, env: Record<string, string> = {}): Promise<readonly Issue[]> => {
    let issues: readonly Issue[] = []
    await assert.rejects(load(yaml, env), (error) => {
      assert.ok(isSoukError(error, 'CONFIG_INVALID'), String(error))
      assert.equal(error.details.file, join(dir, 'provider.yaml'))
      assert.ok(error.message.startsWith(join(dir, 'provider.yaml')))
      issues = error.details.issues
      return true
    })
    for (const issue of issues) assert.ok(issue.message !== '')
    return issues
  }
  const only = async (yaml: string | Uint8Array, env: Record<string, string> = {}): Promise<string> => {
    const issues = await issuesOf(yaml, env)
    assert.equal(issues.length, 1, JSON.stringify(issues))
    const [issue] = issues
    return `${issue?.path} ${issue?.message}`
  }

  it('has safe defaults without a file', async () => {
    const { config, origins } = await loadConfig({ env: {}, machine })
    assert.equal(config.node.dataDir, '/home/op/.souk/node')
    assert.deepEqual(config.network.listen, ['/ip4/127.0.0.1/tcp/4150'])
    assert.deepEqual(config.capacity, { slots: 4, cpuCores: 4, memoryBytes: 4 * GIB, diskBytes: 4 * GIB })
    assert.ok(config.peers.share < 1 && config.peers.unknownShare < 1)
    assert.equal(config.sandbox.docker.enabled, false)
    assert.equal(config.sandbox.docker.networkMode, 'none')
    assert.equal(config.sandbox.docker.privileged, false)
    for (const rates of Object.values(config.pricing.rates)) assert(isFree(rates))
    assert.equal(config.pricing.freeAllowanceWei, 0n)
    assert.deepEqual(new Set(Object.values(origins)), new Set(['default']))
  })

  it('is strict with native tasks, and leaves who runs what to the launcher, unless it says otherwise', async () => {
    const { config } = await loadConfig({ env: {}, machine })
    assert.equal(config.sandbox.native.mode, 'strict')
    assert.deepEqual(
      [config.sandbox.native.uid, config.sandbox.native.gid, config.node.user],
      [undefined, undefined, undefined],
    )
    const said = await load('node: { user: 990 }\nsandbox: { native: { mode: degraded, uid: 70000, gid: auto } }')
    const { mode, uid, gid } = said.config.sandbox.native
    assert.deepEqual([mode, uid, gid, said.config.node.user], ['degraded', 70_000, undefined, '990'])
    assert.equal((await load('node: { user: 10001:10001 }')).config.node.user, '10001:10001')
  })

  it('works with the defaults on this machine', async () => {
    const { config } = await loadConfig({ env: {} })
    assert.ok(config.capacity.slots >= 1)
    assert.ok(config.capacity.memoryBytes >= config.sandbox.wasm.memoryLimitBytes)
  })

  it('ships its defaults as a file that has every key', async () => {
    const { config, origins } = await loadConfig({ file: shipped('default.yaml'), env: {}, machine })
    assert.deepEqual(config, (await loadConfig({ env: {}, machine })).config)
    assert.deepEqual(
      Object.entries(origins).filter(([, origin]) => origin !== 'file'),
      [],
    )
  })

  it('ships an example that loads on this machine', async () => {
    await loadConfig({ file: shipped('paid.yaml'), env: {} })
    const { config } = await loadConfig({ file: shipped('provider.yaml'), env: {} })
    assert.equal(config.node.dataDir, fileURLToPath(new URL('../../souk-data', import.meta.url)))
    assert.ok(config.network.listen.every((address) => address.startsWith('/ip4/127.0.0.1/')))
  })

  it('takes the sandbox keys in the units that people write', async () => {
    const yaml = (size: string, time: string) => `
sandbox:
  default_runtime: docker
  docker: { memory_limit: ${size}, cpu_limit: 1.5, gpus: [0, GPU-5a1b-2, 'MIG-GPU-5a/1/0'], network_mode: none, privileged: false }
  wasm: { memory_limit: ${size}, stack_size: 512k, timeout: ${time} }
`
    for (const [size, time] of [
      ['512m', '30s'],
      ["'512m'", "'30s'"],
      ['536870912', '30000'],
    ] as const) {
      const { sandbox } = (await load(yaml(size, time))).config
      assert.equal(sandbox.defaultRuntime, 'docker')
      assert.deepEqual(sandbox.docker, {
        enabled: false,
        socket: '/var/run/docker.sock',
        images: [],
        prewarm: 2,
        reattachMs: 120_000,
        registries: [],
        archives: false,
        maxImageBytes: 2 * 1024 ** 3,
        pullTimeoutMs: 600_000,
        imageCacheBytes: 8 * 1024 ** 3,
        classes: [],
        memoryLimitBytes: 512 * 1024 ** 2,
        cpuLimitCores: 1.5,
        pidsLimit: 256,
        timeoutMs: 300_000,
        uid: 65_534,
        gid: 65_534,
        gpus: ['0', 'GPU-5a1b-2', 'MIG-GPU-5a/1/0'],
        networkMode: 'none',
        privileged: false,
      })
      assert.equal(sandbox.wasm.memoryLimitBytes, 512 * 1024 ** 2)
      assert.equal(sandbox.wasm.stackSizeBytes, 512 * 1024)
      assert.equal(sandbox.wasm.timeoutMs, 30_000)
    }
  })

  it('takes what WebAssembly stands on, each choice the safe one where nothing is said', async () => {
    const wasmOf = async (yaml: string): Promise<object> => {
      const { host, reuse, fuelLimit } = (await load(yaml)).config.sandbox.wasm
      return { host, reuse, fuelLimit }
    }
    const usual = { host: 'souk', reuse: 'never', fuelLimit: undefined }
    assert.deepEqual(await wasmOf(''), usual)
    assert.deepEqual(await wasmOf("sandbox: { wasm: { fuel_limit: '' } }"), usual)
    assert.deepEqual(
      await wasmOf('sandbox: { wasm: { host: wasmer, reuse: same-requester, fuel_limit: 5000000000 } }'),
      { host: 'wasmer', reuse: 'same-requester', fuelLimit: 5e9 },
    )
  })

  it('is frozen to its leaves', async () => {
    const { config } = await load('network: { listen: [/ip4/127.0.0.1/tcp/0] }')
    assert.throws(() => Object.assign(config.sandbox.wasm, { timeoutMs: 1 }), TypeError)
    assert.throws(() => (config.network.listen as string[]).push('/ip4/0.0.0.0/tcp/0'), TypeError)
  })

  it('puts the environment over the file, the file over the defaults, and says which', async () => {
    const loaded = await load('queue: { max_tasks: 5, max_wait: 1m }\nnode: { data_dir: data }', {
      SOUK_QUEUE_MAX_TASKS: '7',
      SOUK_PEERS_KNOWN: `0x${'A'.repeat(40)}, 0x${'b'.repeat(40)}`,
      SOUK_NETWORK_ANNOUNCE: '',
      SOUK_SANDBOX_WASM_ENABLED: 'true',
      SOUK_HOME: '/elsewhere',
    })
    assert.equal(loaded.config.queue.maxTasks, 7)
    assert.equal(loaded.config.queue.maxWaitMs, 60_000)
    assert.deepEqual(loaded.config.peers.known, [`0x${'a'.repeat(40)}`, `0x${'b'.repeat(40)}`])
    const entries = new Map(configEntries(loaded).map(({ key, value, origin }) => [key as string, { value, origin }]))
    assert.deepEqual(entries.get('queue.max_tasks'), { value: 7, origin: 'env SOUK_QUEUE_MAX_TASKS' })
    assert.deepEqual(entries.get('queue.max_wait'), { value: '1m', origin: 'file' })
    assert.deepEqual(entries.get('timeouts.drain'), { value: '30s', origin: 'default' })
    assert.equal(entries.size, CONFIG_KEY_NAMES.length)
  })

  it('starts relative paths at the file, or the working directory for the environment', async () => {
    assert.equal((await load('node: { data_dir: ./data }')).config.node.dataDir, join(dir, 'data'))
    assert.equal((await load('node: { data_dir: ~/x }')).config.node.dataDir, '/home/op/x')
    assert.equal((await load('', { SOUK_NODE_DATA_DIR: 'data' })).config.node.dataDir, '/work/data')
  })

  it('can read back what it shows', async () => {
    const { values, origins, config } = await load(
      'pricing: { wasm: { start: 123456789012345678901234567890, minimum: 0.25eth, cpu_second: 20gwei } }\nsandbox: { wasm: { timeout: 90s } }',
    )
    const { startWei, minimumWei, cpuSecondWei } = config.pricing.rates.wasm
    assert.deepEqual(
      [startWei, minimumWei, cpuSecondWei],
      ['123456789012345678901234567890', '250000000000000000', '20000000000'],
    )
    const env = Object.fromEntries(
      configEntries({ values, origins }).map(({ key, value }) => [variableOf(key), [value].flat().join(',')]),
    )
    assert.deepEqual((await loadConfig({ env, machine })).config, config)
  })

  it('takes addresses without quotes, which YAML reads as numbers', async () => {
    const address = '0x1234567890123456789012345678901234567890'
    assert.deepEqual((await load(`peers: { known: [${address}] }`)).config.peers.known, [address])
  })

  it('says what to write instead of a key that is none any more', async () => {
    for (const said of [await only('price_wei: 5'), await only('', { SOUK_PRICE_WEI: '5' })])
      assert.match(said, /is no key any more.*pricing\.wasm\.start, pricing\.native\.start, pricing\.docker\.start/)
  })

  it('says what settlement lacks, all at once', async () => {
    const issues = async (yaml: string): Promise<readonly string[]> => {
      const error: unknown = await load(yaml).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert.ok(isSoukError(error, 'CONFIG_INVALID'))
      return error.details.issues.map(({ path }) => path)
    }
    assert.deepEqual(await issues('settlement: { mode: channel }'), [
      'chain.id',
      'settlement.rpc',
      'settlement.contract',
    ])
    const contract = `0x${'1'.repeat(40)}`
    const channel = `mode: channel, rpc: ["http://127.0.0.1:8545"], contract: "${contract}"`
    const with_ = (more: string): string => `chain: { id: 31337 }\nsettlement: { ${channel}${more} }`
    assert.deepEqual(await issues(with_(`, payout: "${contract}"`)), ['settlement.payout_authorization'])
    assert.deepEqual(await issues(with_(', payout_authorization: word.json')), ['settlement.payout'])
    const { config } = await load(with_(', redeem_gas_share: 0.05, credit_known: 1gwei, poll: 1s'))
    assert.deepEqual(config.settlement, {
      ...{ mode: 'channel', rpc: ['http://127.0.0.1:8545'], contract, token: `0x${'0'.repeat(40)}` },
      ...{ confirmations: 12, pollMs: 1000, redeemGasSharePpm: 50_000n },
      ...{ creditKnownWei: 10n ** 9n, creditUnknownWei: 0n },
    })
    assert.deepEqual((await load('')).config.settlement, { mode: 'none' })
  })

  it('takes an empty file, and sections whose keys are commented out', async () => {
    const { config } = await loadConfig({ env: {}, machine })
    assert.deepEqual((await load('')).config, config)
    assert.deepEqual((await load('# nothing\nsandbox:\n  wasm:\n  # timeout: 1s\n')).config, config)
  })

  it('names every problem at once, with key, place and what would be right', async () => {
    const issues = await issuesOf(
      `nod: { data_dir: x }
queue:
  max_task: 5
  max_wait: soon
sandbox:
  default_runtime: wsm
  docker: { network_mode: host, privileged: true, cpu_limit: lots }
  wasm: { stack_size: 64m, memory_limit: 8g }
capacity: 4
network: { listen: [localhost:4150] }
peers: { known: [bob], share: 2 }
`,
      { SOUK_RETRY_MAX: '3 times', SOUK_SANDBOX_WASM_TIMOUT: '1s' },
    )
    const expected: Record<string, RegExp> = {
      nod: /did you mean node\? \(line 1, column 1\)$/,
      'queue.max_task': /did you mean max_tasks\? \(line 3, column 3\)$/,
      'queue.max_wait': /must be a duration such as 30s.*not "soon" \(line 4, column 13\)$/,
      'sandbox.default_runtime': /must be one of wasm, docker, native, not "wsm"; did you mean wasm\?/,
      'sandbox.docker.network_mode': /must be none \(a stranger's task must not reach your network.*not "host"/,
      'sandbox.docker.privileged': /must be false: a privileged container is root on this machine/,
      'sandbox.docker.cpu_limit': /must be a number from 0.01 to 4096, not "lots"/,
      'sandbox.wasm.stack_size': /must be at most 7m \(the stack of the thread/,
      'sandbox.wasm.memory_limit': /must be at most 4g/,
      capacity: /must be a map of slots, cpu_cores, memory, disk, not 4 \(line 9, column 11\)$/,
      'network.listen': /item 1 must be a multiaddr such as \/ip4\/127.0.0.1\/tcp\/4150, not "localhost:4150"/,
      'peers.known': /item 1 must be an Ethereum address/,
      'peers.share': /must be a number from 0.001 to 1, not 2/,
      'retry.max': /must be a whole number from 0 to 10, not "3 times" \(SOUK_RETRY_MAX\)/,
      SOUK_SANDBOX_WASM_TIMOUT: /did you mean SOUK_SANDBOX_WASM_TIMEOUT\?/,
    }
    assert.deepEqual(new Set(issues.map(({ path }) => path)), new Set(Object.keys(expected)))
    for (const { path, message } of issues) assert.match(message, expected[path] ?? /^$/)
  })

  it('says where a key that is at the wrong level belongs', async () => {
    assert.match(await only('docker: { memory_limit: 1g }'), /^docker is not a known key/)
    assert.match(await only('node: { max_tasks: 1 }'), /is not a known key here; did you mean queue.max_tasks\?/)
  })

  it('refuses secrets', async () => {
    assert.match(await only('private_key: 0x12'), /secrets are in files of their own/)
    assert.match(await only('node: { password: x }'), /secrets are in files of their own/)
  })

  it('refuses values that contradict each other', async () => {
    assert.match(
      await only('capacity: { memory: 256m }'),
      /^sandbox.wasm.memory_limit must be at most capacity.memory, which is 256m, not 512m/,
    )
    assert.match(
      await only('sandbox: { docker: { enabled: true, images: [busybox], cpuset: 0, cpu_limit: 2 } }'),
      /^sandbox.docker.cpu_limit must be at most as many as sandbox.docker.cpuset has, which are 1, not 2/,
    )
    assert.match(await only('storage: { quota: 1m }'), /^storage.task_input_limit must be at most storage.quota/)
    assert.match(
      await only('sandbox: { wasm: { enabled: false } }'),
      /^sandbox.wasm.enabled must be true, or sandbox.native.enabled, or sandbox.docker.enabled: the node would offer nothing/,
    )
    await load('capacity: { memory: 256m }\nsandbox: { wasm: { memory_limit: 256m } }')
    assert.match(
      await only('sandbox: { docker: { enabled: true } }'),
      /^sandbox.docker.images must name what tasks may run, .*no image is allowed that is not there/,
    )
    await load('sandbox: { docker: { enabled: true, archives: true } }')
    assert.match(
      await only('sandbox: { docker: { registries: [a.example, http://a.example] } }'),
      /^sandbox.docker.registries has a.example twice/,
    )
    assert.match(
      await only('sandbox: { docker: { enabled: true, images: [a], image_limit: 9g } }'),
      /^sandbox.docker.image_limit must be at most sandbox.docker.image_cache, which is 8g, not 9g/,
    )
    assert.match(
      await only(`sandbox: { native: { rootfs: [a@sha256:${DIGEST}=/a, a@sha256:${'1'.repeat(64)}=/b] } }`),
      /^sandbox.native.rootfs has a twice/,
    )
    assert.match(await only('sandbox: { native: { mounts: [a=/a, a=/b] } }'), /^sandbox.native.mounts has a twice/)
    assert.match(await only('sandbox: { docker: { gpus: ["0", "1", "0"] } }'), /^sandbox.docker.gpus has "0" twice/)
    assert.match(
      await only(`sandbox: { native: { images: [a@sha256:${DIGEST}=/a, a@sha256:${DIGEST}=/b] } }`),
      /^sandbox.native.images has a@sha256:[0-9a-f]+ twice/,
    )
  })

  it('holds the caps of a runtime against the machine where it is on, and only there', async () => {
    const native = 'memory_limit: 5g, cpu_limit: 5, timeout: 2d'
    await load(`sandbox: { native: { ${native} }, docker: { ${native} } }`)
    const images = 'images: [busybox]'
    const issues = await issuesOf(
      `sandbox: { native: { enabled: true, ${native} }, docker: { enabled: true, ${images}, ${native} } }`,
    )
    assert.deepEqual(
      issues.map(({ path }) => path).sort(),
      ['native', 'docker']
        .flatMap((name) => ['cpu_limit', 'memory_limit', 'timeout'].map((key) => `sandbox.${name}.${key}`))
        .sort(),
    )
    await load('sandbox: { wasm: { enabled: false }, native: { enabled: true } }')
    await load(`sandbox: { wasm: { enabled: false }, docker: { enabled: true, ${images} } }`)
  })

  it('reads root file systems and images', async () => {
    const { config } = await load(
      `sandbox:
  native:
    rootfs: [debian-12@sha256:${DIGEST}=/srv/a b=c@d, host-usr@sha256:${DIGEST}]
    mounts: [datasets=/srv/data sets, models=/srv/a=b]
    images: [busybox@sha256:${DIGEST}=/srv/box.tar, registry:5000/tools/cc@sha256:${DIGEST}=/srv/c=c]
    image_cache: 1g
    launcher_socket: ./launcher.sock
  docker:
    images: [busybox, sha256:${DIGEST}, registry:5000/tools/cc@sha256:${DIGEST}, registry:5000/*, a.example/team/*]
    registries: [docker.io, registry:5000=/etc/souk/a=b.json, http://127.0.0.1:5000]
    socket: run/docker.sock
    cpuset: '0-2,5'
`,
    )
    assert.deepEqual(config.sandbox.native.rootfs, [
      { name: 'debian-12', sha256: DIGEST, path: '/srv/a b=c@d' },
      { name: 'host-usr', sha256: DIGEST },
    ])
    assert.deepEqual(config.sandbox.native.mounts, [
      { name: 'datasets', path: '/srv/data sets' },
      { name: 'models', path: '/srv/a=b' },
    ])
    assert.deepEqual(config.sandbox.native.images, [
      { name: 'busybox', digest: `sha256:${DIGEST}`, path: '/srv/box.tar' },
      { name: 'registry:5000/tools/cc', digest: `sha256:${DIGEST}`, path: '/srv/c=c' },
    ])
    assert.equal(config.sandbox.native.imageCacheBytes, 1024 ** 3)
    assert.equal(config.sandbox.native.launcherSocket, join(dir, 'launcher.sock'))
    assert.equal(config.sandbox.docker.socket, join(dir, 'run/docker.sock'))
    assert.deepEqual(config.sandbox.docker.images, [
      'busybox',
      `sha256:${DIGEST}`,
      `registry:5000/tools/cc@sha256:${DIGEST}`,
      'registry:5000/*',
      'a.example/team/*',
    ])
    assert.deepEqual(config.sandbox.docker.registries, [
      { host: 'docker.io', insecure: false },
      { host: 'registry:5000', insecure: false, credentialsFile: '/etc/souk/a=b.json' },
      { host: '127.0.0.1:5000', insecure: true },
    ])
    assert.equal(config.sandbox.docker.cpuset, '0-2,5')
    assert.equal((await load('')).config.sandbox.native.launcherSocket, undefined)
    assert.equal((await load('')).config.sandbox.docker.cpuset, undefined)
  })

  it('bounds the stack by what the thread has', async () => {
    const small = { ...machine, threadStackBytes: 2 * 1024 * 1024 }
    await loadConfig({ env: { SOUK_SANDBOX_WASM_STACK_SIZE: '1m' }, machine: small })
    await assert.rejects(
      loadConfig({ env: { SOUK_SANDBOX_WASM_STACK_SIZE: '2m' }, machine: small }),
      /must be at most 1m/,
    )
    await loadConfig({
      env: { SOUK_SANDBOX_WASM_STACK_SIZE: '512m' },
      machine: { ...machine, threadStackBytes: Infinity },
    })
  })

  it('refuses what is no value of the kind', async () => {
    const wrong: Record<string, readonly string[]> = {
      'node.data_dir': ['5', '[a]', '""'],
      'node.log_level': ['loud', 'true'],
      'node.user': ['-1', 'a b', '"1:2:3"', '"souk:souk"', '[souk]', '1.5', 'true', '"../x"'],
      'network.listen': [
        '[]',
        '5',
        '[[a]]',
        '[/ip4/300.0.0.1/tcp/1]',
        '[/ip4/127.0.0.1/tcp/70000]',
        '[/ip4/127.0.0.1/udp/1]',
        '[/ip4/127.0.0.1/tcp/1, /ip4/127.0.0.1/tcp/1]',
      ],
      'network.max_connections': ['0', '1.5', '"x"', '.inf', '.nan', 'true'],
      'chain.id': ['-1', '"0x1"'],
      'capacity.slots': ['0', '5000', 'most'],
      'capacity.memory': ['1k', '50%', '-1', 'half', '1.00001k'],
      'queue.max_wait': ['0', '25d', '-1s'],
      'pricing.wasm.start': [
        '-1',
        '1.5',
        'free',
        '"01"',
        '1.5wei',
        '0.0000000001gwei',
        '1e18',
        `"${2n ** 256n}"`,
        '3 btc',
      ],
      'pricing.free_allowance': ['-1', '[]'],
      'settlement.mode': ['channels', 'true'],
      'settlement.rpc': ['[127.0.0.1:8545]', '["ws://127.0.0.1"]', '[http://a, http://a]'],
      'settlement.contract': ['0x12', '[]'],
      'settlement.token': ['eth', '0x12'],
      'settlement.payout': ['me'],
      'settlement.confirmations': ['0', '1.5'],
      'settlement.redeem_gas_share': ['2', '-1', '2%'],
      'settlement.credit_unknown': ['-1', 'some'],
      'sandbox.wasm.enabled': ['yes', '1', '"on"'],
      'sandbox.wasm.timeout': ['[]', 'never'],
      'sandbox.wasm.host': ['node', 'Souk', '[souk]'],
      'sandbox.wasm.reuse': ['always', 'true', 'same'],
      'sandbox.wasm.fuel_limit': ['0', '-1', '1.5', 'none', '9007199254740993'],
      'sandbox.native.mode': ['lax', 'true', '""'],
      'sandbox.native.uid': ['0', '-1', '4294967295', 'root', '1.5'],
      'sandbox.native.gid': ['0', '"x"'],
      'sandbox.native.pids_limit': ['0', '40000'],
      'sandbox.native.stack_size': ['64k', '2g'],
      'sandbox.native.rootfs': [
        '[debian]',
        `[debian@sha256:${DIGEST}]`,
        `[debian@sha256:${DIGEST}=srv]`,
        `[debian@sha256:${DIGEST.toUpperCase()}=/srv]`,
        `[Debian@sha256:${DIGEST}=/srv]`,
        `[debian@${DIGEST}=/srv]`,
        '[debian=/srv]',
        `[host-usr@sha256:${DIGEST}=/usr]`,
        `["debian@sha256:${DIGEST}=/a\\0b"]`,
      ],
      'sandbox.native.mounts': ['[a]', '[a=b]', '[A=/a]', '[=/a]', '[a=/]', '[a=/b/..]', '[5]', '["a=/a\\0b"]'],
      'sandbox.docker.gpus': ['[all]', '[none]', '["0,1"]', '["-1"]', '[nvidia.com/gpu=0]', '["GPU-"]', '["GPU-a b"]'],
      'sandbox.native.images': [
        '[busybox]',
        '[busybox=/srv]',
        `[busybox@sha256:${DIGEST}]`,
        `[busybox@sha256:${DIGEST}=srv]`,
        `[Busybox@sha256:${DIGEST}=/srv]`,
        `["sha256:${DIGEST}=/srv"]`,
        `["busybox@sha256:${DIGEST}=/a\\0b"]`,
      ],
      'sandbox.native.image_cache': ['1k', 'much'],
      'sandbox.native.launcher_socket': ['5', '[a]'],
      'sandbox.docker.socket': ['""', '5'],
      'sandbox.docker.images': [
        '["busybox:latest"]',
        '["localhost:5000/busybox:1"]',
        '["busybox@sha256:ab"]',
        '["@sha256:ab"]',
        `["@sha256:${DIGEST}"]`,
        `["busybox:1@sha256:${DIGEST}"]`,
        '["sha256:ab"]',
        '["Busy box"]',
        '["*"]',
        '["/*"]',
        '["a/*/b"]',
        `["busybox@sha256:${DIGEST}/*"]`,
        '[busybox, busybox]',
        '[[a]]',
      ],
      'sandbox.docker.registries': [
        '["https://docker.io"]',
        '["docker.io/library"]',
        '["docker.io=login.json"]',
        '["docker.io="]',
        '["user:password@docker.io"]',
        '["docker.io=/a\\0b"]',
        '[docker.io, docker.io]',
      ],
      'sandbox.docker.image_limit': ['1k', 'none'],
      'sandbox.docker.classes': ['["--privileged"]', '[runc, runc]', '["a b"]', '[""]', '[[runc]]'],
      'sandbox.docker.memory_limit': ['5m'],
      'sandbox.docker.cpuset': ['all', '3-1', '0,', '-1', '0-', '[0, 1]', '99999'],
      'sandbox.docker.uid': ['0'],
      'sandbox.docker.privileged': ['"true"', '1'],
      'sandbox.docker.network_mode': ['host', 'bridge', 'null', '[none]'],
    }
    for (const [key, values] of Object.entries(wrong)) {
      for (const value of values) {
        const yaml = `${key
          .split('.')
          .map((step, depth) => `${'  '.repeat(depth)}${step}:`)
          .join('\n')} ${value}\n`
        assert.ok((await only(yaml)).startsWith(`${key} `), `${key}: ${value}`)
      }
    }
  })

  it('refuses a file that is no configuration', async () => {
    assert.match(await only('a: [1\nb: 2'), /is not valid YAML: .* \(line 2, column 1\)/)
    assert.match(
      await only('node:\n  log_level: info\n  log_level: warn'),
      /^node.log_level is there twice \(line 3, column 3\)/,
    )
    assert.match(await only('- 1'), /must be a map of node,/)
    assert.match(await only('a: 1\n---\nb: 2'), /is not valid YAML/)
    assert.match(await only('node: *nothing'), /is not valid YAML: Unresolved alias/)
    assert.match(await only('node: { data_dir: }'), /^node.data_dir is empty/)
    assert.match(await only('node: { data_dir: { a: 1 } }'), /^node.data_dir must be a path.*, not a map/)
    assert.match(
      await only('node: { data_dir: !!binary aGVsbG8= }'),
      /^node.data_dir must be a path.*, not binary data/,
    )
    assert.match(await only(Uint8Array.of(0xff, 0xfe, 0x00)), /is not UTF-8/)
    assert.match(await only('#'.repeat(300_000)), /is larger than 262144 bytes/)
    assert.match(
      await only(
        'x: &a [1]\n'.concat(
          ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]\n`),
        ),
      ),
      /Excessive alias count/,
    )
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      assert.ok((await only(`${key}: { a: 1 }`)).startsWith(key))
    assert.equal(({} as { a?: number }).a, undefined)
  })

  it('refuses a file that is none', async () => {
    const missing = join(dir, 'missing.yaml')
    await assert.rejects(loadConfig({ file: missing, env: {}, machine }), (error) => {
      assert.ok(isSoukError(error, 'CONFIG_INVALID'))
      assert.equal(error.details.file, missing)
      return /there is no such file/.test(error.message)
    })
    await assert.rejects(loadConfig({ file: dir, env: {}, machine }), /is a folder/)
    await assert.rejects(loadConfig({ file: '/dev/null', env: {}, machine }), /is not a regular file/)
  })

  it('gives a configuration or a typed error for any value of any key', async () => {
    const keys = fc.constantFrom(...CONFIG_KEY_NAMES)
    await fc.assert(
      fc.asyncProperty(keys, fc.oneof(fc.string(), fc.json(), fc.double().map(String)), async (key, value) => {
        try {
          await loadConfig({ env: { [variableOf(key)]: value }, machine })
        } catch (error) {
          assert.ok(isSoukError(error, 'CONFIG_INVALID'), String(error))
          assert.ok(error.details.issues.every(({ message }) => message.length < 1000))
        }
      }),
      { numRuns: 300 },
    )
  })

  it('asks for what being reached through a relay needs', async () => {
    const paths = async (network: string): Promise<readonly string[]> =>
      (await issuesOf(`network: {${network}}`)).map(({ path }) => path)
    assert.deepEqual(await paths('relay: client'), ['network.relay'])
    assert.deepEqual(await paths('relay: server, hole_punching: true'), ['network.hole_punching'])
    assert.deepEqual(await paths('autonat: true'), ['network.autonat'])
    assert.deepEqual(await paths('relay: both'), ['network.relay'])
    const announce = 'announce: [/ip4/192.0.2.1/tcp/4150]'
    assert.deepEqual(await paths(`${announce}, upnp: true`), ['network.announce'])
    assert.deepEqual(await paths(`${announce}, relay: client`), ['network.relay', 'network.announce'])
    assert.deepEqual(await paths(`${announce}, relay: server, autonat: true`), ['network.autonat'])
  })
})
