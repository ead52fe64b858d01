import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { StopReason, type Executor, type Job, type NativeRoot, type NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import type { NamedRoot } from '../../src/native/roots.ts'
import { startLauncher } from '../../src/native/launcher.ts'
import { LAUNCHER_BINARY } from '../../src/native/launcher-process.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { LimitKey } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { quotaInKernel } from '../fixtures/cpu-quota.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

const DIGEST = 'ab'.repeat(32)
const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

describe('native executor', function () {
  this.timeout(120_000)
  const roots = new Map<string, NamedRoot>([['host-usr', { sha256: DIGEST }]])
  let dir: string
  let place: TestLauncher
  let executor: Executor<NativeTask>

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-executor-'))
    place = await startNativeLauncher()
    executor = createNativeExecutor({
      launcher: place.launcher,
      roots,
      maxRootBytes: 20 * 1024 * 1024,
    })
  })
  after(async () => {
    await executor.close()
    await place.remove()
    await rm(dir, { recursive: true })
  })

  async function program(name: string): Promise<NativeRoot> {
    return { kind: 'program', ...(await buildProgram({ file: join(PROGRAMS_DIR, `${name}.c`), runtime: 'native' })) }
  }

  async function job(
    root: NativeRoot,
    changes: Partial<Job<NativeTask>> = {},
    task: Partial<NativeTask> = {},
  ): Promise<Job<NativeTask>> {
    return {
      task: { runtime: 'native', name: 'test', root, command: [], env: {}, inputs: [], outputs: [], ...task },
      limits: ROOMY_LIMITS,
      dir: await mkdtemp(join(dir, 'job-')),
      stdin: Readable.from([]),
      stdout: discard(),
      stderr: discard(),
      signal: new AbortController().signal,
      onStarted: () => {},
      ...changes,
    }
  }

  it('proves every limit that it has by hitting it, and says why it lacks the others', async () => {
    const capability = await executor.probe(new AbortController().signal)
    assert.ok(capability.available, JSON.stringify(capability))
    const expected: readonly LimitKey[] = [
      'cpuCores',
      'cpuShares',
      'cpuTimeMs',
      'diskBytes',
      'idleTimeMs',
      'inodes',
      'memoryBytes',
      'openFiles',
      'outputBytes',
      'pids',
      'stackBytes',
      'wallTimeMs',
    ]
    assert.deepEqual(capability.proven.map(({ limit }) => limit).sort(), expected, JSON.stringify(capability.unproven))
    assert.deepEqual(capability.unproven.map(({ limit }) => limit).sort(), ['fuel', 'gpus', 'ioWeight'])
    assert.ok(capability.features.includes('rootfs'))
    for (const layer of ['pid-namespace', 'network-namespace', 'pivot-root', 'seccomp-allow-list', 'uid-65534'])
      assert.ok(capability.isolation.layers.includes(layer), layer)
  })

  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  const unified = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4]
  const hybrid = unified !== undefined && mounts.some((line) => / - cgroup .*\bmemory\b/.test(line))
  const asHybrid = hybrid ? it : it.skip
  asHybrid(
    `takes the v1 controllers of a hybrid host, whose v2 mount has none${hybrid ? '' : ' (needs a host with both)'}`,
    async () => {
      const { cgroup, controllers } = await place.launcher.hello()
      assert.deepEqual([cgroup, controllers], ['v1', ['memory', 'pids', 'cpu', 'cpuacct']])
      const ofUnified = await readFile(join(unified ?? '', 'cgroup.controllers'), 'utf8')
      for (const controller of ['memory', 'pids', 'cpu']) assert.doesNotMatch(ofUnified, new RegExp(controller))
    },
  )

  it('is unavailable, and does not throw, where its probe is stopped', async () => {
    const capability = await executor.probe(AbortSignal.abort(new StopReason('shutdown')))
    assert.equal(capability.available, false)
  })

  it('is unavailable, and says so, where no launcher listens', async () => {
    const without = createNativeExecutor({ launcher: startLauncher({ socket: join(dir, 'nobody') }) })
    const capability = await without.probe(new AbortController().signal)
    assert.ok(!capability.available)
    assert.match(capability.why, /no launcher listens at/)
    await assert.rejects(without.run(await job(await program('exit-code'))), (error) =>
      isSoukError(error, 'RUNTIME_UNAVAILABLE'),
    )
  })

  it('refuses limits that it cannot hold a task to, each by name', async () => {
    const limits = { ...ROOMY_LIMITS, cpuCores: 0.001, memoryBytes: 1, fuel: 1000, ioWeight: 10, stackBytes: 1 }
    await assert.rejects(executor.run(await job(await program('exit-code'), { limits })), (error) => {
      assert.ok(isSoukError(error, 'REFUSED'))
      assert.deepEqual(error.details.reasons.map((reason) => String(reason.subject)).sort(), [
        'cpuCores',
        'fuel',
        'ioWeight',
        'memoryBytes',
        'stackBytes',
      ])
      assert.match(error.message, /held to ioWeight: its files are in memory, where nothing queues for a disk/)
      return true
    })
  })

  it('refuses paths that the sandbox needs for itself, and a root without a command', async () => {
    const root = await program('exit-code')
    const input = (target: string): Partial<NativeTask> => ({ inputs: [{ source: '/dev/null', bytes: 0, target }] })
    const refused: readonly (readonly [NativeRoot, Partial<NativeTask>])[] = [
      [root, input('/tmp')],
      [root, input('/proc/x')],
      [root, input('/program')],
      [root, { ...input('/data'), workdir: '/data/below' }],
      [root, { outputs: [{ path: '/dev' }] }],
      [root, { outputs: [{ path: '/program/out' }] }],
      [{ kind: 'named', name: 'host-usr', sha256: DIGEST }, {}],
    ]
    for (const [each, task] of refused)
      await assert.rejects(
        executor.run(await job(each, {}, task)),
        (error) => isSoukError(error, 'INVALID_INPUT'),
        JSON.stringify(task),
      )
  })

  it('blames the task for a program that is none', async () => {
    const source = join(dir, 'text')
    await writeFile(source, 'no program')
    const text: NativeRoot = { kind: 'program', source, sha256: '', bytes: 10 }
    const usr: NativeRoot = { kind: 'named', name: 'host-usr', sha256: DIGEST }
    for (const [root, command] of [
      [text, []],
      [usr, ['/bin/there-is-none']],
      [usr, ['there-is-none']],
    ] as const) {
      let started = 0
      const running = executor.run(await job(root, { onStarted: () => (started += 1) }, { command }))
      await assert.rejects(running, (error) => isSoukError(error, 'INVALID_INPUT') && error.fault === 'requester')
      assert.equal(started, 0)
    }
  })

  it('runs what a named root has, and no other than the one named', async () => {
    const stdout = collector()
    const usr: NativeRoot = { kind: 'named', name: 'host-usr', sha256: DIGEST }
    const env = { PATH: '/usr/bin:/bin' }
    const command = ['sh', '-c', 'echo "$PWD"; ls / | tr "\\n" " "; touch /usr/x 2>/dev/null || echo refused']
    const { outcome } = await executor.run(
      await job(
        usr,
        { stdout: stdout.stream, limits: { ...ROOMY_LIMITS, pids: 8 } },
        { command, env, workdir: '/work' },
      ),
    )
    assert.deepEqual(outcome, { kind: 'exited', code: 0 }, stdout.content().toString())
    const [pwd, entries] = stdout.content().toString().split('\n')
    assert.equal(pwd, '/work')
    assert.match(entries ?? '', /\bbin\b.*\busr\b/)
    assert.doesNotMatch(entries ?? '', /\b(root|home|var|sys|boot)\b/)
    assert.match(stdout.content().toString(), /refused\n$/)
    for (const [name, sha256] of [
      ['host-usr', 'cd'.repeat(32)],
      ['other', DIGEST],
    ] as const)
      await assert.rejects(
        executor.run(await job({ kind: 'named', name, sha256 }, {}, { command: ['true'] })),
        (error) => isSoukError(error, 'IMAGE_REFUSED') && error.message.includes(`host-usr@${DIGEST}`),
      )
  })

  it('runs a program of a tar, or of a folder, with the root read-only', async () => {
    const folder = join(dir, 'root')
    await mkdir(join(folder, 'bin'), { recursive: true })
    const built = await program('args')
    assert.ok(built.kind === 'program')
    await copyFile(built.source, join(folder, 'bin/show'))
    await chmod(join(folder, 'bin/show'), 0o755)
    await chmod(folder, 0o755)
    const source = join(dir, 'root.tar')
    await promisify(execFile)('tar', ['-C', folder, '-cf', source, '.'])
    roots.set('folder', { sha256: DIGEST, path: folder })
    const before = await readdir(folder, { recursive: true })
    for (const root of [
      { kind: 'named', name: 'folder', sha256: DIGEST },
      { kind: 'tar', source, sha256: '', bytes: 1 },
    ] as const) {
      const stdout = collector()
      const task = { command: ['/bin/show', 'one', 'two'], outputs: [{ path: '/out/deep' }] }
      const { outcome } = await executor.run(await job(root, { stdout: stdout.stream }, task))
      assert.deepEqual(outcome, { kind: 'exited', code: 0 })
      assert.equal(stdout.content().toString(), '[one]\n[two]\n')
    }
    assert.deepEqual(await readdir(folder, { recursive: true }), before, 'nothing was made in it')
  })

  it('refuses a tar that is none, or that unpacks to too much', async () => {
    const zeros = join(dir, 'zeros')
    await writeFile(zeros, Buffer.alloc(21 * 1024 * 1024))
    await promisify(execFile)('tar', ['-C', dir, '-czf', join(dir, 'bomb.tar.gz'), 'zeros'])
    for (const source of [join(dir, 'bomb.tar.gz'), '/etc/hostname']) {
      const root: NativeRoot = { kind: 'tar', source, sha256: '', bytes: 1 }
      await assert.rejects(executor.run(await job(root, {}, { command: ['/x'] })), (error) =>
        isSoukError(error, 'INVALID_INPUT'),
      )
    }
  })

  it('counts it as the provider’s fault when an input is gone', async () => {
    const inputs = [{ source: join(dir, 'gone'), bytes: 5, target: '/in/x' }]
    await assert.rejects(executor.run(await job(await program('exit-code'), {}, { inputs })), (error) => {
      assert.ok(isSoukError(error, 'EXECUTOR_FAILED'), String(error))
      assert.ok(!error.message.includes(dir), 'folders of the provider are its own business')
      return error.fault === 'provider'
    })
  })

  it('counts it as the provider’s fault when standard input breaks', async () => {
    const stdin = new Readable({ read: () => {} })
    const running = executor.run(
      await job(await program('cat'), { stdin, onStarted: () => stdin.destroy(new Error('disk failure')) }),
    )
    await assert.rejects(running, (error) => isSoukError(error, 'EXECUTOR_FAILED'))
    const broken = new Readable({ read: () => {} }).on('error', () => {})
    broken.destroy(new Error('disk failure'))
    await assert.rejects(executor.run(await job(await program('cat'), { stdin: broken })), (error) =>
      isSoukError(error, 'EXECUTOR_FAILED'),
    )
  })

  it('writes a quota of cores to the kernel in the order that the kernel reads it', async () => {
    const { cgroup } = await place.launcher.hello()
    // Half a core in whatever period, of which the launcher has one.
    for (const quota of ['100000 50000', '20000 10000']) {
      const files = await quotaInKernel({ executor, instance: place.instance, quota })
      assert.deepEqual(
        files,
        cgroup === 'v1'
          ? { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '50000' }
          : { 'cpu.max': '50000 100000' },
      )
    }
  })

  it('ends a flood whose reader stands still by its wall time, having taken little of it', async () => {
    const stop = new AbortController()
    const stalled = new Writable({ highWaterMark: 1, write: () => {} })
    const { outcome, usage } = await executor.run(
      await job(await program('flood'), {
        stdout: stalled,
        limits: { ...ROOMY_LIMITS, outputBytes: 1e9 },
        signal: stop.signal,
        onStarted: () => setTimeout(() => stop.abort(new StopReason('wallTime')), 500),
      }),
    )
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok(usage.outputBytes < 2_000_000, `${usage.outputBytes} bytes were taken`)
  })

  it('does not call a task idle that waits for a slow reader', async () => {
    const stop = new AbortController()
    const stalled = new Writable({ highWaterMark: 1, write: () => {} })
    const { outcome } = await executor.run(
      await job(await program('flood'), {
        stdout: stalled,
        limits: { ...ROOMY_LIMITS, idleTimeMs: 700, outputBytes: 1e9 },
        signal: stop.signal,
        onStarted: () => setTimeout(() => stop.abort(new StopReason('wallTime')), 1500),
      }),
    )
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
  })

  it('ends a task by itself where the node does not', async () => {
    const { outcome, usage } = await executor.run(
      await job(await program('sleep'), { limits: { ...ROOMY_LIMITS, wallTimeMs: 10 } }),
    )
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok(usage.wallTimeMs >= 10)
  })

  it('runs many tasks beside each other, each with its own output', async () => {
    const root = await program('args')
    const run = async (word: string): Promise<string> => {
      const stdout = collector()
      await executor.run(await job(root, { stdout: stdout.stream }, { command: [word] }))
      return stdout.content().toString()
    }
    const words = Array.from({ length: 24 }, (_, index) => `task ${index}`)
    assert.deepEqual(
      await Promise.all(words.map(run)),
      words.map((word) => `[${word}]\n`),
    )
  })

  it('fails what runs when the launcher dies, leaves nothing of it, and starts another', async () => {
    const stdout = collector()
    const running = executor.run(await job(await program('sleep'), { stdout: stdout.stream }))
    running.catch(() => {})
    await stdout.firstLine
    process.kill(await launcherPid(place.instance), 'SIGKILL')
    await assert.rejects(running, (error) => isSoukError(error, 'EXECUTOR_FAILED') && error.retryable)
    const { outcome } = await executor.run(await job(await program('exit-code')))
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
    assert.equal(await executor.reap({ signal: new AbortController().signal, keep: [] }), 0)
    await settled(
      'processes and groups',
      async () => {
        const left = await place.leftovers()
        const ofNext = (each: string): boolean => each.includes('--socket') || each.endsWith(`/souk-${place.instance}`)
        return left.filter((each) => !ofNext(each)).join('\n')
      },
      '',
    )
  })

  it('sleeps while output of a task that is over waits for its reader', async () => {
    // What is sent on trust, and what a pipe holds: the task can end, and not all of it is sent.
    const content = Buffer.alloc(320 * 1024, 'x')
    let received = 0
    const read = Promise.withResolvers<void>()
    const stdout = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        received += chunk.length
        void read.promise.then(() => done())
      },
    })
    await place.launcher.hello()
    const before = new Set(await childrenOf(await launcherPid(place.instance)))
    const running = executor.run(await job(await program('cat'), { stdin: Readable.from([content]), stdout }))
    await sleep(500)
    const keepers = (await childrenOf(await launcherPid(place.instance))).filter((pid) => !before.has(pid))
    const spent = await cpuTicksOf([...before, ...keepers])
    await sleep(1500)
    const ticks = (await cpuTicksOf([...before, ...keepers])) - spent
    read.resolve()
    const { outcome } = await running
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
    assert.equal(received, content.length)
    // Of 150 hundredths of a second.
    assert.ok(ticks < 40, `${ticks} hundredths of a second of CPU time`)
  })

  it('waits where no process can be made, instead of trying all the time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'souk-native-'))
    const [uid, binary] = [54_322, join(folder, 'souk-launcher')]
    await copyFile(LAUNCHER_BINARY, binary)
    await chown(folder, uid, uid)
    const become = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', 'prlimit', '--nproc=1']
    const launcher = spawn(
      'setpriv',
      [...become, binary, '--socket', join(folder, 'socket'), '--instance', basename(folder).toLowerCase()],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    try {
      await once(launcher.stdout, 'data')
      const pid = launcher.pid ?? 0
      assert.deepEqual(await childrenOf(pid), [])
      const before = await cpuTicksOf([pid])
      await sleep(1000)
      // A second has 100 of them.
      assert.ok((await cpuTicksOf([pid])) - before < 30)
    } finally {
      launcher.stdin.end()
      await once(launcher, 'exit')
      await rm(folder, { recursive: true })
    }
  })

  it('listens elsewhere where its folder’s path is too long for a socket', async () => {
    const stateDir = join(dir, 'long'.repeat(30))
    const launcher = startLauncher({ stateDir, instance: 'test-long' })
    const other = createNativeExecutor({ launcher })
    try {
      const { outcome } = await other.run(await job(await program('exit-code'), {}, { command: ['3'] }))
      assert.deepEqual(outcome, { kind: 'exited', code: 3 })
    } finally {
      await launcher.close()
    }
  })
})

async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}

/** User and system time of these, as far as they live, in hundredths of a second (proc_pid_stat(5)). */
async function cpuTicksOf(pids: readonly number[]): Promise<number> {
  let ticks = 0
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const [user, system] = stat.split(') ').at(-1)?.split(' ').slice(11, 13) ?? []
    ticks += Number(user ?? 0) + Number(system ?? 0)
  }
  return ticks
}

async function launcherPid(instance: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [status, commandLine] = await Promise.all(
      ['status', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    )
    if (new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status ?? '') && commandLine?.includes(instance))
      return Number(pid)
  }
  throw new Error('the launcher does not run')
}
