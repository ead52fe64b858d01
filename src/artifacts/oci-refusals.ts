import { SoukError } from '../protocol/errors.ts'

/** The image, not this host, is why it cannot be used. `reason` goes on from "The image … is refused: ". */
export function imageRefused({
  image,
  reason,
  hint,
  cause,
}: {
  readonly image: string
  readonly reason: string
  readonly hint?: string
  readonly cause?: unknown
}): SoukError<'IMAGE_REFUSED'> {
  return new SoukError({
    code: 'IMAGE_REFUSED',
    message: `The image ${image} is refused: ${reason}.`,
    details: { reason, image },
    hint: hint ?? 'Make the archive again, with `docker save` or as an OCI archive (skopeo, buildah, podman).',
    cause,
  })
}

/** Why a file is no usable part of an image; it becomes a refusal where the image has a name. */
export class ImageProblem extends Error {
  override readonly name = 'ImageProblem'
}
