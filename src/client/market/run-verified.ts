import { randomInt } from 'node:crypto'
import { SoukError } from '../../protocol/errors.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { Verification } from '../../protocol/verification.ts'
import {
  mayBePaid,
  runQuorum,
  type QuorumCandidate,
  type QuorumOptions,
  type QuorumResult,
  type Said,
} from './quorum.ts'

export type VerifiedOptions<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }> = Omit<
  QuorumOptions<Candidate, Result>,
  'providers'
> & { readonly verification: Verification }

/**
 * Has a task run, and checked as its requester wants it: by nobody, by a second provider with a probability, by several. Where
 * nobody checks, the first receipt is the result, whatever the task came to, and who refuses or fails is replaced by the
 * next candidate; not so one that may have to be paid all the same, because what it came to is not known, or is not what its receipt says.
 *
 * @throws SoukError NO_QUORUM as {@link runQuorum}; what the last candidate failed with where all have; the signal's reason
 */
export function runVerified<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }>(
  options: VerifiedOptions<Candidate, Result>,
): Promise<QuorumResult<Candidate, Result>> {
  const providers = providersFor(options.verification)
  return providers === 1 ? runUnchecked(options) : runQuorum({ ...options, providers })
}

const CHANCES = 2 ** 40

/** Drawn anew for each task, from what no provider can foresee. */
function providersFor(verification: Verification): number {
  switch (verification.kind) {
    case 'once':
      return 1
    case 'spot':
      return randomInt(CHANCES) < verification.probability * CHANCES ? 2 : 1
    case 'quorum':
      return verification.providers
  }
}

async function runUnchecked<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }>({
  candidates,
  runOn,
  signal = new AbortController().signal,
}: VerifiedOptions<Candidate, Result>): Promise<QuorumResult<Candidate, Result>> {
  const said: Said<Candidate>[] = []
  let last: SoukError = new SoukError({
    code: 'NO_QUORUM',
    message: 'There is no provider that the task could be given to.',
    details: { needed: 1, agreed: 0, said: [] },
  })
  for (const candidate of candidates) {
    signal.throwIfAborted()
    try {
      const result = await runOn(candidate, signal)
      return { result, agreeing: [candidate], said }
    } catch (thrown) {
      signal.throwIfAborted()
      if (!(thrown instanceof SoukError)) throw thrown
      said.push({ candidate, what: `${thrown.code}: ${thrown.message}` })
      last = SoukError.from(thrown)
      // It was to be run, and paid, once.
      if (candidate.costs === true && mayBePaid(last)) throw last
    }
  }
  throw last
}
