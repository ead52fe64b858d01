import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { descendantsOf, processSet, survivorsIn } from '../fixtures/processes.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, startSouk, type CommandEnd } from '../fixtures/souk-command.ts'

const EXAMPLE = 'examples/word-count.yaml'

describe('souk, with a provider', function () {
  this.timeout(120_000)
  let dir: string
  let home: string
  let provider: ProviderProcess
  const programs = new Map<string, string>()

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-e2e-'))
    home = join(dir, 'requester')
    await mkdir(home)
    for (const name of ['args', 'cat', 'exit-code', 'flood', 'spin', 'streams', 'trap', 'write-outputs']) {
      programs.set(name, (await buildProgram({ file: join(PROGRAMS_DIR, `${name}.c`), runtime: 'wasm' })).source)
    }
    provider = await startProvider({
      dir: join(dir, 'provider'),
      config: 'sandbox: {wasm: {timeout: 60s, memory_limit: 64m}}\npeers: {share: 1, unknown_share: 1}\n',
    })
  })
  after(async () => {
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  const program = (name: string): string => programs.get(name) ?? assert.fail(name)
  const there = (): string[] => ['--to', provider.multiaddr]
  const command = (...args: string[]): Promise<CommandEnd> => souk({ args, home })
  /** The one document on standard output. */
  const documentOf = ({ stdout }: CommandEnd): RunDocument => {
    assert.match(stdout, /^[^\n]+\n$/)
    return runDocumentSchema.parse(JSON.parse(stdout))
  }

  it('runs the example there and here, to the same end', async () => {
    const [remote, local] = await Promise.all([
      command('run', ...there(), EXAMPLE, '--json'),
      command('run', '--local', EXAMPLE, '--json'),
    ])
    assert.equal(remote.code, 0, remote.stderr)
    assert.equal(local.code, 0, local.stderr)
    const [a, b] = [documentOf(remote), documentOf(local)]
    for (const key of [
      'name',
      'runtime',
      'outcome',
      'stdout',
      'stderr',
      'encoding',
      'outputs',
      'spec',
      'isolation',
    ] as const)
      assert.deepEqual(a[key], b[key], key)
    assert.notEqual(a.stdout, '')
    for (const each of [a, b]) assert.deepEqual(verifyDocument(each).receipt, each.receipt)
    assert.equal(a.provider, provider.address)
    assert.equal(b.provider, b.receipt.authorization.requester)

    const forPeople = await command('run', ...there(), EXAMPLE)
    assert.equal(forPeople.stdout, a.stdout)
    assert.match(
      forPeople.stderr,
      /^souk .* word-count is task 0x[0-9a-f]{10} at 0x[0-9a-f]{10}\n(?:souk .*\n)*souk .* running\nsouk .* exited 0: .*\n$/,
    )
    const quiet = await command('run', '--local', '--quiet', EXAMPLE)
    assert.deepEqual(quiet, { code: 0, signal: null, stdout: a.stdout, stderr: '' })
  })

  for (const [what, name, args, code, outcome] of [
    ['its own exit code', 'exit-code', ['--', '7'], 7, { kind: 'exited', code: 7 }],
    ['134 for a trap', 'trap', [], 134, { kind: 'trapped', trap: 'unreachable' }],
    ['124 for the wall time', 'spin', ['--timeout', '400ms'], 124, { kind: 'limit', limit: 'wallTime' }],
    ['124 for the CPU time', 'spin', ['--cpu-timeout', '300ms'], 124, { kind: 'limit', limit: 'cpuTime' }],
    ['122 for another limit', 'flood', ['--max-output', '1k'], 122, { kind: 'limit', limit: 'output' }],
  ] as const) {
    for (const where of ['there', 'here'] as const) {
      it(`exits with ${what}, ${where}`, async () => {
        const [own, rest] = args[0] === '--' ? [[], args] : [args, []]
        const end = await command(
          'run',
          ...(where === 'there' ? there() : ['--local']),
          '--json',
          '--wasm',
          program(name),
          ...own,
          ...rest,
        )
        assert.equal(end.code, code, end.stderr)
        assert.deepEqual(documentOf(end).outcome, outcome)
      })
    }
  }

  it('exits with 125 and every reason where the task is refused', async () => {
    const args = ['run', '--wasm', program('trap'), '--memory', '1g', '--timeout', '1h', '--json']
    const end = await command(...args, ...there())
    assert.equal(end.code, 125)
    const { error } = JSON.parse(end.stdout) as { error: { code: string; details: { reasons: { subject: string }[] } } }
    assert.equal(error.code, 'REFUSED')
    assert.deepEqual([...new Set(error.details.reasons.map(({ subject }) => subject))].sort(), [
      'memoryBytes',
      'wallTimeMs',
    ])
  })

  it('passes both streams, arguments, variables and standard input on as they are', async () => {
    const streams = await command('run', ...there(), '--quiet', '--wasm', program('streams'))
    assert.deepEqual([streams.stdout, streams.stderr], ['to stdout\n', 'to stderr\n'])
    const args = await command('run', '--local', '--quiet', '--wasm', program('args'), '--', 'a', 'b c', '--json', '-x')
    assert.equal(args.stdout, '[a]\n[b c]\n[--json]\n[-x]\n')
    const input = await souk({
      args: ['run', ...there(), '--quiet', '--wasm', program('cat'), '--stdin', '-'],
      home,
      input: 'größe\n',
    })
    assert.equal(input.stdout, 'größe\n')
  })

  it('has binary output in base64 in its document', async () => {
    const input = Buffer.from([0xff, 0x00, 0x80, 0x0a])
    const end = await souk({
      args: ['run', '--local', '--json', '--wasm', program('cat'), '--stdin', '-'],
      home,
      input,
    })
    const { encoding, stdout, stderr } = documentOf(end)
    assert.deepEqual([encoding, stdout, stderr], ['base64', input.toString('base64'), ''])
  })

  it('saves the files of the result and its receipt, which verify takes', async () => {
    for (const [where, place] of [
      ['there', there()],
      ['here', ['--local']],
    ] as const) {
      const folder = join(dir, `result-${where}`)
      const receipt = join(dir, `receipt-${where}.json`)
      const end = await command(
        'run',
        ...place,
        '--json',
        '--wasm',
        program('write-outputs'),
        '--output',
        '/out',
        '--output-dir',
        folder,
        '--receipt',
        receipt,
        '--',
        '/out',
      )
      assert.equal(end.code, 0, end.stderr)
      assert.equal(await readFile(join(folder, 'out/nested/deep.txt'), 'utf8'), 'deep\n')
      const paths = documentOf(end).outputs.map(({ path }) => path)
      assert.deepEqual([...paths].sort(), ['/out/nested/deep.txt', '/out/nothing', '/out/plain.txt', '/out/report'])
      const verified = await command('verify', receipt)
      assert.equal(verified.code, 0)
      assert.match(verified.stdout, /^receipt +valid: .*\ntask +0x[0-9a-f]{64}\n/)

      const whole = await souk({ args: ['verify', '-', '--json'], home, input: end.stdout })
      assert.equal(whole.code, 0)
      assert.equal((JSON.parse(whole.stdout) as { valid: boolean }).valid, true)
      for (const changed of [
        end.stdout.replace('"name":"write-outputs', '"name":"write-output5'),
        end.stdout.replace('"stdout":""', '"stdout":"x"'),
        end.stdout.replace('{"task":', '{"stderr":"x","task":'),
        end.stdout.slice(0, -3),
      ]) {
        assert.notEqual(changed, end.stdout)
        const refused = await souk({ args: ['verify', '-'], home, input: changed })
        assert.equal(refused.code, 1)
        assert.match(refused.stderr, /\(RECEIPT_INVALID\)/)
      }
      const both = await souk({ args: ['verify', '-', '--json'], home, input: end.stdout + end.stdout })
      assert.equal((JSON.parse(both.stdout) as { documents: unknown[] }).documents.length, 2)
    }
    // What is in the way is left as it is.
    const folder = join(dir, 'result-there')
    await writeFile(join(folder, 'out/plain.txt'), 'mine')
    const end = await command(
      'run',
      ...there(),
      '--wasm',
      program('write-outputs'),
      '--output',
      '/out',
      '--output-dir',
      folder,
      '--',
      '/out',
    )
    assert.equal(end.code, 2)
    assert.match(end.stderr, /plain\.txt is in the way/)
    assert.equal(await readFile(join(folder, 'out/plain.txt'), 'utf8'), 'mine')
  })

  it('leaves a task behind, finds it again by the start of its id, and brings its result', async () => {
    const detached = await command(
      'run',
      ...there(),
      '--detach',
      '--wasm',
      program('spin'),
      '--timeout',
      '50s',
      '--name',
      'left behind',
    )
    assert.equal(detached.code, 0, detached.stderr)
    const taskId = detached.stdout.trim()
    assert.match(taskId, /^0x[0-9a-f]{64}$/)
    const id = taskId.slice(0, 14)

    const list = await command('tasks', 'list', ...there())
    assert.match(list.stdout, /^TASK .*OUTCOME\n0x[0-9a-f]{8,} +left behind +wasm +running /)
    const shown = JSON.parse((await command('tasks', 'show', id, ...there(), '--json')).stdout) as {
      taskId: string
      state: string
    }
    assert.deepEqual([shown.taskId, shown.state], [taskId, 'running'])
    const follow = startSouk({ args: ['tasks', 'logs', id, ...there(), '--follow'], home })
    await follow.says('started\n')
    const cancelled = await command('tasks', 'cancel', id, ...there())
    assert.equal(cancelled.code, 0)
    assert.deepEqual((await follow.ended).code, 0)

    const logs = JSON.parse(
      (await command('tasks', 'logs', id, ...there(), '--json', '--offset', '3')).stdout,
    ) as object
    assert.deepEqual(logs, {
      task: taskId,
      offsets: { stdout: 3, stderr: 0 },
      stdout: 'rted\n',
      stderr: '',
      encoding: 'utf8',
    })
    const result = await command('tasks', 'result', id, ...there(), '--json')
    assert.equal(result.code, 130)
    const document = documentOf(result)
    assert.deepEqual(
      [document.task, document.name, document.stdout, document.outcome],
      [taskId, 'left behind', 'started\n', { kind: 'cancelled' }],
    )
    assert.deepEqual(verifyDocument(document).receipt, document.receipt)

    // Its sender's text of the task is nowhere else: the rest is there, and the receipt vouches for it.
    await rm(join(home, 'souk', 'tasks'), { recursive: true })
    const { receipt, ...rest } = JSON.parse(
      (await command('tasks', 'result', id, ...there(), '--json')).stdout,
    ) as Record<string, unknown>
    assert.deepEqual(receipt, document.receipt)
    assert.equal('spec' in rest, false)

    const stranger = join(dir, 'stranger')
    assert.equal((await souk({ args: ['tasks', 'list', ...there()], home: stranger })).stdout, '')
    const foreign = await souk({ args: ['tasks', 'show', taskId, ...there()], home: stranger })
    assert.equal(foreign.code, 125)
    assert.match(foreign.stderr, /\(NOT_FOUND\)/)
  })

  it('cancels its task on the first signal, and has its receipt', async () => {
    for (const place of [there(), ['--local']]) {
      const receipt = join(dir, 'cancelled.json')
      const running = startSouk({ args: ['run', ...place, '--receipt', receipt, '--wasm', program('spin')], home })
      await running.says('started\n')
      running.child.kill('SIGINT')
      const { code, stderr } = await running.ended
      assert.equal(code, 130, stderr)
      assert.match(stderr, /interrupted: the task is being cancelled/)
      assert.deepEqual(verifyDocument(JSON.parse(await readFile(receipt, 'utf8'))).receipt.outcome, {
        kind: 'cancelled',
      })
      await rm(receipt)
    }
    assert.deepEqual(await readdir(join(home, 'souk', 'local')), [])
  })

  it('prints one document whenever it is interrupted', async () => {
    for (const [place, said] of [
      [there(), 'spin'],
      [['--local'], 'running'],
    ] as const) {
      const running = startSouk({ args: ['run', ...place, '--json', '--wasm', program('spin')], home })
      await running.says(said)
      running.child.kill('SIGTERM')
      const { code, stdout } = await running.ended
      assert.equal(code, 130)
      assert.match(stdout, /^[^\n]+\n$/)
      const document = JSON.parse(stdout) as { error?: { code: string }; outcome?: { kind: string } }
      assert.equal(document.error?.code ?? document.outcome?.kind.toUpperCase(), 'CANCELLED')
    }
  })

  it('leaves its task when the terminal hangs up, says how to come back, and the task goes on', async () => {
    const running = startSouk({ args: ['run', ...there(), '--wasm', program('spin'), '--timeout', '50s'], home })
    await running.says('started\n')
    running.child.kill('SIGHUP')
    const { code, stderr } = await running.ended
    assert.equal(code, 130)
    const [, id = ''] = /Get its result with: souk tasks result (0x[0-9a-f]+) --to /.exec(stderr) ?? []
    const shown = JSON.parse((await command('tasks', 'show', id, ...there(), '--json')).stdout) as { state: string }
    assert.equal(shown.state, 'running')
    assert.equal((await command('tasks', 'cancel', id, ...there())).code, 0)
  })

  it('ends quietly, and its task with it, when nobody reads its output any more', async () => {
    const running = startSouk({
      args: ['run', '--local', '--quiet', '--wasm', program('flood'), '--max-output', '16m'],
      home,
    })
    await running.says('oooo')
    running.child.stdout?.destroy()
    const { code, stderr } = await running.ended
    assert.equal(code, 141)
    assert.match(stderr, /^e*$/)
    assert.deepEqual(await readdir(join(home, 'souk', 'local')), [])
  })

  it('waits for a reader that pauses, and loses no byte', async () => {
    const running = startSouk({
      args: ['run', ...there(), '--wasm', program('flood'), '--max-output', '3m'],
      home,
    })
    running.child.stdout?.pause()
    await running.says('running')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    assert.equal(running.child.exitCode, null)
    running.child.stdout?.resume()
    const { code, stdout } = await running.ended
    assert.equal(code, 122)
    assert.match(stdout, /^o+$/)
    assert.ok(Math.abs(stdout.length - (3 * 1024 * 1024) / 2) <= 1000, String(stdout.length))
  })

  it('says in one line that its output cannot be written', async () => {
    const full = await open('/dev/full', 'w')
    try {
      const child = spawn(process.execPath, ['bin/souk', 'run', '--local', '--quiet', '--json', EXAMPLE], {
        stdio: ['ignore', full.fd, 'pipe'],
        env: {
          ...{ PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
          ...{ HOME: home, SOUK_HOME: join(home, 'souk') },
        },
      })
      let stderr = ''
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
      const [code] = (await once(child, 'close')) as [number | null]
      assert.equal(code, 125)
      assert.match(stderr, /^souk: standard output cannot be written: ENOSPC.*\n$/)
    } finally {
      await full.close()
    }
  })

  it('leaves no process behind when it is killed, and the next local run removes its folder', async () => {
    const running = startSouk({ args: ['run', '--local', '--wasm', program('spin')], home })
    await running.says('running')
    const children = await processSet(await descendantsOf(running.child.pid ?? 0))
    assert.notEqual(children.size, 0)
    assert.equal((await readdir(join(home, 'souk', 'local'))).length, 1)
    running.child.kill('SIGKILL')
    await running.ended
    assert.deepEqual(await survivorsIn(children, { withinMs: 30_000 }), [])
    assert.equal((await command('run', '--local', '--quiet', EXAMPLE)).code, 0)
    assert.deepEqual(await readdir(join(home, 'souk', 'local')), [])
  })

  it('shows the node over its local socket', async () => {
    const config = join(dir, 'provider', 'provider.yaml')
    const { stdout } = await command('node', 'status', '--config', config, '--json')
    const status = JSON.parse(stdout) as { address: string; pid: number; multiaddrs: string[] }
    assert.deepEqual(
      [status.address, status.pid, status.multiaddrs],
      [provider.address, provider.pid, [provider.multiaddr]],
    )
    assert.match((await command('node', 'status', '--config', config)).stdout, /^node +serving for .*\naddress +0x/)
  })
})

describe('souk up', function () {
  this.timeout(120_000)
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-up-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const start = ({ listen = '/ip4/127.0.0.1/tcp/0', folder = 'node' } = {}) =>
    startSouk({
      args: ['up', '--listen', listen],
      home: dir,
      env: { SOUK_NODE_DATA_DIR: join(dir, folder), SOUK_NODE_LOG_LEVEL: 'warn' },
    })

  it('prints its addresses, one a line, and exits with 0 once it has drained', async () => {
    const up = start()
    await up.says('/p2p/')
    up.child.kill('SIGTERM')
    const { code, stdout, stderr } = await up.ended
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/16Uiu2\w+\n$/)
    assert.match(stderr, /provider 0x[0-9a-f]{40}, peer 16Uiu2/)
    assert.match(stderr, /stopped\n$/)
  })

  it('waits for a running task on the first signal, and ends it on the second', async () => {
    const up = start()
    await up.says('/p2p/')
    const { source } = await buildProgram({ file: join(PROGRAMS_DIR, 'spin.c'), runtime: 'wasm' })
    const to =
      /\/ip4\S+/.exec(
        (await souk({ args: ['node', 'status'], home: dir, env: { SOUK_NODE_DATA_DIR: join(dir, 'node') } })).stdout,
      )?.[0] ?? assert.fail()
    const running = startSouk({ args: ['run', '--to', to, '--json', '--wasm', source, '--timeout', '60s'], home: dir })
    await running.says('running')
    up.child.kill('SIGINT')
    await up.says('waiting for 1 task')
    up.child.kill('SIGINT')
    const { code, stderr } = await up.ended
    assert.equal(code, 1, stderr)
    assert.match(stderr, /stopped at once\n$/)
    running.child.kill('SIGHUP')
    await running.ended
  })

  it('says that the data folder is another node’s, and exits with 1', async () => {
    const up = start()
    await up.says('/p2p/')
    const second = await start().ended
    assert.equal(second.code, 1)
    assert.equal(second.stdout, '')
    assert.match(second.stderr, /^error {2}The start failed \(START_FAILED\)\nwhy {4}.*\ndo {5}.*\n$/m)
    up.child.kill('SIGTERM')
    assert.equal((await up.ended).code, 0)
  })

  it('says that its port is another process’s, and exits with 1', async () => {
    const up = start()
    await up.says('/p2p/')
    const { child, ended } = up
    const status = await souk({
      args: ['node', 'status', '--json'],
      home: dir,
      env: { SOUK_NODE_DATA_DIR: join(dir, 'node') },
    })
    const listen = /\/ip4\/127\.0\.0\.1\/tcp\/\d+/.exec(status.stdout)?.[0] ?? assert.fail()
    const second = await start({ listen, folder: 'second' }).ended
    assert.equal(second.code, 1, second.stderr)
    const [error = '', why = '', ...more] = second.stderr.trimEnd().split('\n').slice(-3)
    assert.match(error, /START_FAILED/)
    assert.equal(
      why,
      `why    The network could not be started: ${listen} cannot be listened on: another process has that port already (EADDRINUSE).`,
    )
    assert.match(more.join(), /^do {5}.*network\.listen/)
    child.kill('SIGTERM')
    assert.equal((await ended).code, 0)
  })
})
