import type { Executor } from '../src/executors/executor.ts'
import type { Isolation } from '../src/protocol/execution.ts'
import { LIMIT_KEYS } from '../src/protocol/limits.ts'

const ISOLATION: Isolation = {
  runtime: 'wasm',
  engine: 'none: it runs nothing',
  layers: [],
  missing: [],
  reuse: 'none',
}

/** An executor that runs nothing and returns at once, so that what is left to measure is the marketplace around it. */
export function createNoopExecutor(): Executor {
  return {
    runtime: 'wasm',
    probe: () =>
      Promise.resolve({
        runtime: 'wasm',
        available: true,
        isolation: ISOLATION,
        proven: LIMIT_KEYS.map((limit) => ({ limit, how: 'nothing runs, so nothing is used' })),
        unproven: [],
        features: [],
      }),
    run({ onStarted }) {
      onStarted()
      return Promise.resolve({
        outcome: { kind: 'exited', code: 0 },
        usage: { wallTimeMs: 0, cpuTimeMs: 0, memoryPeakBytes: 0, outputBytes: 0, limitsHit: [] },
        isolation: ISOLATION,
        outputs: [],
      })
    },
    reap: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  }
}
