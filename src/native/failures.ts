import { SoukError } from '../protocol/errors.ts'

/** The errors of this runtime, each with its sentence. */
export function sandboxFailed(reason: string, cause?: unknown): SoukError<'EXECUTOR_FAILED'> {
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `The sandbox failed: ${reason}.`,
    details: { runtime: 'native', reason },
    cause,
  })
}

/** Where a root file system cannot be made the task's to change: what is the matter with this host, or with where it lies. */
export function writableRootRefused(why: string): SoukError<'REFUSED'> {
  const message = `The root file system cannot be made writable on this provider: ${why}.`
  return new SoukError({
    code: 'REFUSED',
    message,
    details: { reasons: [{ reason: 'FEATURE_UNPROVEN', message, subject: 'runtime.writable' }] },
    fault: 'provider',
    phase: 'prepare',
    hint: 'Leave runtime.writable out and write to /tmp and the outputs, or ask another provider.',
  })
}

export function nativeUnavailable(
  why: string,
  { hint, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
): SoukError<'RUNTIME_UNAVAILABLE'> {
  return new SoukError({
    code: 'RUNTIME_UNAVAILABLE',
    message: `Native tasks do not work on this host: ${why}.`,
    details: { runtime: 'native', why },
    ...(hint !== undefined && { hint }),
    cause,
  })
}

export function rootRefused(image: string, reason: string): SoukError<'IMAGE_REFUSED'> {
  return new SoukError({
    code: 'IMAGE_REFUSED',
    message: `The root file system ${image} is refused: ${reason}.`,
    details: { reason, image },
    hint: 'Use a root file system that the provider offers, pinned by its digest.',
  })
}
