import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../src/client/connect.ts'
import { loadTask, type LoadedTask } from '../src/client/load-task.ts'
import { keyOfPrivateKey, type Key } from '../src/identity/key-file.ts'
import type { ProviderQuote } from '../src/client/check-quote.ts'
import { startChild, type Child } from './child.ts'
import { CHAIN_ID, PRICE_WEI } from './payments.ts'

export type BenchProvider = Child<{ readonly multiaddr: string }>

/** A provider in a process of its own, on loopback, with its journal in `dataDir`. */
export function startBenchProvider({
  dataDir,
  requester,
  runs = 'nothing',
  paid = false,
}: {
  readonly dataDir: string
  readonly requester: string
  /** `nothing`: every task returns at once. `wasm`: they run, in processes that serve one requester again. */
  readonly runs?: 'nothing' | 'wasm'
  /** Every task costs PRICE_WEI, ahead. */
  readonly paid?: boolean
}): Promise<BenchProvider> {
  return startChild({
    file: 'provider-child.ts',
    env: {
      SOUK_NODE_DATA_DIR: dataDir,
      SOUK_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0',
      SOUK_NETWORK_MAX_CONNECTIONS: '1000',
      SOUK_PEERS_KNOWN: requester,
      SOUK_PEERS_SHARE: '1',
      SOUK_SANDBOX_WASM_REUSE: 'same-requester',
      BENCH_RUNS: runs,
      ...(paid && { BENCH_PAID: 'yes', SOUK_CHAIN_ID: String(CHAIN_ID), SOUK_PRICING_WASM_START: String(PRICE_WEI) }),
      // As many at once as there are cores, where they run.
      ...(runs === 'nothing' && { SOUK_CAPACITY_SLOTS: '64', SOUK_CAPACITY_CPU_CORES: '64' }),
    },
  })
}

export function newKey(): Key {
  for (;;) {
    const key = keyOfPrivateKey(randomBytes(32))
    if (key !== undefined) return key
  }
}

/** A task of this module, with no more of anything than it needs. */
export async function moduleTask(options: {
  readonly dir: string
  readonly module: Uint8Array
  readonly input?: string
  readonly maxPriceWei?: bigint
}): Promise<LoadedTask> {
  const { dir, input, maxPriceWei = 0n } = options
  const module = join(dir, 'module.wasm')
  await writeFile(module, options.module)
  const task = {
    version: 1,
    name: 'bench',
    runtime: { type: 'wasm', module },
    inputs: input === undefined ? [] : [{ source: input, target: '/in' }],
    resources: { cpu: 1, memory: '1m', disk: '1m' },
    price: { max: String(maxPriceWei) },
  }
  return loadTask({ text: JSON.stringify(task), format: 'json', baseDir: dir })
}

/** A module that says nothing and does nothing: what every task has that is not run. */
export const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)

export async function runOne(
  client: Client,
  task: LoadedTask,
  quote?: ProviderQuote,
): Promise<{ readonly totalMs: number; readonly overheadMs: number; readonly stdout: Uint8Array }> {
  const startMs = performance.now()
  const submitted = await client.submit({ task, ...(quote !== undefined && { quote }) })
  const { receipt, stdout } = await submitted.result()
  const totalMs = performance.now() - startMs
  return { totalMs, overheadMs: totalMs - receipt.usage.wallTimeMs, stdout }
}

/** So many at a time, for so long. */
export async function runMany(options: {
  readonly inFlight: number
  readonly durationMs: number
  readonly run: () => Promise<{ readonly totalMs: number }>
}): Promise<{ readonly timesMs: readonly number[]; readonly tasksPerSecond: number }> {
  const timesMs: number[] = []
  const startMs = performance.now()
  const lane = async (): Promise<void> => {
    while (performance.now() - startMs < options.durationMs) timesMs.push((await options.run()).totalMs)
  }
  await Promise.all(Array.from({ length: options.inFlight }, lane))
  return { timesMs, tasksPerSecond: (timesMs.length * 1000) / (performance.now() - startMs) }
}
