import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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

/**
 * An executor that runs nothing and returns at once, so that what is left to measure is the marketplace around it. The
 * one thing it does is to leave the result that a task asks for: one file whose length its first argument says.
 */
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
    async run({ task, dir, onStarted }) {
      onStarted()
      const [folder] = task.outputs
      const outputs =
        folder === undefined
          ? []
          : [await result({ path: `${folder.path}/result`, bytes: Number(task.command[0]), dir })]
      return {
        outcome: { kind: 'exited', code: 0 },
        usage: { wallTimeMs: 0, cpuTimeMs: 0, memoryPeakBytes: 0, outputBytes: 0, limitsHit: [] },
        isolation: ISOLATION,
        outputs,
      }
    },
    reap: () => Promise.resolve(0),
    close: () => Promise.resolve(),
  }
}

async function result({ path, bytes, dir }: { readonly path: string; readonly bytes: number; readonly dir: string }) {
  const content = new Uint8Array(bytes).fill(0x5a)
  const sha256 = createHash('sha256').update(content).digest('hex')
  await mkdir(join(dir, 'results'), { recursive: true })
  await writeFile(join(dir, 'results', sha256), content)
  return { path, sha256, bytes }
}
