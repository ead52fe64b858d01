import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildProgram, POSIX_PROGRAMS_DIR, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { findStaticBusybox } from '../../scripts/toolchain.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { serialisedErrorSchema } from '../../src/protocol/errors.ts'
import type { NodeStatus } from '../../src/protocol/node-status.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { launcherInstances, mountsBelow } from '../fixtures/left-on-host.ts'
import { leftoversOf } from '../fixtures/native-launcher.ts'
import { descendantsOf, processSet, survivorsIn } from '../fixtures/processes.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, startSouk, type CommandEnd } from '../fixtures/souk-command.ts'

const DIGEST = 'ab'.repeat(32)

describe('souk, with native programs', function () {
  this.timeout(180_000)
  let dir: string
  let home: string
  let root: string
  let provider: ProviderProcess
  const programs = new Map<string, string>()

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-e2e-'))
    home = join(dir, 'requester')
    root = join(dir, 'root')
    const busybox = findStaticBusybox()
    assert(busybox !== undefined, 'there is no static busybox; on Debian: apt-get install busybox-static')
    await mkdir(join(root, 'bin'), { recursive: true })
    await mkdir(home)
    await copyFile(busybox, join(root, 'bin/busybox'))
    for (const name of ['sh', 'cat', 'id', 'ls', 'sleep']) await symlink('busybox', join(root, 'bin', name))
    for (const name of ['args', 'exit-code', 'write-outputs'])
      programs.set(name, (await buildProgram({ file: join(PROGRAMS_DIR, `${name}.c`), runtime: 'native' })).source)
    const accounting = await buildProgram({ file: join(POSIX_PROGRAMS_DIR, 'accounting.c'), runtime: 'native' })
    programs.set('accounting', accounting.source)
    const data = join(dir, 'data')
    await mkdir(data)
    await writeFile(join(data, 'numbers'), '1 2 3\n')
    provider = await startProvider({
      dir: join(dir, 'provider'),
      config: `sandbox:
  wasm: {enabled: false}
  native: {enabled: true, rootfs: ["box@sha256:${DIGEST}=${root}"], mounts: ["data=${data}"]}
`,
    })
  })
  after(async () => {
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  const program = (name: string): string => programs.get(name) ?? assert.fail(name)
  const run = (...args: string[]): Promise<CommandEnd> => souk({ args: ['run', ...args], home })
  const inRoot = (options: readonly string[], script: string): Promise<CommandEnd> =>
    run('--local', '--rootfs', root, ...options, '--', '/bin/sh', '-c', script)
  const documentOf = ({ stdout, stderr }: CommandEnd): RunDocument => {
    assert.match(stdout, /^[^\n]+\n$/, stderr)
    return runDocumentSchema.parse(JSON.parse(stdout))
  }
  const codeOf = ({ stdout }: CommandEnd): string =>
    serialisedErrorSchema.parse((JSON.parse(stdout) as { error: unknown }).error).code

  it('runs a command in a folder of this host, with the limits and the environment that were given', async () => {
    const options = ['--pids', '100', '--memory', '512m', '--cpu-shares', '1024', '--env', 'KEY=VALUE']
    const end = await inRoot(options, 'echo hi')
    assert.deepEqual({ code: end.code, stdout: end.stdout }, { code: 0, stdout: 'hi\n' }, end.stderr)
    assert.match(end.stderr, /sh is task 0x[0-9a-f]{10} here\n/)

    const document = documentOf(await inRoot([...options, '--json'], 'echo "$KEY $(id -u) $HOME"; exit 7'))
    assert.equal(document.stdout, 'VALUE 65534 \n')
    assert.deepEqual(document.outcome, { kind: 'exited', code: 7 })
    const { receipt } = verifyDocument(document)
    const { pids, memoryBytes, cpuShares } = receipt.limits
    assert.deepEqual({ pids, memoryBytes, cpuShares }, { pids: 100, memoryBytes: 512 * 1024 ** 2, cpuShares: 1024 })
    assert.equal(receipt.isolation.runtime, 'native')
    assert.ok(receipt.isolation.layers.includes('seccomp-allow-list'), receipt.isolation.layers.join())
  })

  it('takes inputs in and results out, and leaves the folder as it was', async () => {
    const book = join(dir, 'book.txt')
    const saved = join(dir, 'saved')
    await writeFile(book, 'once upon a time\n')
    const script = 'cat /in/book > /out/copy; echo x > /bin/x || echo read-only; ls /'
    const options = ['--input', `${book}:/in/book`, '--output', '/out', '-d', saved]
    const end = await inRoot(options, script)
    assert.equal(end.code, 0, end.stderr)
    assert.equal(end.stdout, 'read-only\nbin\ndev\nin\nout\nproc\ntmp\n')
    assert.equal(await readFile(join(saved, 'out/copy'), 'utf8'), 'once upon a time\n')
  })

  it('exits as the task did', async () => {
    const ends = await Promise.all([
      inRoot([], 'exit 9'),
      inRoot([], 'kill -SEGV $$'),
      inRoot(['--timeout', '300ms'], 'sleep 100'),
      inRoot(['--max-output', '1k'], 'while :; do echo line; done'),
    ])
    assert.deepEqual(
      ends.map(({ code }) => code),
      [9, 128 + 11, 124, 122],
      ends.map(({ stderr }) => stderr).join('\n'),
    )
  })

  it('runs a program that needs nothing but itself, here and at a provider, to the same end', async () => {
    const words = ['first', 'two words', '']
    const of = async (...where: string[]): Promise<RunDocument> =>
      documentOf(await run(...where, '--json', '--native', program('args'), '--name', 'args', '--', ...words))
    const [here, there] = await Promise.all([of('--local'), of('--to', provider.multiaddr)])
    for (const key of ['name', 'runtime', 'outcome', 'stdout', 'stderr', 'outputs', 'spec', 'isolation'] as const)
      assert.deepEqual(here[key], there[key], key)
    assert.equal(here.runtime, 'native')
    assert.ok(here.stdout.includes('two words'), here.stdout)
    for (const each of [here, there]) assert.deepEqual(verifyDocument(each).receipt, each.receipt)
    assert.equal(there.provider, provider.address)
    const code = await run('--to', provider.multiaddr, '--quiet', '--native', program('exit-code'), '--', '42')
    assert.deepEqual(code, { code: 42, signal: null, stdout: '', stderr: '' })
  })

  it('tells the operator what its sandboxes denied, and the requester what his task used', async () => {
    const config = join(dir, 'provider/provider.yaml')
    const nativeDenied = async (): Promise<NodeStatus['denied'][number]> => {
      const { stdout } = await souk({ args: ['node', 'status', '--json', '--config', config], home })
      const zero = { tasks: 0, systemCalls: 0, oomKills: 0, memoryReclaims: 0, pids: 0, fullDisks: 0, images: 0 }
      const none = { runtime: 'native', ...zero } as const
      return (JSON.parse(stdout) as NodeStatus).denied.find(({ runtime }) => runtime === 'native') ?? none
    }
    const before = await nativeDenied()
    const account = async (what: string, times: string): Promise<RunDocument> =>
      documentOf(await run('--to', provider.multiaddr, '--json', '--native', program('accounting'), '--', what, times))
    const denied = await account('denied', '3')
    assert.deepEqual(denied.outcome, { kind: 'exited', code: 0 })
    assert.ok(!JSON.stringify(denied).includes('swapoff'), 'it is no business of the receipt')

    const calm = await account('switches', '100')
    const { receipt } = verifyDocument(calm)
    const { usage } = receipt
    assert.deepEqual(calm.usage, usage)
    assert.ok((usage.contextSwitches ?? 0) >= 100, JSON.stringify(usage))
    assert.equal((usage.userTimeMs ?? NaN) + (usage.systemTimeMs ?? NaN), usage.cpuTimeMs)

    const lines = provider.log().trim().split('\n')
    const ended = lines.map((line) => JSON.parse(line) as { taskId?: string; msg: string; denied?: unknown })
    const ends = ended.filter(({ msg }) => msg === 'task finished')
    assert.deepEqual(ends.find(({ taskId }) => taskId === denied.task)?.denied, {
      seccomp: { total: 4, calls: { mount: 3, swapoff: 1 } },
      oomKills: 0,
      pids: 0,
    })
    assert.equal(ends.find(({ taskId }) => taskId === receipt.taskId)?.denied, undefined)
    const { tasks, systemCalls, ...others } = before
    assert.deepEqual(await nativeDenied(), { ...others, tasks: tasks + 1, systemCalls: systemCalls + 4 })
    const shown = await souk({ args: ['node', 'status', '--config', config], home })
    assert.match(shown.stdout, /^native denied \d+ tasks?: \d+ system calls/m)
  })

  it('runs in a root file system that a provider names, and in one that goes along as an archive', async () => {
    const file = join(dir, 'task.json')
    const task = { version: 1, name: 'box', command: ['/bin/sh', '-c', 'echo "in the box: $*"', 'sh', 'a', 'b'] }
    await writeFile(file, JSON.stringify({ ...task, runtime: { rootfs: `box@sha256:${DIGEST}` } }))
    const named = await run('--to', provider.multiaddr, '--quiet', file)
    assert.deepEqual({ code: named.code, stdout: named.stdout }, { code: 0, stdout: 'in the box: a b\n' }, named.stderr)

    await writeFile(file, JSON.stringify({ ...task, runtime: { rootfs: `box@sha256:${'0'.repeat(64)}` } }))
    const other = await run('--to', provider.multiaddr, '--json', file)
    assert.deepEqual([other.code, codeOf(other)], [125, 'IMAGE_REFUSED'])

    await promisify(execFile)('tar', ['-C', root, '-cf', join(dir, 'root.tar'), '.'])
    await writeFile(file, JSON.stringify({ ...task, runtime: { tar: './root.tar' } }))
    for (const where of [['--local'], ['--to', provider.multiaddr]]) {
      const sent = await run(...where, '--quiet', file)
      assert.deepEqual({ code: sent.code, stdout: sent.stdout }, { code: 0, stdout: 'in the box: a b\n' }, sent.stderr)
    }
  })

  it('reads what a provider offers, and changes a root file system of its own, which stays as it was', async () => {
    const file = join(dir, 'mounts.yaml')
    const taskOf = (name: string): string => `version: 1
name: mounts
runtime:
  rootfs: box@sha256:${DIGEST}
  writable: true
  mounts: [{ name: ${name}, target: /data }]
command: [/bin/sh, -c, "cat /data/numbers; echo more > /data/more || echo refused; echo new > /bin/new; cat /bin/new"]
`
    await writeFile(file, taskOf('data'))
    const document = documentOf(await run('--to', provider.multiaddr, '--json', file))
    assert.equal(document.stdout, '1 2 3\nrefused\nnew\n')
    const { receipt } = verifyDocument(document)
    assert.ok(receipt.isolation.layers.includes('capped-root-overlay'), receipt.isolation.layers.join())
    assert.ok(!(await readdir(join(root, 'bin'))).includes('new'))

    await writeFile(file, taskOf('dates'))
    const other = await run('--to', provider.multiaddr, '--pids', '1000', file)
    assert.equal(other.code, 125)
    assert.match(other.stderr, /names the folder dates; the provider offers data/)
    assert.match(other.stderr, /pids of 1000, the provider offers at most 256/, 'every reason at once')
  })

  it('is refused what no provider gives: a folder of its own, a runtime that is off, more than is offered', async () => {
    const folder = await run('--to', provider.multiaddr, '--json', '--rootfs', root, '--', '/bin/sh')
    assert.deepEqual([folder.code, codeOf(folder)], [2, 'INVALID_USAGE'])
    // What names the folder of a --local run names nothing at a provider.
    const file = join(dir, 'local.json')
    const runtime = { rootfs: `local-folder@sha256:${DIGEST}` }
    await writeFile(file, JSON.stringify({ version: 1, command: ['/bin/sh'], runtime }))
    assert.equal(codeOf(await run('--to', provider.multiaddr, '--json', file)), 'IMAGE_REFUSED')
    const off = await run('--to', provider.multiaddr, 'examples/word-count.yaml')
    assert.equal(off.code, 125)
    assert.match(off.stderr, /turned off in the configuration \(sandbox\.wasm\.enabled\)/)
    const pids = await inRoot(['--pids', '1000'], 'true')
    assert.match(pids.stderr, /pids of 1000, the provider offers at most 256/)
  })

  it('finds what a run left whose whole command was killed, launcher and all', async () => {
    const running = startSouk({
      args: ['run', '--local', '--rootfs', root, '--', '/bin/sh', '-c', 'echo up; sleep 1000'],
      home,
    })
    await running.says('up')
    const pid = running.child.pid ?? 0
    const processes = await descendantsOf(pid)
    const started = await processSet(processes)
    const [instance = ''] = await launcherInstances(processes)
    assert.notEqual(instance, '')
    for (const each of [...processes, pid]) {
      try {
        process.kill(each, 'SIGKILL')
      } catch {
        // What the launcher had prepared has ended with it.
      }
    }
    await running.ended
    assert.deepEqual(await survivorsIn(started, { withinMs: 20_000 }), [])
    const folders = join(home, 'souk/local')
    assert.equal((await readdir(folders)).length, 1)
    const next = await inRoot(['--quiet'], 'echo next')
    assert.deepEqual({ code: next.code, stdout: next.stdout }, { code: 0, stdout: 'next\n' }, next.stderr)
    assert.deepEqual(await readdir(folders), [])
    assert.deepEqual(await leftoversOf(instance), [])
  })

  it('leaves nothing behind', async () => {
    const processes = await descendantsOf(provider.pid)
    const started = await processSet(processes)
    const instances = [...(await launcherInstances(processes))]
    assert.equal(instances.length, 1, 'one launcher, which runs nothing now')
    assert.equal(await provider.end('SIGTERM'), 0)
    assert.deepEqual(await survivorsIn(started, { withinMs: 20_000 }), [])
    assert.deepEqual(await leftoversOf(instances[0] ?? ''), [])
    assert.deepEqual(await mountsBelow(dir), [])
  })
})
