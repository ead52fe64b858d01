import type { BenchOptions, BenchReport } from './report.ts'

export function wasm(_options: BenchOptions): Promise<BenchReport> {
  throw new Error('later')
}
