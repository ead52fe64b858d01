import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endLeftoverProcesses, removeLeftoverFiles } from './leftovers.ts'
import type { MochaResult } from './mocha-reporter.ts'
import { runCommand, type CommandResult } from './run-command.ts'
import type { Work } from './test-stages.ts'

/** What ending processes may need until they are gone. */
const PROCESS_GRACE_MS = 3_000
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning']

/** Where one part after the other is run. */
export interface LaneFolder {
  /** Holds all that the parts write: their temporary folder, their home, mocha's results. */
  readonly dir: string
  readonly temporary: string
  readonly env: NodeJS.ProcessEnv
}

export interface PartRequest {
  readonly work: Work
  readonly place: LaneFolder
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly grep: string | undefined
  /** Takes standard output and error; ours are handed on where absent. */
  readonly output?: number
}

export interface PartResult {
  readonly durationMs: number
  readonly passed: number
  /** What failed, each in a line, with what is known of it in lines below. */
  readonly failed: readonly string[]
  /** The files of the tests that failed, where there is nothing else that did. */
  readonly failedFiles?: readonly string[]
  readonly skipped: readonly string[]
}

type Counts = { passed: number; failed: string[]; failedFiles?: readonly string[]; skipped: string[] }
type Start = (args: readonly string[]) => Promise<CommandResult>

/** Runs a part, and then looks for what it has left behind, which fails it too. */
export async function runPart({ work, place, timeoutMs, signal, grep, output }: PartRequest): Promise<PartResult> {
  const startedAt = Date.now()
  const sessions = new Set<number>()
  const counts: Counts = { passed: 0, failed: [], skipped: [] }
  // Of many files nobody knows whose it is.
  const whose = 'files' in work && work.files.length === 1 ? `${work.files[0]}: ` : ''
  const start: Start = async (args) => {
    const leftMs = Math.max(1, timeoutMs - (Date.now() - startedAt))
    const result = await runCommand({
      command: process.execPath,
      args: [...NODE_FLAGS, ...args],
      env: place.env,
      timeoutMs: leftMs,
      signal,
      ...(output !== undefined && { output }),
    })
    sessions.add(result.session)
    return result
  }

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
    const grepping = grep === undefined ? [] : ['--grep', grep]
    await runMocha({
      args: [...grepping, '--spec', ...work.files],
      results: join(place.dir, 'mocha.json'),
      counts,
      whose,
      start,
    })
  }

  const testsFailed = counts.failed.length
  const territory = { dir: place.dir, sessions }
  for (const { pid, command } of await endLeftoverProcesses({ territory, graceMs: PROCESS_GRACE_MS }))
    counts.failed.push(`${whose}left a process behind: ${pid} ${command}`)
  for (const entry of await removeLeftoverFiles(place.temporary))
    counts.failed.push(`${whose}left in the temporary folder: ${entry}`)
  if (counts.failed.length > testsFailed) delete counts.failedFiles
  return { durationMs: Date.now() - startedAt, ...counts }
}

async function runMocha(request: {
  readonly args: readonly string[]
  /** The file that mocha writes them to. */
  readonly results: string
  readonly counts: Counts
  /** Goes before what is no failure of a test. */
  readonly whose: string
  readonly start: Start
}): Promise<void> {
  const { args, results, counts, whose, start } = request
  await rm(results, { force: true })
  const reporter = ['--reporter', './scripts/mocha-reporter.ts', '--reporter-option', `output=${results}`]
  // Output that is shown later is for whoever is told of it now.
  const colours = process.stdout.isTTY ? ['--color'] : []
  const { ok, problem } = await start(['node_modules/mocha/bin/mocha.js', ...reporter, ...colours, ...args])
  const result = await readFile(results, 'utf8').then(
    (text) => JSON.parse(text) as MochaResult,
    () => undefined,
  )
  if (result === undefined) {
    counts.failed.push(`${whose}mocha did not finish: ${problem ?? 'no results'}`)
    return
  }
  counts.passed = result.passed
  counts.failed.push(...result.failed)
  counts.skipped.push(...result.skipped)
  if (result.stillOpen !== undefined) {
    counts.failed.push(
      `${whose}the process did not end after the last test; still open: ${result.stillOpen.join(', ')}`,
    )
  } else if (!ok && result.failed.length === 0) {
    counts.failed.push(`${whose}mocha: ${problem}`)
  } else if (result.failedFiles.length > 0) {
    counts.failedFiles = result.failedFiles
  }
}
