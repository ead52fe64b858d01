import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Executor, RuntimeTask } from '../src/executors/executor.ts'
import type { Limits } from '../src/protocol/limits.ts'
import type { Subject } from './interleaved.ts'

const MIB = 1024 * 1024

/** What every task of the comparisons may use; a peer that has the same limits is given the same values. */
export const BENCH_LIMITS = {
  cpuCores: 1,
  wallTimeMs: 60_000,
  memoryBytes: 64 * MIB,
  diskBytes: MIB,
  inodes: 100,
  outputBytes: MIB,
  openFiles: 64,
  pids: 16,
} as const satisfies Limits

/** A task that has to exit with 0, run through an executor; its folder is made before the clock runs, and left to whoever removes `dir`. */
export function executorSubject<T extends RuntimeTask>(options: {
  readonly name: string
  readonly executor: Executor<T>
  readonly task: T
  /** Of this subject alone. */
  readonly dir: string
}): Subject {
  const { name, executor, task } = options
  let number = 0
  return {
    name,
    async run() {
      const dir = join(options.dir, `job-${(number += 1)}`)
      await mkdir(dir, { recursive: true })
      const startMs = performance.now()
      const { outcome } = await executor.run({
        task,
        limits: BENCH_LIMITS,
        dir,
        stdin: Readable.from([]),
        stdout: discard(),
        stderr: discard(),
        signal: new AbortController().signal,
        onStarted: () => undefined,
      })
      const timeMs = performance.now() - startMs
      if (outcome.kind !== 'exited' || outcome.code !== 0)
        throw new Error(`${name} ended with ${JSON.stringify(outcome)}`)
      return timeMs
    },
  }
}

function discard(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
