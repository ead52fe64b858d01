import { z } from 'zod'
import type { Outcome } from './execution.ts'
import { excerpt } from './issues.ts'

/** The most providers that one task is given to. */
export const MAX_QUORUM = 16

/**
 * How a requester wants a deterministic task checked: by nobody, by a second provider with a probability from 0 to 1, or
 * by as many providers as are asked, of whom most have to say the same. It stays with the requester: a task's spec says
 * `once` whatever this is, so that no provider knows when it is checked, and so that all who run the task have the same
 * bytes, from which its digest and its random numbers follow.
 */
export type Verification =
  | { readonly kind: 'once' }
  | { readonly kind: 'spot'; readonly probability: number }
  | { readonly kind: 'quorum'; readonly providers: number }

export const ONCE: Verification = { kind: 'once' }

const FORMS = `once, spot(P) with a probability above 0 and up to 1, such as spot(0.05), or quorum(N) with 2 to ${MAX_QUORUM} providers, such as quorum(3)`
const SPOT = /^spot\((0?\.[0-9]{1,9}|[01](?:\.[0-9]{1,9})?)\)$/
const QUORUM = /^quorum\(([0-9]{1,2})\)$/

/** Undefined where the text is none: see {@link VERIFICATION_FORMS}. */
export function parseVerification(text: string): Verification | undefined {
  if (text === 'once') return ONCE
  const probability = Number(SPOT.exec(text)?.[1])
  if (probability > 0 && probability <= 1) return { kind: 'spot', probability }
  const providers = Number(QUORUM.exec(text)?.[1])
  return providers >= 2 && providers <= MAX_QUORUM ? { kind: 'quorum', providers } : undefined
}

/** Completes "must be …". */
export const VERIFICATION_FORMS = FORMS

/** `verify` of a task file. */
export const verificationSchema = z
  .string({ error: (issue) => `must be ${FORMS}; not ${excerpt(issue.input)}` })
  .meta({
    description:
      'How results are checked. `once`: by nobody. `spot(P)`: with probability P a second provider runs it as well. `quorum(N)`: N providers run it, and what most of them say is the result. The last two are for deterministic tasks. No provider is told. See [Checking](#checking).',
    examples: ['spot(0.05)', 'quorum(3)'],
  })
  .transform((text, context): Verification => {
    const parsed = parseVerification(text)
    if (parsed !== undefined) return parsed
    context.issues.push({ code: 'custom', message: `must be ${FORMS}; not ${excerpt(text)}`, input: text })
    return z.NEVER
  })

/**
 * Whether an end is one that every honest provider comes to: the task's own, or that of its fuel. Times, memory of the host,
 * signals and cancellation are a machine's or a requester's doing.
 */
export function isDeterministicOutcome(outcome: Outcome): boolean {
  return (
    outcome.kind === 'exited' || outcome.kind === 'trapped' || (outcome.kind === 'limit' && outcome.limit === 'fuel')
  )
}
