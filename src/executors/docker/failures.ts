import { SoukError } from '../../protocol/errors.ts'

/** The errors of this runtime, each with its sentence. */
export function containerFailed(reason: string, cause?: unknown): SoukError<'EXECUTOR_FAILED'> {
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `The container failed: ${reason}.`,
    details: { runtime: 'docker', reason },
    cause,
  })
}

export function dockerUnavailable(why: string, cause?: unknown): SoukError<'RUNTIME_UNAVAILABLE'> {
  return new SoukError({
    code: 'RUNTIME_UNAVAILABLE',
    message: `Docker does not work here: ${why}`,
    details: { runtime: 'docker', why },
    cause,
  })
}

export function imageRefused({
  image,
  reason,
  hint,
}: {
  readonly image: string
  readonly reason: string
  readonly hint?: string
}): SoukError<'IMAGE_REFUSED'> {
  return new SoukError({
    code: 'IMAGE_REFUSED',
    message: `The image ${image} is refused: ${reason}.`,
    details: { reason, image },
    ...(hint !== undefined && { hint }),
  })
}
