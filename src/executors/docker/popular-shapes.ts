import { keyOf, type ContainerShape } from './container-shape.ts'

/** What tasks have asked for lately. */
export interface PopularShapes {
  note(shape: ContainerShape): void
  /** Whatever is made of an image. */
  forget(imageId: string): void
  /** `size` shapes to have a container of each, the most wanted first; one comes again where few are wanted. */
  wanted(size: number): readonly ContainerShape[]
}

/** One use may be the only one. */
const LEAST_USES = 2
const REMEMBERED_MS = 10 * 60_000
/** A requester can name as many shapes as he likes. */
const MOST_REMEMBERED = 256
const MOST_USES_COUNTED = 100

export function createPopularShapes({ nowMs }: { readonly nowMs: () => number }): PopularShapes {
  /** The latest asked for is the last one. */
  const seen = new Map<string, { readonly shape: ContainerShape; readonly atMs: readonly number[] }>()

  return {
    note(shape) {
      const key = keyOf(shape)
      const earlier = seen.get(key)?.atMs ?? []
      seen.delete(key)
      // Of the limits, the latest are as good a guess as any: others can be given to it.
      seen.set(key, { shape, atMs: [...earlier, nowMs()].slice(-MOST_USES_COUNTED) })
      const [oldest] = seen.keys()
      if (seen.size > MOST_REMEMBERED && oldest !== undefined) seen.delete(oldest)
    },
    forget(imageId) {
      for (const [key, { shape }] of seen) if (shape.image.id === imageId) seen.delete(key)
    },
    wanted(size) {
      const since = nowMs() - REMEMBERED_MS
      const popular = [...seen.values()]
        .map(({ shape, atMs }) => ({ shape, uses: atMs.filter((at) => at >= since).length }))
        .filter(({ uses }) => uses >= LEAST_USES)
        .toSorted((a, b) => b.uses - a.uses)
        .slice(0, size)
      if (popular.length === 0) return []
      return Array.from({ length: size }, (_none, index) => popular[index % popular.length]?.shape).filter(
        (shape) => shape !== undefined,
      )
    },
  }
}
