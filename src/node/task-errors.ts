import type { Issue } from '../protocol/error-codes.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Refusal } from '../protocol/refusals.ts'

/** The refusal of a task, with every reason. */
export function refused(reasons: readonly Refusal[]): SoukError<'REFUSED'> {
  return new SoukError({
    code: 'REFUSED',
    message: `The provider refuses the task: ${reasons.map((reason) => reason.message).join('; ')}`,
    details: { reasons },
  })
}

export function replayed(): SoukError<'REFUSED'> {
  return refused([{ reason: 'REPLAYED', message: 'a task with this nonce was accepted before' }])
}

/** What was submitted is no task at all. */
export function invalidSpec(issues: readonly Issue[]): SoukError<'INVALID_INPUT'> {
  const [first] = issues
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `The task is not valid: ${[first?.path, first?.message].filter((part) => part !== undefined && part !== '').join(' ')}`,
    phase: 'admission',
    details: { issues },
  })
}

export function cancelledInQueue(): SoukError<'CANCELLED'> {
  return new SoukError({ code: 'CANCELLED', message: 'The task was cancelled before it started', details: {} })
}
