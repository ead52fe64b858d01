import { SoukError, type SerialisedError } from '../errors.ts'

/** Told of errors that are bugs here, of which a stranger learns no more than that. */
export type InternalErrorListener = (error: SoukError) => void

/** An error as a peer may see it: the reason of an internal one names files and states of this host. */
export function forStranger(thrown: unknown, onInternalError: InternalErrorListener): SerialisedError {
  const error = SoukError.from(thrown)
  if (error.code !== 'INTERNAL') return error.toJSON()
  onInternalError(error)
  return { ...error.toJSON(), message: 'Internal error of the other side.', details: { reason: 'see its log' } }
}
