import { closeSync, openSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildWasmSandbox, IN_CLONE } from './build-wasm-sandbox.ts'
import { judgeAlone, type Verdict } from './test-alone.ts'
import { runInLanes, type Place } from './test-lanes.ts'
import { runPart, type LaneFolder, type PartResult } from './test-part.ts'
import { STAGES, type Stage, type Work } from './test-stages.ts'
import { summarise, type StageResult } from './test-summary.ts'
import { ensureToolchain } from './toolchain.ts'

/** At a time. Half of what a lane does is to wait, for a process to start or a time to be over: there are two more than there are cores. */
const MOST_LANES = 4
const USAGE = `Usage: npm test -- [stage ...] [--grep text] [--lanes number]
Stages: ${STAGES.map((stage) => stage.name).join(' ')}

  --grep text     tests whose title contains this
  --lanes number  how much is run at a time: as many lanes as cores and two more, ${MOST_LANES} at most, where absent`

/** For everything together, should something hang; two cores that have nothing else to do need a quarter of it. */
const TOTAL_MS = 45 * 60_000
/** The exit code of a run that Ctrl-C ended. */
const INTERRUPTED = 130

/** A part of a stage. */
interface Item {
  readonly stage: Stage
  readonly work: Work
}

interface Run {
  readonly signal: AbortSignal
  readonly folders: readonly LaneFolder[]
  readonly grep: string | undefined
  readonly deadline: number
}

/** Shows what a part says while it says it, or all of it at its end where others would talk in between. */
async function runItem({ stage, work }: Item, { lane, accompanied }: Place, run: Run): Promise<PartResult> {
  const { signal, folders, grep, deadline } = run
  const place = folders[lane]
  if (place === undefined) throw new Error(`there is no lane ${lane}`)
  signal.throwIfAborted()
  const timeoutMs = Math.max(1, Math.min(stage.timeoutMs, deadline - Date.now()))
  const request = { work, place, timeoutMs, signal, grep }
  if (!accompanied) {
    console.log(`\n━━ ${stage.name}`)
    return runPart(request)
  }
  const file = join(place.dir, 'output')
  const output = openSync(file, 'w')
  try {
    return await runPart({ ...request, output })
  } finally {
    closeSync(output)
    const files = 'files' in work && stage.parts().length > 1 ? ` ${work.files.join(' ')}` : ''
    console.log(`\n━━ ${stage.name}${files}\n${await readFile(file, 'utf8')}`)
  }
}

/** Of a part that could not be run. */
const failure = (error: unknown): PartResult => ({
  durationMs: 0,
  passed: 0,
  failed: [`it could not be run: ${error instanceof Error ? error.message : String(error)}`],
  skipped: [],
})

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

async function prepareLane(): Promise<LaneFolder> {
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
  return { dir, temporary, env }
}

function lanesFrom(text: string | undefined): number {
  return text === undefined ? Math.min(MOST_LANES, availableParallelism() + 2) : Number(text)
}

async function main(): Promise<number> {
  process.chdir(join(import.meta.dirname, '..'))
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      grep: { type: 'string', short: 'g' },
      lanes: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const lanes = lanesFrom(values.lanes)
  const problems = positionals
    .filter((name) => !STAGES.some((stage) => stage.name === name))
    .map((name) => `There is no stage "${name}".`)
  if (!Number.isInteger(lanes) || lanes < 1) problems.push(`--lanes ${values.lanes}: a whole number from 1 is needed.`)
  if (values.help === true || problems.length > 0) {
    for (const problem of problems) console.error(problem)
    console.error(USAGE)
    return values.help === true ? 0 : 2
  }
  const stages = STAGES.filter((stage) => positionals.length === 0 || positionals.includes(stage.name))

  const startedAt = Date.now()
  const signal = abortOnSignals()
  const folders: LaneFolder[] = []
  try {
    if (stages.some((stage) => stage.needsToolchain)) await ensureToolchain(signal)
    await buildWasmSandbox(IN_CLONE)
    for (let lane = 0; lane < lanes; lane++) folders.push(await prepareLane())
    const items = stages.flatMap((stage) => stage.parts().map((work): Item => ({ stage, work })))
    const results = new Map<Item, PartResult>()
    const run: Run = { signal, folders, grep: values.grep, deadline: Date.now() + TOTAL_MS }
    await runInLanes({
      items,
      lanes,
      run: async (item, place) => void results.set(item, await runItem(item, place, run).catch(failure)),
    })
    const verdicts = new Map<Item, Verdict>()
    for (const [item, result] of results) {
      const runFiles = (files: readonly string[]): Promise<PartResult> =>
        runItem({ ...item, work: { files } }, { lane: 0, accompanied: false }, run).catch(failure)
      const times = Math.min(lanes, items.length) > 1 ? item.stage.timesAlone : 0
      verdicts.set(item, await judgeAlone({ result, times, runFiles }))
    }
    if (signal.aborted) return INTERRUPTED
    const summed = stages.map((stage): StageResult => {
      const parts = items.filter((item) => item.stage === stage).flatMap((item) => verdicts.get(item) ?? [])
      return {
        stage: stage.name,
        durationMs: parts.reduce((sum, part) => sum + part.durationMs, 0),
        passed: parts.reduce((sum, part) => sum + part.passed, 0),
        failed: parts.flatMap((part) => part.failed),
        unsteady: parts.flatMap((part) => part.unsteady),
        skipped: parts.flatMap((part) => part.skipped),
      }
    })
    const { text, ok } = summarise({ results: summed, durationMs: Date.now() - startedAt })
    console.log(`\n━━ summary\n${text}`)
    return ok ? 0 : 1
  } finally {
    for (const { dir } of folders) await rm(dir, { recursive: true, force: true })
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return 1
})
