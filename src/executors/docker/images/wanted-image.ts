import { DIGEST } from '../../../artifacts/image-reference.ts'
import type { DockerTask } from '../../executor.ts'
import { imageRefused } from '../failures.ts'
import { allowedReference, type PinnedReference } from './policy.ts'

/** An image that a task may have. */
export type WantedImage = {
  /** As the task names it. */
  readonly image: string
  /** What tells it from all others, where it comes from included. */
  readonly key: string
  /**
   * Its name among our own, were it one: what a registry has given and what tasks have brought are kept apart, so that
   * nobody runs another's archive by its digest alone.
   */
  readonly ownKey: string
} & (
  | { readonly reference: PinnedReference; readonly archive?: undefined }
  | { readonly reference?: undefined; readonly archive: NonNullable<DockerTask['archive']> }
)

/** @throws SoukError IMAGE_REFUSED for one that the operator does not allow. */
export function wantedOf(
  { image, archive }: Pick<DockerTask, 'image' | 'archive'>,
  { allowed, archives }: { readonly allowed: readonly string[]; readonly archives: boolean },
): WantedImage {
  if (archive === undefined) {
    const reference = allowedReference(image, allowed)
    return { image, key: image, ownKey: `manifest-${hexOf(reference.digest)}`, reference }
  }
  if (!archives)
    throw imageRefused({
      image,
      reason: 'this provider takes no images that tasks bring',
      hint: 'Name an image that the provider allows, or have its operator allow archives (sandbox.docker.archives).',
    })
  if (!DIGEST.test(image))
    throw imageRefused({ image, reason: 'an image in an archive is named by its digest, sha256:…' })
  return { image, key: `${archive.sha256} ${image}`, ownKey: `archive-${hexOf(image)}`, archive }
}

const hexOf = (digest: string): string => digest.slice(digest.indexOf(':') + 1)
