/** What runs in the machine, once for each mode, and on this host as an ordinary user; its results go to results.ts. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buildPrograms, type BuiltProgram } from '../../scripts/build-programs.ts'
import type { Executor, Job, NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { limitsMissingIn, type Execution } from '../../src/protocol/execution.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { LimitKey, Limits } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { unheldOf } from '../conformance/columns.ts'
import { collector, executorConformance } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { nativeAccounting } from '../conformance/native-accounting.ts'
import { quotaInKernel } from '../fixtures/cpu-quota.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { installCoreHandler } from './core-handler.ts'
import {
  HANDS_OVER_NO_CORE,
  hasGroups,
  MODES,
  MODE_VARIABLE,
  PROBED,
  QUOTA,
  refusal,
  SAYS_WHAT_IT_IS,
  STARTED_ANEW,
  type Mode,
} from './modes.ts'

const mode = modeNamed(process.env[MODE_VARIABLE])
const unheld = unheldOf(mode.column)
const sandbox = { mode: unheld.length === 0 ? 'strict' : 'degraded' } as const

/** By trials that a slow or emulated processor does not disturb. */
const EVERYWHERE_PROVEN = ['memoryBytes', 'pids', 'cpuTimeMs', 'idleTimeMs', 'diskBytes', 'inodes'] as const

let place: TestLauncher

executorConformance({
  name: mode.name,
  column: mode.column,
  async setup() {
    place = await startNativeLauncher()
    const programs = await buildPrograms({ runtime: 'native' })
    const executor = createNativeExecutor({ launcher: place.launcher, ...sandbox })
    return {
      executor: {
        ...executor,
        run: (job: Job<NativeTask>) => executor.run({ ...job, limits: enforceable(job.limits) }),
        // The launcher is not the executor's own; what they leave behind is looked at together.
        async close() {
          await executor.close()
          await place.launcher.close()
        },
      },
      task: (program, base) => ({ ...base, ...nativeProgram(programs, program) }),
      leftovers: async () => [...(await place.leftovers()), ...(await readdir(place.stateDir, { recursive: true }))],
    }
  },
  teardown: () => place.remove(),
})

describe(`native runtime ${mode.name}`, function () {
  this.timeout(300_000)
  let own: TestLauncher
  let executor: Executor<NativeTask>
  let programs: ReadonlyMap<string, BuiltProgram>

  before(async () => {
    programs = await buildPrograms({ runtime: 'native' })
    own = await startNativeLauncher()
    executor = createNativeExecutor({ launcher: own.launcher, ...sandbox })
  })
  after(() => own.remove())

  nativeAccounting({
    groups: hasGroups(mode),
    subject: () => ({
      executor: { ...executor, run: (job) => executor.run({ ...job, limits: enforceable(job.limits) }) },
      task: (program, base) => ({ ...base, ...nativeProgram(programs, program) }),
    }),
  })

  it(SAYS_WHAT_IT_IS, async () => {
    const { landlock, missing, version: _version, ...has } = await own.launcher.hello()
    assert.ok(landlock >= 2, `Landlock ${landlock}`)
    const all = ['memory', 'pids', 'cpu', 'cpuacct']
    const none = mode.id === 'rootless'
    assert.deepEqual(has, {
      ...(none ? { cgroup: 'none', controllers: [] } : { cgroup: 'v2', controllers: all }),
      root: mode.id === 'root',
      userNamespace: true,
      timeNamespace: true,
      seccomp: true,
    })
    const withoutGroups = [
      'No control group has been delegated to this user: Permission denied.',
      ...all.map((name) => `The control group controller ${name} is not there: its limits cannot be enforced.`),
    ]
    const withoutRoot = `Not root: tasks run as user ${process.getuid?.()} and group ${process.getgid?.()} only, and no storage can be lent.`
    assert.deepEqual(missing, [...(none ? withoutGroups : []), ...(mode.id === 'root' ? [] : [withoutRoot])])
  })

  it(PROBED, async () => {
    const { signal } = new AbortController()
    const capability = await executor.probe(signal)
    assert.ok(capability.available, JSON.stringify(capability))
    // Root has to map the owner of a folder to the task's user, and the file system here, tmpfs, can do so from Linux 6.3 on.
    const [major = 0, minor = 0] = release().split('.').map(Number)
    const mapsOwners = major > 6 || (major === 6 && minor >= 3)
    assert.equal(capability.features.includes('writable-root'), mode.id !== 'root' || mapsOwners)
    const proven = new Set<LimitKey>(capability.proven.map(({ limit }) => limit))
    // How two tasks share a core shows only where both have the core to themselves, which an emulated one is not.
    for (const limit of EVERYWHERE_PROVEN)
      assert.equal(proven.has(limit), !unheld.includes(limit), `${limit}: ${JSON.stringify(capability.unproven)}`)
    assert.deepEqual([...(capability.waived ?? [])].sort(), [...unheld].sort())
    assert.deepEqual([...limitsMissingIn(capability.isolation)].sort(), [...unheld].sort())
    if (unheld.length === 0) return
    const strict = await createNativeExecutor({ launcher: own.launcher }).probe(signal)
    assert.ok(!strict.available)
    assert.match(strict.why, /there are no control groups .*--degraded/)
  })

  if (!unheld.includes('cpuCores')) {
    it(QUOTA, async () => {
      const files = await quotaInKernel({ executor, instance: own.instance, quota: '20000 10000' })
      assert.deepEqual(files, { 'cpu.max': '50000 100000' })
    })
  }

  for (const limit of unheld) {
    it(refusal(limit), async () => {
      let started = false
      const run = runPlain({
        executor,
        limits: { ...enforceable(ROOMY_LIMITS), [limit]: mode.column.unheld?.[limit] },
        onStarted: () => {
          started = true
        },
      })
      await assert.rejects(
        run,
        (error) =>
          isSoukError(error, 'EXECUTOR_FAILED') && /A limit on .* cannot be enforced: .*\(cgroup\)/.test(error.message),
      )
      assert.equal(started, false)
    })
  }

  if (mode.id === 'root') {
    it(HANDS_OVER_NO_CORE, async () => {
      const programs = await buildPrograms({ runtime: 'native' })
      const handler = await installCoreHandler()
      try {
        const { outcome } = await runPlain({ executor, limits: enforceable(ROOMY_LIMITS), program: 'wild-store' })
        assert.deepEqual(outcome, { kind: 'killed', signal: 'SIGSEGV' })
        // A task is not gone before its core has been taken: there is nothing to wait for.
        assert.equal(await handler.taken(), undefined)
        // Outside, a limit of 0 keeps nobody from it.
        await handler.crashOutside(programs.get('wild-store')?.source ?? '')
        await settled('taken', async () => String(((await handler.taken()) ?? 0) > 0), 'true')
      } finally {
        await handler.remove()
      }
    })
  }

  it(STARTED_ANEW, async () => {
    const before = await groupsOf(own)
    for (const pid of await processesOf(own)) process.kill(pid, 'SIGKILL')
    await settled('processes', async () => (await processesOf(own)).join(' '), '')
    const { outcome } = await runPlain({ executor, limits: enforceable(ROOMY_LIMITS) })
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(await groupsOf(own), before)
    await own.launcher.close()
    assert.deepEqual(await own.leftovers(), [])
  })
})

/** Runs a program that says little; one that ends at once, if no other is named. */
async function runPlain({
  executor,
  limits,
  program = 'exit-code',
  onStarted = () => {},
}: {
  readonly executor: Executor<NativeTask>
  readonly limits: Limits
  readonly program?: string
  readonly onStarted?: () => void
}): Promise<Execution> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-plain-'))
  const programs = await buildPrograms({ runtime: 'native' })
  try {
    return await executor.run({
      task: { command: [], env: {}, inputs: [], outputs: [], ...nativeProgram(programs, program) },
      limits,
      dir,
      stdin: Readable.from([]),
      stdout: collector().stream,
      stderr: collector().stream,
      signal: new AbortController().signal,
      onStarted,
    })
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function processesOf({ leftovers }: TestLauncher): Promise<readonly number[]> {
  return (await leftovers()).flatMap((line) => /^process (\d+) /.exec(line)?.slice(1).map(Number) ?? [])
}

/** The launcher's own control groups; those of its runs are named by numbers. */
async function groupsOf({ leftovers }: TestLauncher): Promise<readonly string[]> {
  const groups = (await leftovers()).filter((line) => line.startsWith('/sys/fs/cgroup/'))
  return groups.filter((folder) => !/\/\d+$/.test(folder)).sort()
}

function modeNamed(id: string | undefined): Mode {
  const found = MODES.find((each) => each.id === id)
  if (found === undefined) throw new Error(`${MODE_VARIABLE} is to be one of ${MODES.map((each) => each.id).join(' ')}`)
  return found
}

function nativeProgram(
  programs: ReadonlyMap<string, BuiltProgram>,
  name: string,
): Pick<NativeTask, 'runtime' | 'name' | 'root'> {
  const built = programs.get(name)
  if (built === undefined) throw new Error(`no program ${name}`)
  return { runtime: 'native', name, root: { kind: 'program', ...built } }
}

/** The limits without those that nothing enforces here: what the table asks for in every run would be refused as well. */
function enforceable(limits: Limits): Limits {
  const kept = Object.entries(limits).filter(([limit]) => !unheld.some((each) => each === limit))
  return Object.fromEntries(kept) as unknown as Limits
}
