import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { endLeftoverProcesses, removeLeftoverFiles } from './leftovers.ts'
import type { MochaResult } from './mocha-reporter.ts'
import { runCommand, type CommandResult } from './run-command.ts'
import { summarise, type StageResult } from './test-summary.ts'
import { STAGES, type Stage } from './test-stages.ts'
import { ensureToolchain } from './toolchain.ts'

const USAGE = `Usage: npm test -- [stage ...] [--grep text]
Stages: ${STAGES.map((stage) => stage.name).join(' ')}`

/** For everything together, should something hang; two cores that have nothing else to do need a quarter of it. */
const TOTAL_MS = 45 * 60_000
/** What ending processes may need until they are gone. */
const PROCESS_GRACE_MS = 3_000
/** The exit code of a run that Ctrl-C ended. */
const INTERRUPTED = 130
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning']

/** One run of this program: what it hands to every stage. */
interface Run {
  readonly signal: AbortSignal
  /** Holds all that stages write: their temporary folder, their home, mocha's results. */
  readonly dir: string
  readonly temporary: string
  readonly env: NodeJS.ProcessEnv
  readonly grep: string | undefined
  readonly deadline: number
}

async function runStage(stage: Stage, run: Run): Promise<StageResult> {
  const startedAt = Date.now()
  console.log(`\n━━ ${stage.name}`)
  const sessions = new Set<number>()
  const counts = { passed: 0, failed: [] as string[], skipped: [] as string[] }
  const start = async (args: readonly string[]): Promise<CommandResult> => {
    const timeoutMs = Math.max(1, Math.min(stage.timeoutMs, run.deadline - Date.now()))
    const { env, signal } = run
    const result = await runCommand({
      command: process.execPath,
      args: [...NODE_FLAGS, ...args],
      env,
      timeoutMs,
      signal,
    })
    sessions.add(result.session)
    return result
  }

  const work = stage.work()
  if ('tools' in work) {
    if (work.tools.length === 0) counts.failed.push('nothing to run')
    for (const { label, args } of work.tools) {
      const { ok, problem } = await start(args)
      if (ok) counts.passed++
      else counts.failed.push(`${label}: ${problem}`)
    }
  } else if (work.files.length === 0) {
    counts.failed.push('no test files')
  } else {
    await runMocha({ files: work.files, counts, run, start })
  }

  const territory = { dir: run.dir, sessions }
  for (const { pid, command } of await endLeftoverProcesses({ territory, graceMs: PROCESS_GRACE_MS })) {
    counts.failed.push(`left a process behind: ${pid} ${command}`)
  }
  for (const entry of await removeLeftoverFiles(run.temporary)) {
    counts.failed.push(`left in the temporary folder: ${entry}`)
  }
  return { stage: stage.name, durationMs: Date.now() - startedAt, ...counts }
}

async function runMocha(request: {
  readonly files: readonly string[]
  readonly counts: { passed: number; failed: string[]; skipped: string[] }
  readonly run: Run
  readonly start: (args: readonly string[]) => Promise<CommandResult>
}): Promise<void> {
  const { files, counts, run, start } = request
  const output = join(run.dir, 'mocha.json')
  await rm(output, { force: true })
  const reporter = ['--reporter', './scripts/mocha-reporter.ts', '--reporter-option', `output=${output}`]
  const grep = run.grep === undefined ? [] : ['--grep', run.grep]
  const { ok, problem } = await start(['node_modules/mocha/bin/mocha.js', ...reporter, ...grep, '--spec', ...files])
  const result = await readFile(output, 'utf8').then(
    (text) => JSON.parse(text) as MochaResult,
    () => undefined,
  )
  if (result === undefined) {
    counts.failed.push(`mocha did not finish: ${problem ?? 'no results'}`)
    return
  }
  counts.passed = result.passed
  counts.failed.push(...result.failed)
  counts.skipped.push(...result.skipped)
  if (result.stillOpen !== undefined) {
    counts.failed.push(`the process did not end after the last test; still open: ${result.stillOpen.join(', ')}`)
  } else if (!ok && result.failed.length === 0) {
    counts.failed.push(`mocha: ${problem}`)
  }
}

/** Ctrl-C and TERM end what is running, by its own id, and then us. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      console.error(`\n${signal}: ending what is running`)
      controller.abort(signal)
    })
  }
  return controller.signal
}

async function prepareRun(grep: string | undefined): Promise<Run> {
  // Short, for the paths of Unix sockets below it must stay under 108 bytes.
  const dir = await mkdtemp(join(tmpdir(), 'souk-'))
  // To go through, but not to look into: some tests become another user, and are to find what they are given.
  await chmod(dir, 0o711)
  const temporary = join(dir, 't')
  const home = join(dir, 'h')
  await mkdir(temporary)
  await mkdir(home)
  const env: NodeJS.ProcessEnv = {
    // npm keeps using the user's settings and cache, which it would look for in the home folder.
    npm_config_userconfig: join(homedir(), '.npmrc'),
    npm_config_cache: join(homedir(), '.npm'),
    ...process.env,
    PATH: [join(process.cwd(), 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
    HOME: home,
    TMPDIR: temporary,
    // Hundreds of processes are started from the same sources; coverage wants each of them compiled anew.
    ...(process.env['NODE_V8_COVERAGE'] === undefined && {
      NODE_COMPILE_CACHE: join(process.cwd(), '.cache', 'compiled'),
    }),
  }
  return { signal: abortOnSignals(), dir, temporary, env, grep, deadline: Date.now() + TOTAL_MS }
}

async function main(): Promise<number> {
  process.chdir(join(import.meta.dirname, '..'))
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { grep: { type: 'string', short: 'g' }, help: { type: 'boolean', short: 'h' } },
  })
  const unknown = positionals.filter((name) => !STAGES.some((stage) => stage.name === name))
  if (values.help === true || unknown.length > 0) {
    for (const name of unknown) console.error(`There is no stage "${name}".`)
    console.error(USAGE)
    return values.help === true ? 0 : 2
  }
  const stages = STAGES.filter((stage) => positionals.length === 0 || positionals.includes(stage.name))

  const startedAt = Date.now()
  const run = await prepareRun(values.grep)
  try {
    if (stages.some((stage) => stage.needsToolchain)) await ensureToolchain(run.signal)
    const results: StageResult[] = []
    for (const stage of stages) {
      if (run.signal.aborted) break
      results.push(await runStage(stage, run))
    }
    if (run.signal.aborted) return INTERRUPTED
    const { text, ok } = summarise({ results, durationMs: Date.now() - startedAt })
    console.log(`\n━━ summary\n${text}`)
    return ok ? 0 : 1
  } finally {
    await rm(run.dir, { recursive: true, force: true })
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return 1
})
