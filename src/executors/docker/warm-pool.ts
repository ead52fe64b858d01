import { differingLimits, keyOf, type ContainerShape } from './container-shape.ts'
import { createPopularShapes } from './popular-shapes.ts'
import type { WarmContainer } from './warm-container.ts'

/** Containers that wait for a task: started, gated, of shapes that tasks have asked for. Each is used once. */
export interface WarmPool {
  /** One that the task can have, the caller's from now on; undefined where there is none. What was asked for is remembered. */
  take(shape: ContainerShape): WarmContainer | undefined
  /** Puts one away that was taken and is over, in the background. */
  discard(container: WarmContainer): void
  /** Ends those that are made of an image, which is to be removed, and makes no more until a task asks for it again. */
  letGo(imageId: string): Promise<void>
  /** Ends those that wait. */
  close(): Promise<void>
}

export interface WarmPoolOptions {
  /** Containers that wait at once; 0 for none. */
  readonly size: number
  /** Makes one. */
  readonly make: (shape: ContainerShape) => Promise<WarmContainer>
  /** Whether a task waits for a container to be made: it goes first. */
  readonly isBusy: () => boolean
}

/** After a task has come, another may be near: making containers would be in its way. */
const PAUSE_MS = 25
/** A shape that nobody asks for any more is let go of. */
const SWEEP_MS = 30_000

export function createWarmPool({ size, make, isBusy }: WarmPoolOptions): WarmPool {
  const shapes = createPopularShapes({ nowMs: () => performance.now() })
  const waiting = new Set<WarmContainer>()
  const disposals = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let making: Promise<void> | undefined
  let closed = false

  const discard = (container: WarmContainer): void => {
    const disposal = container
      .dispose()
      // What is left of it is found by the next reap.
      .catch(() => {})
      .finally(() => disposals.delete(disposal))
    disposals.add(disposal)
  }
  const drop = (container: WarmContainer): void => {
    if (waiting.delete(container)) discard(container)
  }
  const schedule = (delayMs: number): void => {
    if (closed || size === 0) return
    clearTimeout(timer)
    timer = setTimeout(adjust, delayMs)
    timer.unref()
  }
  const makeOne = async (shape: ContainerShape): Promise<void> => {
    try {
      const container = await make(shape)
      waiting.add(container)
      // It ends by itself only where somebody else ends it: the engine, when it is started again.
      container.channel.ended.catch(() => drop(container))
      if (closed) drop(container)
    } catch {
      // The next task of that shape will say what is wrong.
      schedule(SWEEP_MS)
      return
    }
    schedule(0)
  }
  const adjust = (): void => {
    if (closed || making !== undefined) return
    if (isBusy()) return schedule(PAUSE_MS)
    const wanted = shapes.wanted(size)
    const spare = [...waiting]
    const missing = wanted.filter((shape) => {
      const index = spare.findIndex((container) => isFor(container, shape))
      if (index !== -1) spare.splice(index, 1)
      return index === -1
    })
    for (const container of spare) drop(container)
    const [first] = missing
    if (first === undefined) return waiting.size > 0 ? schedule(SWEEP_MS) : undefined
    making = makeOne(first).finally(() => {
      making = undefined
    })
  }
  return {
    take(shape) {
      if (size === 0) return undefined
      shapes.note(shape)
      schedule(PAUSE_MS)
      const found = bestOf(waiting, shape)
      if (found !== undefined) waiting.delete(found)
      return found
    },
    discard,
    async letGo(imageId) {
      shapes.forget(imageId)
      await making
      for (const container of waiting) if (container.shape.image.id === imageId) drop(container)
      await Promise.all(disposals)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await making
      for (const container of waiting) drop(container)
      await Promise.all(disposals)
    },
  }
}

/** The one of which the fewest limits have to be changed. */
function bestOf(waiting: Iterable<WarmContainer>, shape: ContainerShape): WarmContainer | undefined {
  const [best] = [...waiting]
    .filter((container) => isFor(container, shape))
    .map((container) => ({ container, changes: differingLimits(container.shape.limits, shape.limits).length }))
    .toSorted((a, b) => a.changes - b.changes)
  return best?.container
}

function isFor(container: WarmContainer, shape: ContainerShape): boolean {
  return keyOf(container.shape) === keyOf(shape) && container.canHold(shape.limits)
}
