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

export function invalidTask(path: string, message: string): SoukError<'INVALID_INPUT'> {
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `The task cannot be: ${path}: ${message}.`,
    details: { issues: [{ path, message }] },
    phase: 'prepare',
  })
}

export function providerStopped(): SoukError<'PROVIDER_STOPPED'> {
  return new SoukError({
    code: 'PROVIDER_STOPPED',
    message: 'The provider stopped while it had the task.',
    details: { attempts: 1 },
  })
}

export function cancelledBeforeStart(): SoukError<'CANCELLED'> {
  return new SoukError({
    code: 'CANCELLED',
    message: 'The task was cancelled before it started.',
    details: {},
    phase: 'prepare',
  })
}
