import type { Presence } from '../executor.ts'
import { EngineTimeout, whyGone } from './engine-errors.ts'
import type { DockerEngine } from './engine.ts'

/** Knows whether the engine answers, and tells when that changes. */
export interface EngineWatch {
  readonly state: Presence
  /** Looks now, and resolves to what was seen. */
  look(): Promise<Presence>
  /** @returns how to stop listening. The engine is looked at every few seconds while somebody listens, or it is gone. */
  listen(listener: (state: Presence) => void): () => void
  close(): void
}

const INTERVAL_MS = 2_000
/** An engine that refuses is gone at once. One that is only slow, on a host that is, is asked again: with it go all tasks that run. */
const UNANSWERED_PINGS = 3

export function watchEngine({
  engine,
  onBack,
}: {
  readonly engine: Pick<DockerEngine, 'ping' | 'socketPath'>
  /** Called when it answers again; it may be another one now. */
  onBack(): void
}): EngineWatch {
  const listeners = new Set<(state: Presence) => void>()
  let state: Presence = { present: true }
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<Presence> | undefined
  let closed = false

  const schedule = (): void => {
    clearTimeout(timer)
    if (closed || (state.present && listeners.size === 0)) return
    timer = setTimeout(() => void look(), INTERVAL_MS)
    timer.unref()
  }
  const become = (next: Presence): void => {
    const changed = next.present !== state.present
    state = next
    if (!changed || closed) return
    if (next.present) onBack()
    for (const listener of listeners) listener(next)
  }
  const ping = async (pingsLeft = UNANSWERED_PINGS - 1): Promise<Presence> => {
    try {
      await engine.ping()
      become({ present: true })
    } catch (error) {
      if (error instanceof EngineTimeout && state.present && pingsLeft > 0 && !closed) return ping(pingsLeft - 1)
      become({ present: false, why: whyGone(error, engine.socketPath) })
    }
    return state
  }
  const look = (): Promise<Presence> => {
    looking ??= ping().finally(() => {
      looking = undefined
      schedule()
    })
    return looking
  }
  return {
    get state() {
      return state
    },
    look,
    listen(listener) {
      listeners.add(listener)
      schedule()
      return () => {
        listeners.delete(listener)
        schedule()
      }
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
