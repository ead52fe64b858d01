import { providerStopped } from '../run-failures.ts'
import { startSandbox, type SandboxProcess, type StartOptions } from './sandbox-process.ts'

/** Processes kept ready. Each serves one task. */
export interface SandboxPool {
  /** A process for one task, ready or newly started; the caller kills it. Throws what {@link startSandbox} throws. */
  take(stackBytes: number): Promise<SandboxProcess>
  /** Starts, one at a time, what is missing. A start that fails leaves it missing until the next call. */
  refill(): Promise<void>
  /** Kills what is kept, and waits for the end of that and of what was taken. */
  close(): Promise<void>
}

export interface PoolOptions extends StartOptions {
  /** How many processes are kept, at about 60 MB each. */
  readonly prewarm: number
}

export function createSandboxPool({ prewarm, stackBytes: usualStackBytes, ...start }: PoolOptions): SandboxPool {
  const ready = new Set<SandboxProcess>()
  const running = new Set<SandboxProcess>()
  let refilling: Promise<void> | undefined
  let closed = false

  const startOne = async (stackBytes: number): Promise<SandboxProcess> => {
    if (closed) throw providerStopped()
    const sandbox = await startSandbox({ ...start, stackBytes })
    running.add(sandbox)
    void sandbox.ended.then(() => {
      running.delete(sandbox)
      ready.delete(sandbox)
    })
    return sandbox
  }
  const keep = (sandbox: SandboxProcess): void => {
    if (closed) sandbox.kill()
    else ready.add(sandbox)
  }
  const fill = async (): Promise<void> => {
    while (!closed && ready.size < prewarm) {
      try {
        keep(await startOne(usualStackBytes))
      } catch {
        return
      }
    }
  }
  return {
    async take(stackBytes) {
      const [sandbox] = ready
      if (sandbox === undefined || stackBytes !== usualStackBytes) return startOne(stackBytes)
      ready.delete(sandbox)
      return sandbox
    },
    refill() {
      refilling ??= fill().finally(() => {
        refilling = undefined
      })
      return refilling
    },
    async close() {
      closed = true
      for (const sandbox of ready) sandbox.kill()
      await refilling
      await Promise.all([...running].map((sandbox) => sandbox.ended))
    },
  }
}
