import { randomBytes } from 'node:crypto'
import { INSTANCE_LABEL } from './container-recipe.ts'
import type { DockerEngine, ImageFacts } from './engine.ts'
import type { Removals } from './removals.ts'

/** Knows what folders images have. */
export interface ImageFolders {
  /** Whether there is anything at a path of an image; rejects as {@link DockerEngine} does. */
  has(image: ImageFacts, path: string): Promise<boolean>
}

/** What is in an image never changes; this many answers are kept. */
const MOST_KEPT = 1000

/** The engine tells what is in a container, so that one is made of the image, which is never started. */
export function createImageFolders({
  engine,
  removals,
  instance,
}: {
  readonly engine: DockerEngine
  readonly removals: Removals
  readonly instance: string
}): ImageFolders {
  const known = new Map<string, boolean>()

  const look = async (image: ImageFacts, path: string): Promise<boolean> => {
    const name = `souk-${instance}-${randomBytes(8).toString('hex')}`
    removals.own(name)
    try {
      const id = await engine.create(name, {
        Image: image.id,
        Entrypoint: ['never-started'],
        Labels: { [INSTANCE_LABEL]: instance },
        NetworkDisabled: true,
        HostConfig: { NetworkMode: 'none' },
      })
      return await engine.hasPath(id, path)
    } finally {
      removals.remove(name)
    }
  }
  return {
    async has(image, path) {
      if (path === '/' || path === image.workdir) return true
      const key = `${image.id} ${path}`
      const answer = known.get(key) ?? (await look(image, path))
      if (known.size >= MOST_KEPT) known.clear()
      known.set(key, answer)
      return answer
    },
  }
}
