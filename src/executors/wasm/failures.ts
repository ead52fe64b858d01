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
