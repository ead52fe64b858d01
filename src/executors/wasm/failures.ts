import { SoukError } from '../../protocol/errors.ts'

/** The errors of this runtime, each with its sentence. */
export function moduleRefused(reason: string, name?: string): SoukError<'MODULE_REFUSED'> {
  return new SoukError({
    code: 'MODULE_REFUSED',
    message: `The module is refused: ${reason}.`,
    details: { reason, ...(name !== undefined && { name }) },
  })
}

export function sandboxFailed(reason: string, cause?: unknown): SoukError<'EXECUTOR_FAILED'> {
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    message: `The sandbox failed: ${reason}.`,
    details: { runtime: 'wasm', reason },
    cause,
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
