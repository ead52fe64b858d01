/**
 * `npm run -s bench -- NAME [--json]`: runs one benchmark and prints what was measured, as a table, or with --json as
 * one document. See docs/BENCHMARKS.md.
 */
import { parseArgs } from 'node:util'
import { buildWasmSandbox, IN_CLONE } from '../scripts/build-wasm-sandbox.ts'
import { docker } from './docker.ts'
import { market } from './market.ts'
import { native } from './native.ts'
import { tableOf, type BenchOptions, type BenchReport } from './report.ts'
import { wasm } from './wasm.ts'

const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<BenchReport>>> = {
  market,
  wasm,
  native,
  docker,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const [name = ''] = positionals
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
if (bench === undefined || positionals.length > 1) {
  process.stderr.write(
    `Usage: npm run -s bench -- NAME [--json] [--quick]\nNAME is one of: ${Object.keys(BENCHES).join(', ')}\n`,
  )
  process.exitCode = 2
} else {
  await buildWasmSandbox(IN_CLONE)
  const report = await bench({ quick: values.quick })
  process.stdout.write(`${values.json ? JSON.stringify(report) : tableOf(report)}\n`)
}
