import { availableParallelism } from 'node:os'
import { providerStopped } from '../run-failures.ts'
import { startSandbox, type SandboxProcess, type StartOptions } from './sandbox-process.ts'

/** A process for one task. */
export interface TakenSandbox {
  readonly sandbox: SandboxProcess
  /** Whether it ran tasks of the same requester before this one. */
  readonly reused: boolean
  /** Whether it may be given back afterwards. */
  readonly reusable: boolean
}

/** Processes that are ready for any task, and processes that wait for another task of the requester whom they have served. */
export interface SandboxPool {
  /**
   * A process for one task: a waiting, a ready or a new one. The caller kills it or gives it back.
   * @throws what {@link startSandbox} throws
   */
  take(wanted: { readonly stackBytes: number; readonly requester: string | undefined }): Promise<TakenSandbox>
  /** Keeps a clean process for another task of that requester. */
  giveBack(sandbox: SandboxProcess, requester: string): void
  /** Starts processes until the pool is full. If a start fails, the next call tries again. */
  refill(): void
  /** Kills the processes in the pool, and waits until they and those that were taken have ended. */
  close(): Promise<void>
}

export interface PoolOptions extends StartOptions {
  /** How many processes are kept, at about 50 MB each. */
  readonly prewarm: number
  /** How many may wait for their requester besides; 0 where a process serves one task. */
  readonly maxWaiting: number
}

/** How long a process waits for its requester, who may never come back, while it holds memory. */
const WAIT_MS = 60_000

/** Starting keeps a whole core busy: more starts at a time would only make each take longer. */
const MAX_STARTING = availableParallelism()

interface Waiting {
  readonly requester: string
  readonly timer: NodeJS.Timeout
}

export function createSandboxPool({
  prewarm,
  maxWaiting,
  stackBytes: usualStackBytes,
  ...start
}: PoolOptions): SandboxPool {
  const ready = new Set<SandboxProcess>()
  const waiting = new Map<SandboxProcess, Waiting>()
  const running = new Set<SandboxProcess>()
  /** Tasks that wait for a process, in the order in which they came. */
  const takers: PromiseWithResolvers<SandboxProcess>[] = []
  const starts = new Set<Promise<void>>()
  let closed = false

  const stopWaiting = (sandbox: SandboxProcess): void => {
    clearTimeout(waiting.get(sandbox)?.timer)
    waiting.delete(sandbox)
  }
  const startOne = async (stackBytes: number): Promise<SandboxProcess> => {
    if (closed) throw providerStopped()
    const sandbox = await startSandbox({ ...start, stackBytes })
    running.add(sandbox)
    void sandbox.ended.then(() => {
      running.delete(sandbox)
      ready.delete(sandbox)
      stopWaiting(sandbox)
    })
    return sandbox
  }
  const startNext = async (): Promise<void> => {
    try {
      const sandbox = await startOne(usualStackBytes)
      const taker = takers.shift()
      if (taker !== undefined) taker.resolve(sandbox)
      else if (closed) sandbox.kill()
      else ready.add(sandbox)
    } catch (error) {
      takers.shift()?.reject(error)
    }
  }
  const refill = (): void => {
    while (!closed && starts.size < MAX_STARTING && ready.size + starts.size < prewarm + takers.length) {
      const start = startNext()
      starts.add(start)
      void start.then(() => {
        starts.delete(start)
        // What keeps a pool full waits for the next task where starting fails; a task that waits does not.
        if (takers.length > 0 || ready.size > 0) refill()
      })
    }
  }
  const takeWaiting = (stackBytes: number, requester: string): SandboxProcess | undefined => {
    const found = [...waiting].find(
      ([sandbox, wait]) => wait.requester === requester && sandbox.stackBytes === stackBytes,
    )?.[0]
    if (found !== undefined) stopWaiting(found)
    return found
  }
  return {
    async take({ stackBytes, requester }) {
      const reusable = maxWaiting > 0 && requester !== undefined
      const served = reusable ? takeWaiting(stackBytes, requester) : undefined
      if (served !== undefined) return { sandbox: served, reused: true, reusable }
      if (stackBytes !== usualStackBytes) return { sandbox: await startOne(stackBytes), reused: false, reusable }
      const [sandbox] = ready
      if (sandbox !== undefined) {
        ready.delete(sandbox)
        return { sandbox, reused: false, reusable }
      }
      if (closed) throw providerStopped()
      const taker = Promise.withResolvers<SandboxProcess>()
      takers.push(taker)
      refill()
      return { sandbox: await taker.promise, reused: false, reusable }
    },
    giveBack(sandbox, requester) {
      // One that has died meanwhile would be waited for in vain.
      if (closed || !running.has(sandbox)) {
        sandbox.kill()
        return
      }
      const [oldest] = waiting.keys()
      if (waiting.size >= maxWaiting && oldest !== undefined) {
        stopWaiting(oldest)
        oldest.kill()
      }
      waiting.set(sandbox, { requester, timer: setTimeout(() => sandbox.kill(), WAIT_MS).unref() })
    },
    refill,
    async close() {
      closed = true
      for (const sandbox of [...ready, ...waiting.keys()]) sandbox.kill()
      await Promise.all(starts)
      await Promise.all([...running].map((sandbox) => sandbox.ended))
    },
  }
}
