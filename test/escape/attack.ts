import type { Outcome, RuntimeName } from '../../src/protocol/execution.ts'
import type { LimitName } from '../../src/protocol/limits.ts'
import type { Behaviour } from '../conformance/behaviours.ts'
import type { Ran } from '../conformance/executor-conformance.ts'
import type { Bait } from './bait.ts'

export const MiB = 1024 * 1024

/** A program of test/escape/programs, and what has to come of it in every runtime that runs processes. */
export interface Attack extends Omit<Behaviour, 'command'> {
  readonly command?: readonly string[] | ((bait: Bait) => readonly string[])
  /** Where it is tried, if not in every runtime: what the kernel and the filter alone hold back is tried once. */
  readonly only?: RuntimeName
  /** What else must hold; throws where it does not. */
  readonly verify?: (ran: Ran, bait: Bait) => void
}

export const exited = (code: number): Outcome => ({ kind: 'exited', code })
export const killed = (signal: string): Outcome => ({ kind: 'killed', signal })
export const limit = (name: LimitName): Outcome => ({ kind: 'limit', limit: name })

/** Every line of the output is `what ERROR`, with one of these errors. */
export const refusedWith = (...errors: readonly string[]): RegExp => new RegExp(`^(?:.+ (?:${errors.join('|')})\\n)+$`)
/** By the filter on calls, for want of a capability, or because it is not there or not writable. */
export const REFUSED = ['EPERM', 'EACCES', 'ENOSYS', 'EROFS', 'ENOENT'] as const
/** Nothing but a first line came before memory ended it. */
export const MEMORY_LIMIT = { outcome: limit('memory'), stdout: 'started\n', limitsHit: ['memory'] } as const
