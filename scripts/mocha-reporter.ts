import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import Mocha from 'mocha'

/** What the runner of all tests needs to know of one run of mocha, written to the file that `output` names. */
export interface MochaResult {
  readonly passed: number
  /** Each a line with the title, and lines below it, indented, with the error and its causes. */
  readonly failed: readonly string[]
  /** The files that those are in. */
  readonly failedFiles: readonly string[]
  readonly skipped: readonly string[]
  /** What kept the process alive after the last test, where something did: each kind, with how many there are. */
  readonly stillOpen?: readonly string[]
}

/** How long open handles may take to close after the last test, where the option `close` does not say. */
const CLOSE_MS = 5_000
/** Of what is told of an error: it is read at the end of everything, where all errors are together. */
const MOST_LINES = 30

/**
 * Mocha's spec reporter that also writes a {@link MochaResult}, and ends a process that would not end. Its options: `output`, the
 * file of the result, and `close`, in milliseconds.
 */
export default class StageReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const { output, close = CLOSE_MS } = options.reporterOptions as { readonly output: string; readonly close?: string }
    let passed = 0
    const failed: string[] = []
    const skipped: string[] = []
    runner.on('pass', () => passed++)
    const failedFiles = new Set<string>()
    runner.on('fail', (test, error: unknown) => {
      failed.push([titleOf(test), ...linesOf(error)].join('\n    '))
      if (test.file !== undefined) failedFiles.add(test.file)
    })
    runner.on('pending', (test) => skipped.push(titleOf(test)))
    runner.once('end', () => {
      const result: MochaResult = { passed, failed, failedFiles: [...failedFiles], skipped }
      writeFileSync(output, JSON.stringify(result))
      setTimeout(() => {
        const stillOpen = counted(process.getActiveResourcesInfo())
        writeFileSync(output, JSON.stringify({ ...result, stillOpen }))
        process.exit(1)
      }, Number(close)).unref()
    })
  }
}

function titleOf(test: Mocha.Runnable): string {
  return test.titlePath().join(' › ')
}

function linesOf(error: unknown): readonly string[] {
  return inspect(error, { depth: 4, maxStringLength: 1000 })
    .split('\n')
    .filter((line) => !/^\s+at .*(?:node:internal|node_modules)/.test(line))
    .slice(0, MOST_LINES)
}

/** Each name once, with how often it is there where that is more than once. */
function counted(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`))
}
