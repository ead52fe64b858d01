import type { DockerEngine, ImageFacts } from './engine.ts'

/** What an engine has said of images. A pinned reference means the same image for ever, but the engine may lose it. */
export interface KnownImages {
  /** As {@link DockerEngine} has it; asked only once. */
  image(reference: string): Promise<ImageFacts | undefined>
  /** Forgets what was said. */
  forget(): void
}

const MOST_KEPT = 1000

/** For references by digest or id alone: a tag can come to mean another image. */
export function createKnownImages(engine: Pick<DockerEngine, 'image'>): KnownImages {
  const known = new Map<string, ImageFacts>()
  return {
    async image(reference) {
      const kept = known.get(reference)
      if (kept !== undefined) return kept
      const facts = await engine.image(reference)
      if (facts === undefined) return undefined
      if (known.size >= MOST_KEPT) known.clear()
      known.set(reference, facts)
      return facts
    },
    forget: () => known.clear(),
  }
}
