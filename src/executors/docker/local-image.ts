import { parseImageReference } from '../../artifacts/image-reference.ts'
import { connectEngine } from './engine.ts'
import { engineFailure } from './engine-errors.ts'
import { imageRefused } from './failures.ts'

/**
 * What an engine of this host has under a name now, by its id. A tag can come to mean another image, so a task says
 * the id.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE where no engine answers, IMAGE_REFUSED where it has no such image.
 */
export async function localImageId({
  socketPath,
  image,
}: {
  readonly socketPath: string
  readonly image: string
}): Promise<string> {
  if (parseImageReference(image) === undefined) throw imageRefused({ image, reason: 'that is no image reference' })
  const engine = connectEngine({ socketPath })
  try {
    const facts = await engine.image(image)
    if (facts !== undefined) return facts.id
  } catch (error) {
    throw engineFailure({ doing: 'looking for the image', error, socketPath })
  } finally {
    engine.close()
  }
  throw imageRefused({
    image,
    reason: 'the engine of this host does not have it',
    hint: `Load it first: docker pull ${image}`,
  })
}
