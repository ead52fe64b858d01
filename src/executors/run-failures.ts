import { SoukError } from '../protocol/errors.ts'
import { StopReason } from './executor.ts'

/** The errors that runs of every runtime may reject with. Those of one runtime alone stand in its own folder. */
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

/** Whether it is this provider that stops. */
export function isShutdown({ reason }: AbortSignal): boolean {
  return reason instanceof StopReason && reason.kind === 'shutdown'
}

/** A run that was stopped before its task had started, by the job's signal. */
export function notStarted(signal: AbortSignal): SoukError {
  return isShutdown(signal) ? providerStopped() : cancelledBeforeStart()
}

/** @throws SoukError CANCELLED, PROVIDER_STOPPED for a run that was stopped before its task had started. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw notStarted(signal)
}

/** @param path the key of the task that is wrong. */
export function invalidTask(path: string, message: string, cause?: unknown): SoukError<'INVALID_INPUT'> {
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `The task cannot be: ${path}: ${message}.`,
    details: { issues: [{ path, message }] },
    phase: 'prepare',
    cause,
  })
}
