import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { Executor, RuntimeTask } from '../src/executors/executor.ts'
import type { Limits, RequestedLimits } from '../src/protocol/limits.ts'
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
  /** Beside {@link BENCH_LIMITS}. */
  readonly limits?: RequestedLimits
  /** Whose tasks they are; of nobody where absent. */
  readonly requester?: string
  /** What the task has to print; not looked at where absent. */
  readonly prints?: string
}): Subject {
  const { name, executor, task, requester, prints } = options
  const limits = { ...BENCH_LIMITS, ...options.limits }
  let number = 0
  return {
    name,
    async run() {
      const dir = join(options.dir, `job-${(number += 1)}`)
      await mkdir(dir, { recursive: true })
      const said: Buffer[] = []
      const startMs = performance.now()
      const { outcome } = await executor.run({
        task,
        limits,
        dir,
        stdin: Readable.from([]),
        stdout: gather(said),
        stderr: gather([]),
        signal: new AbortController().signal,
        onStarted: () => undefined,
        ...(requester !== undefined && { requester }),
      })
      const timeMs = performance.now() - startMs
      const text = Buffer.concat(said).toString()
      if (prints !== undefined && text !== prints) throw new Error(`${name} printed ${JSON.stringify(text)}`)
      if (outcome.kind !== 'exited' || outcome.code !== 0)
        throw new Error(`${name} ended with ${JSON.stringify(outcome)}`)
      return timeMs
    },
  }
}

function gather(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
}
