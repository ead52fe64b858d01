export interface BenchOptions {
  /** Few repetitions: whether it works, rather than how fast. */
  readonly quick: boolean
}

/** How long one thing took, over `n` times. */
export interface BenchCase {
  readonly case: string
  readonly n: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** Something to compare with that could not be had. */
export interface MissingPeer {
  readonly peer: string
  readonly why: string
}

/** What `npm run -s bench -- NAME --json` prints. */
export interface BenchReport {
  readonly name: string
  readonly cases: readonly BenchCase[]
  /** Two measurements of the same run, one divided by the other: what another machine can be compared by. */
  readonly ratios: Readonly<Record<string, number>>
  /** Everything else, with its unit in its name. */
  readonly figures: Readonly<Record<string, number>>
  /** Peers that are left out of a comparison, where there are any to compare with. */
  readonly missing?: readonly MissingPeer[]
}

export function benchCase(name: string, timesMs: readonly number[]): BenchCase {
  return {
    case: name,
    n: timesMs.length,
    p50Ms: round(percentile(timesMs, 0.5)),
    p95Ms: round(percentile(timesMs, 0.95)),
  }
}

/** The smallest value that so large a part of the values does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** Three significant digits, and no more digits before the point than there are. */
export function round(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
}

/** The report as a person reads it. */
export function tableOf({ name, cases, ratios, figures, missing = [] }: BenchReport): string {
  const rows = [
    ['case', 'n', 'p50 ms', 'p95 ms'],
    ...cases.map((row) => [row.case, String(row.n), String(row.p50Ms), String(row.p95Ms)]),
  ]
  const values = [...Object.entries(ratios), ...Object.entries(figures)].map(([key, value]) => [key, String(value)])
  const without = missing.map(({ peer, why }) => `without ${peer}: ${why}`)
  return [name, '', ...aligned(rows), '', ...aligned(values), ...without].join('\n')
}

/** The first column to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  )
}
