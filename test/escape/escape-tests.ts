import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { buildProgram, buildPrograms, PROGRAMS_DIR, type BuiltProgram } from '../../scripts/build-programs.ts'
import { StopReason, type RuntimeTask } from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { RuntimeName } from '../../src/protocol/execution.ts'
import { behaviourIn, ROOMY_LIMITS, type Behaviour } from '../conformance/behaviours.ts'
import { assertBehaviour, runBehaviour, type ConformanceSubject } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { MiB, type Attack } from './attack.ts'
import { attacksOn } from './attacks.ts'
import { layBait, type Bait } from './bait.ts'
import { additions, hostState, type HostState, type Territory } from './host-state.ts'

const ATTACKS_DIR = fileURLToPath(new URL('./programs', import.meta.url))
const FLAGS = ['-O2', '-pthread']
/** What of a flood may be under way: stream buffers, pipes, and what garbage collection has not yet seen. */
const FLOOD_ROOM_BYTES = 96 * MiB
const FLOOD_MS = 3000
const SLOW_READER_PAUSE_MS = 20

/** Programs that are text, by name. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'interpreted-by-itself': '#!/proc/self/exe\n',
  'interpreted-by-init': '#!/proc/1/exe\n',
  'interpreted-by-a-stream': '#!/proc/self/fd/0\n',
}

/** What no program can be started with or in (execve(2)); the folders as in CVE-2024-21626 of runc. */
const IMPOSSIBLE: readonly (readonly [
  string,
  Pick<Attack, 'env' | 'workdir' | 'only'> & Pick<Behaviour, 'command'> & { readonly program?: string },
])[] = [
  ['an argument longer than the kernel takes', { command: ['x'.repeat(200_000)] }],
  ['a variable longer than the kernel takes', { env: { LONG: 'x'.repeat(200_000) } }],
  // Over the wire no task has as many (TASK_BOUNDS).
  ['megabytes of arguments', { only: 'native', command: Array.from({ length: 30 }, () => 'x'.repeat(100_000)) }],
  // As in CVE-2019-5736 of runc: it would be what starts the task, which Landlock lets no task execute.
  ['a program that names itself as its interpreter', { only: 'native', program: 'interpreted-by-itself' }],
  ['a program that names the first process as its interpreter', { program: 'interpreted-by-init' }],
  ['a program that names its input as its interpreter', { program: 'interpreted-by-a-stream' }],
  ['a working folder that is a descriptor of whoever starts it', { workdir: '/proc/self/fd/7' }],
  ['a working folder that is a descriptor, by another name', { workdir: '/dev/fd/7' }],
  ['a working folder that is the root of another process', { workdir: '/proc/1/root' }],
]

/** A runtime to attack. `task` is given the name of one of `programs`. */
export interface Target<T extends RuntimeTask> extends ConformanceSubject<T> {
  /** Where it keeps its files. */
  readonly folder: string
  /** Processes that it keeps from task to task. */
  readonly kept: readonly number[]
  /** What names its control groups and mounts. */
  readonly names: readonly string[]
  /** Files of the host that no task may change. */
  readonly files: readonly string[]
  close(): Promise<void>
}

export interface EscapeOptions<T extends RuntimeTask> {
  readonly runtime: RuntimeName
  /** The programs of the attacks, and `exit-code`, by name. */
  setup(programs: ReadonlyMap<string, BuiltProgram>): Promise<Target<T>>
  /** Where the same attacks are proven to leave nothing one by one elsewhere, it is enough to look at the end. */
  readonly proof?: 'after each' | 'at the end'
  /** What is tried in this runtime besides the table, and the folder with programs of its own. */
  readonly own?: { readonly attacks: readonly Attack[]; readonly programs: string }
}

/** Defines one test for each attack; after each a clean task has to succeed, and nothing may be left. */
export function escapeTests<T extends RuntimeTask>(options: EscapeOptions<T>): void {
  const { runtime, setup, proof = 'after each', own } = options
  describe(`escape: ${runtime} tasks against the host`, function () {
    this.timeout(180_000)
    const mark = `SOUK_ESCAPE=${randomBytes(8).toString('hex')}`
    let dir: string
    let target: Target<T>
    let bait: Bait
    let baseline: HostState
    let digests: readonly string[]

    const territory = (): Territory => ({
      mark,
      folder: target.folder,
      kept: [process.pid, ...target.kept],
      names: target.names,
    })
    const run = async (attack: Attack): Promise<void> => {
      const marked = { ...attack.env, SOUK_ESCAPE: mark.slice(mark.indexOf('=') + 1) }
      const command = typeof attack.command === 'function' ? attack.command(bait) : attack.command
      const { command: _command, verify, ...rest } = attack
      const behaviour: Behaviour = { ...rest, ...(command && { command }), env: marked }
      const ran = await runBehaviour(target, behaviour)
      assertBehaviour(ran, behaviourIn(behaviour, runtime))
      verify?.(ran, bait)
    }
    const runClean = (): Promise<void> =>
      run({ name: 'clean', program: 'exit-code', command: ['5'], expected: { outcome: { kind: 'exited', code: 5 } } })

    const assertUnharmed = async (): Promise<void> => {
      await runClean()
      await bait.assertUntouched()
      assert.deepEqual(await digestsOf(target.files), digests, 'a task has changed a file of the host')
      await settled('left of tasks', async () => (await target.leftovers()).join(', '), '')
      await settled('left on the host', async () => additions(baseline, await hostState(territory())), '')
    }

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'souk-attacks-'))
      const programs = await openCopies(
        new Map([
          ...(await buildPrograms({ runtime, dir: ATTACKS_DIR, flags: FLAGS })),
          ...(own === undefined ? [] : await buildPrograms({ runtime, dir: own.programs, flags: FLAGS })),
          ['exit-code', await buildProgram({ file: join(PROGRAMS_DIR, 'exit-code.c'), runtime })],
        ]),
        dir,
      )
      for (const [name, text] of Object.entries(SCRIPTS)) programs.set(name, await writeScript(join(dir, name), text))
      bait = await layBait()
      target = await setup(programs)
      // What is made once, by the first task, and kept is no leftover of the second.
      await runClean()
      digests = await digestsOf(target.files)
      baseline = await hostState(territory())
    })
    if (proof === 'after each') afterEach(assertUnharmed)
    else after(assertUnharmed)
    after(async () => {
      await target.close()
      await bait.remove()
      await rm(dir, { recursive: true })
    })

    for (const attack of [...attacksOn(runtime), ...(own?.attacks ?? [])]) it(attack.name, () => run(attack))

    for (const [what, { only = runtime, ...base }] of IMPOSSIBLE) {
      if (only !== runtime) continue
      it(`${what} is refused before it runs, and free`, async () => {
        const behaviour = {
          name: what,
          program: 'exit-code',
          expected: { outcome: { kind: 'cancelled' } },
          ...base,
        } as const
        await assert.rejects(runBehaviour(target, behaviour), (error) => isSoukError(error, 'INVALID_INPUT'))
      })
    }

    it('a flood whose reader is slow fills no memory of the node', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'souk-flood-'))
      try {
        await flood(target, dir)
      } finally {
        await rm(dir, { recursive: true })
      }
    })
  })
}

/** That a program cannot be changed has to come from the sandbox: on this host anybody could. */
async function openCopies(
  programs: ReadonlyMap<string, BuiltProgram>,
  dir: string,
): Promise<Map<string, BuiltProgram>> {
  await chmod(dir, 0o755)
  const copies = new Map<string, BuiltProgram>()
  for (const [name, program] of programs) {
    const source = join(dir, name)
    await copyFile(program.source, source)
    await chmod(source, 0o777)
    copies.set(name, { ...program, source })
  }
  return copies
}

async function writeScript(source: string, text: string): Promise<BuiltProgram> {
  await writeFile(source, text)
  await chmod(source, 0o777)
  return { source, sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) }
}

/** Lets a task write as fast as it can to readers that take little, and watches this process's memory. */
async function flood<T extends RuntimeTask>({ executor, task }: Target<T>, dir: string): Promise<void> {
  const stop = new AbortController()
  const slow = (): Writable =>
    new Writable({ write: (_chunk, _encoding, done) => void setTimeout(done, SLOW_READER_PAUSE_MS) })
  const before = process.memoryUsage.rss()
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - before)), 20)
  try {
    const { outcome } = await executor.run({
      task: task('flood', { command: [], env: {}, inputs: [], outputs: [] }),
      limits: { ...ROOMY_LIMITS, wallTimeMs: FLOOD_MS, outputBytes: Number.MAX_SAFE_INTEGER },
      dir,
      stdin: Readable.from([]),
      stdout: slow(),
      stderr: slow(),
      signal: stop.signal,
      onStarted: () => void setTimeout(() => stop.abort(new StopReason('wallTime')), FLOOD_MS),
    })
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok(most < FLOOD_ROOM_BYTES, `${most} bytes`)
  } finally {
    clearInterval(watch)
  }
}

async function digestsOf(files: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    files.map(
      async (file) =>
        `${file} ${createHash('sha256')
          .update(await readFile(file))
          .digest('hex')}`,
    ),
  )
}
