import { SoukError } from '../../protocol/errors.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { ONCE } from '../../protocol/verification.ts'
import type { RunResult } from '../collect-result.ts'
import type { LoadedTask } from '../load-task.ts'
import type { RemoteTask } from '../remote-task.ts'
import { ranked } from './choose.ts'
import { writeProof } from './keep-proofs.ts'
import type { Market } from './market.ts'
import { nobodyTakes } from './nobody-takes.ts'
import type { Disagreement, QuorumCandidate, QuorumResult } from './quorum.ts'
import type { QuoteAnswer } from './quote-all.ts'
import type { Meeting } from './record.ts'
import { runVerified } from './run-verified.ts'

type Offered = Extract<QuoteAnswer, { readonly offered: object }>

/** To be told that a task is cancelled. */
const CANCEL_TIMEOUT_MS = 5_000

/** A provider that has quoted. */
export interface QuotedCandidate extends QuorumCandidate {
  readonly answer: Offered
}

/** A result, and the task that its files are fetched of. */
export interface CheckedResult extends RunResult {
  readonly task: RemoteTask
}

export interface RunCheckedOptions {
  readonly market: Pick<Market, 'quotes' | 'record'>
  readonly task: LoadedTask
  /** Where a proof is kept where providers disagree. */
  readonly proofsDir: string
  /** Told of each that was written, before the result is there. */
  readonly onProof?: (found: { readonly file: string; readonly disagreement: Disagreement }) => void
  /** Told of each that has taken the task, before it is waited for. */
  readonly onAccepted?: (accepted: Accepted) => void | Promise<void>
  /** Told of each receipt, verified and paid; where it throws, that provider has failed. */
  readonly onReceipt?: (receipt: Receipt) => void | Promise<void>
  /** Told of each that did not take the task, or came to no receipt. */
  readonly onFailure?: (failure: { readonly provider: string; readonly error: SoukError }) => void
  /** Cancels the task wherever it is under way. */
  readonly signal?: AbortSignal
}

/** A provider that has taken the task. */
export interface Accepted {
  readonly provider: string
  readonly taskId: string
  /** The most that it may cost there. */
  readonly maxPriceWei: bigint
}

/**
 * Has a task run and checked as its file says, by the best of the providers that a market finds; what each did is noted in the
 * market's record, and who said something else than most did is noted for it.
 *
 * @throws SoukError REFUSED or UNREACHABLE where nobody takes it; NO_QUORUM; the signal's reason
 */
export async function runChecked({
  market,
  task,
  proofsDir,
  onProof,
  onAccepted,
  onReceipt,
  onFailure,
  signal,
}: RunCheckedOptions): Promise<QuorumResult<QuotedCandidate, CheckedResult>> {
  const { record } = market
  const note = (provider: string, what: Meeting): void => record.note({ provider, what, atMs: Date.now() })
  const answers = await market.quotes({ task, signal })
  const candidates = candidatesOf({ answers, market, task })
  if (candidates.length === 0) throw nobodyTakes({ answers, task })
  const cancels: Promise<void>[] = []

  async function runOn({ answer }: QuotedCandidate, stop: AbortSignal): Promise<CheckedResult> {
    const { provider } = answer.client
    const remote = await answer.client.submit({ task, quote: answer.offered, signal: stop })
    const onAbort = (): void => {
      const given = AbortSignal.timeout(CANCEL_TIMEOUT_MS)
      // Where it does not hear of it, it goes on until it is asked what became of it.
      cancels.push(remote.cancel({ signal: given }).catch(() => undefined))
    }
    stop.addEventListener('abort', onAbort, { once: true })
    try {
      if (stop.aborted) onAbort()
      note(provider, 'accepted')
      await onAccepted?.({ provider, taskId: remote.taskId, maxPriceWei: BigInt(answer.offered.quote.maxPriceWei) })
      const result = await remote.result({ signal: stop })
      note(provider, 'finished')
      await onReceipt?.(result.receipt)
      return { ...result, task: remote }
    } finally {
      stop.removeEventListener('abort', onAbort)
    }
  }

  const checking = runVerified({
    verification: task.verification ?? ONCE,
    task,
    candidates,
    ...(signal !== undefined && { signal }),
    async runOn(candidate, stop) {
      try {
        return await runOn(candidate, stop)
      } catch (thrown) {
        stop.throwIfAborted()
        onFailure?.({ provider: candidate.provider, error: SoukError.from(thrown) })
        throw thrown
      }
    },
    async onDisagreement(disagreement) {
      // Without a majority nobody is known to be wrong.
      if (disagreement.agreeing.length > 0)
        for (const { provider } of disagreement.differing) note(provider, 'disagreements')
      const file = await writeProof({ dir: proofsDir, proof: disagreement.proof })
      onProof?.({ file, disagreement })
    },
  })
  try {
    return await checking
  } finally {
    await Promise.all(cancels)
  }
}

function candidatesOf({
  answers,
  market,
  task,
}: Pick<RunCheckedOptions, 'market' | 'task'> & {
  readonly answers: readonly QuoteAnswer[]
}): readonly QuotedCandidate[] {
  const quoted = answers.flatMap((answer) => {
    if (answer.offered === undefined) return []
    const { quote } = answer.offered
    return [{ quote, record: market.record.of(quote.provider), answer }]
  })
  return ranked({ candidates: quoted, maxPriceWei: BigInt(task.spec.maxPriceWei), nowMs: Date.now() }).map(
    ({ quote, answer }) => ({
      provider: quote.provider,
      ...(quote.payment.kind === 'channel' && { payout: quote.payment.payee }),
      terms: { engine: quote.engine, limits: quote.limits },
      costs: quote.payment.kind !== 'none' && quote.maxPriceWei !== '0',
      answer,
    }),
  )
}
