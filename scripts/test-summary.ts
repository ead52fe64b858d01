export interface StageResult {
  readonly stage: string
  readonly durationMs: number
  readonly passed: number
  /** What failed, each in a line, with what is known of it in lines below. */
  readonly failed: readonly string[]
  /** What failed beside others and passed alone, in the same way. */
  readonly unsteady: readonly string[]
  /** Titles of tests that were not run; a title says why. */
  readonly skipped: readonly string[]
}

export interface Summary {
  /** A line for each stage, all that was skipped, all that was unsteady, all that failed, and the totals alone on the last line. */
  readonly text: string
  /** Whether nothing failed, and something passed. */
  readonly ok: boolean
}

export function summarise(request: { readonly results: readonly StageResult[]; readonly durationMs: number }): Summary {
  const { results, durationMs } = request
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failed.length, 0)
  const listed = (which: 'skipped' | 'unsteady' | 'failed'): readonly string[] =>
    results.flatMap((result) => result[which].map((title) => `  ${result.stage}: ${title}`))
  const [skipped, unsteady, failures] = [listed('skipped'), listed('unsteady'), listed('failed')]
  const lines = [
    ...results.map(lineOf),
    `${'all'.padEnd(14)}       ${seconds(durationMs)}`,
    '',
    ...(skipped.length === 0 ? ['skipped: nothing'] : ['skipped:', ...skipped]),
    '',
    ...(unsteady.length === 0 ? [] : ['failed beside others, passed alone:', ...unsteady, '']),
    ...(failures.length === 0 ? [] : ['failed:', ...failures, '']),
    `${passed} passed, ${failed} failed`,
  ]
  return { text: lines.join('\n'), ok: failed === 0 && passed > 0 }
}

function lineOf({ stage, durationMs, passed, failed, skipped }: StageResult): string {
  const verdict = failed.length === 0 ? 'ok  ' : 'FAIL'
  const counts = [`${passed} passed`, `${failed.length} failed`, `${skipped.length} skipped`]
  return `${stage.padEnd(14)} ${verdict}  ${seconds(durationMs)}  ${counts.join(', ')}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`
}
