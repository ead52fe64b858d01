import { SoukError } from '../protocol/errors.ts'
import type { Outcome } from '../protocol/execution.ts'
import type { Refusal } from '../protocol/refusals.ts'
import { StopReason } from './executor.ts'

/*
 * What the runs of every runtime reject with. Errors of one runtime alone are in that runtime's folder.
 */

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

/** How a run ends whose job's signal has aborted: with an outcome, which is billable, or with an error, which is not. */
export type Interruption = { readonly outcome: Outcome } | { readonly error: SoukError }

/**
 * Reads the {@link StopReason} of an aborted signal. A signal that aborted for any other reason counts as a cancellation.
 *
 * @param started whether the task's first instruction has run: before that, nothing is billable.
 * @param failed the runtime's own EXECUTOR_FAILED, for a wall time that ran out before the task had started.
 */
export function interruptionOf({
  signal,
  started,
  failed,
}: {
  readonly signal: AbortSignal
  readonly started: boolean
  readonly failed: (reason: string) => SoukError
}): Interruption {
  const reason: unknown = signal.reason
  const kind = reason instanceof StopReason ? reason.kind : 'cancelled'
  switch (kind) {
    case 'shutdown':
      return { error: providerStopped() }
    case 'cancelled':
      return started ? { outcome: { kind: 'cancelled' } } : { error: cancelledBeforeStart() }
    case 'wallTime':
      return started
        ? { outcome: { kind: 'limit', limit: 'wallTime' } }
        : { error: failed('its time ran out before it had started') }
  }
}

/** @throws SoukError REFUSED with all the reasons, if there are any: the runtime cannot run the task as it asks. */
export function throwIfRefused(reasons: readonly Refusal[]): void {
  if (reasons.length === 0) return
  throw new SoukError({
    code: 'REFUSED',
    message: reasons.map(({ message }) => message).join(' '),
    details: { reasons },
    phase: 'prepare',
  })
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
