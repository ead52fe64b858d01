import type { Key } from '../identity/key-file.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { Chain, ChainReceipt, Range } from './chain.ts'
import { bumpedFees, cappedFees, signTransaction, type FeeCaps } from './transaction-signing.ts'
import type { Attempt, StoredTransaction, TransactionStore } from './transaction-store.ts'

export interface Timing {
  /** Between two looks at the chain. */
  readonly pollMs: number
  /** How long the first transaction in line may wait for a block until it offers more. */
  readonly stuckAfterMs: number
  /** How long a nonce that nobody seems to use may hold up the later ones until it is filled. */
  readonly gapAfterMs: number
}

export interface TurnOptions {
  readonly chain: Chain
  readonly key: Key
  readonly store: TransactionStore
  readonly confirmations: number
  readonly feeCaps: FeeCaps
  readonly timing: Timing
  readonly report: (error: SoukError) => void
}

/** Pools keep so many of one account for sure (Geth's account slots). */
const MAX_IN_FLIGHT = 16
/** More than that is no gap: the endpoint is far behind what this account has done. */
const MAX_GAP = 16
/** Looks in a row, since endpoints behind one address may differ in what they know. */
const SIGHTINGS_OF_ANOTHER = 3
/** A transfer of nothing to oneself. */
const TRANSFER_GAS = 21_000n

/**
 * How the chain sees the account. `final`: as of the block that is deep enough. Where endpoints differ, one of them lies or is behind: what
 * cannot be taken back counts only where all say it.
 */
interface View {
  readonly head: number
  readonly latestNonce: Range<number>
  readonly finalNonce: number
}

type Placed = StoredTransaction & { readonly nonce: number }

/** One look at the chain after the other, and what follows from it. Everything that has to outlive the process is in the store. */
export function createTransactionTurns(options: TurnOptions): { next(): Promise<void> } {
  const { chain, key, store, confirmations, feeCaps, timing, report } = options
  const sender = key.address
  const sightings = new Map<number, number>()
  const underpriced = new Set<number>()
  let first: { readonly nonce: number; readonly sinceMs: number } | undefined
  let gap: { readonly nonce: number; readonly sinceMs: number } | undefined

  async function next(): Promise<void> {
    const open = store.open()
    if (open.length === 0) return
    const head = await chain.blockNumber()
    // Before the receipts are asked for: whatever is this deep must have one.
    const { least: finalNonce } = await chain.nonce(sender, Math.max(0, head - confirmations + 1))
    const latestNonce = await chain.nonce(sender, 'latest')
    const view: View = { head, latestNonce, finalNonce }
    for (const transaction of open.filter(isPlaced)) await follow(transaction, view)
    const waiting = store.open().filter(isPlaced)
    await mendGap(waiting, view)
    const queued = store.open().filter(({ state }) => state === 'queued')
    for (const transaction of queued.slice(0, Math.max(0, MAX_IN_FLIGHT - waiting.length))) await start(transaction)
  }

  async function follow(transaction: Placed, view: View): Promise<void> {
    const attempts = store.attempts(transaction.id)
    const receipt = await receiptOf(attempts)
    if (receipt !== undefined) return settle({ transaction, receipt, head: view.head })
    // Its block is no more part of the chain: as if it had never been mined.
    if (transaction.state === 'mined') store.update({ id: transaction.id, state: 'sent' })
    if (view.latestNonce.least > transaction.nonce) return noteAnother(transaction, view)
    sightings.delete(transaction.id)
    const last = attempts.at(-1)
    if (last === undefined) throw new TypeError('what is sent has an attempt')
    if (isStuck(transaction, view)) await replace({ transaction, last })
    else if (!(await chain.isKnown(last.hash))) await broadcast({ id: transaction.id, attempt: last })
  }

  async function receiptOf(attempts: readonly Attempt[]): Promise<ChainReceipt | undefined> {
    for (const { hash } of attempts.toReversed()) {
      const receipt = await chain.receipt(hash)
      if (receipt !== undefined) return receipt
    }
    return undefined
  }

  async function settle({
    transaction,
    receipt,
    head,
  }: {
    readonly transaction: StoredTransaction
    readonly receipt: ChainReceipt
    readonly head: number
  }): Promise<void> {
    const { id } = transaction
    const { transactionHash: hash, blockNumber, gasUsed, effectiveGasPrice } = receipt
    const mined = { hash, blockNumber, feeWei: gasUsed * effectiveGasPrice }
    sightings.delete(id)
    const isDeep = head - blockNumber + 1 >= confirmations
    // An endpoint may still know the receipt of a block that it has left.
    if (!isDeep || (await chain.block(blockNumber))?.hash !== receipt.blockHash) {
      store.update({ id, state: 'mined', mined })
      return
    }
    underpriced.delete(id)
    if (receipt.status === 1) store.update({ id, state: 'confirmed', mined })
    else store.update({ id, state: 'failed', mined, reason: 'the contract reverted it' })
  }

  function noteAnother({ id, nonce }: Placed, { finalNonce }: View): void {
    const seen = finalNonce > nonce ? (sightings.get(id) ?? 0) + 1 : 0
    sightings.set(id, seen)
    if (seen < SIGHTINGS_OF_ANOTHER) return
    sightings.delete(id)
    const reason = `another program used nonce ${nonce} of this account`
    store.update({ id, state: 'replaced', reason })
    report(refused({ kind: 'replaced', reason }))
  }

  /** Only what is first in line: the others wait for it, whatever they offer. */
  function isStuck({ id, nonce }: Placed, { latestNonce }: View): boolean {
    if (nonce < latestNonce.least || nonce > latestNonce.most) return false
    if (first?.nonce !== nonce) first = { nonce, sinceMs: Date.now() }
    return underpriced.has(id) || Date.now() - first.sinceMs >= timing.stuckAfterMs
  }

  async function replace({
    transaction,
    last,
  }: {
    readonly transaction: Placed
    readonly last: Attempt
  }): Promise<void> {
    const { id, nonce, to, data, valueWei, gasLimit } = transaction
    if (gasLimit === undefined) throw new TypeError('what is sent has a gas limit')
    first = { nonce, sinceMs: Date.now() }
    underpriced.delete(id)
    const fees = bumpedFees({ before: last.fees, now: (await chain.fees()).most, caps: feeCaps })
    if (fees === undefined) {
      report(
        refused({ kind: 'underpriced', reason: `the chain asks for more than ${feeCaps.maxFeePerGas} wei for gas` }),
      )
      return broadcast({ id, attempt: last })
    }
    const unsigned = { chainId: chain.chainId, nonce, to, data, valueWei, gasLimit, fees }
    const attempt: Attempt = { ...signTransaction({ unsigned, key }), fees, atMs: Date.now() }
    store.addAttempt({ id, attempt })
    await broadcast({ id, attempt })
  }

  /** What the pool says to it is no end: what became of it, the receipts and nonces tell. */
  async function broadcast({ id, attempt }: { readonly id: number; readonly attempt: Attempt }): Promise<void> {
    try {
      await chain.send(attempt.raw)
    } catch (thrown) {
      if (!isSoukError(thrown, 'CHAIN_REFUSED')) throw thrown
      const { kind } = thrown.details
      if (kind === 'known' || kind === 'nonceTooLow') return
      if (kind === 'underpriced') underpriced.add(id)
      else report(thrown)
    }
  }

  /** A nonce before the first of ours that neither we nor, as far as the pool tells, anyone else has a transaction for. */
  async function mendGap(waiting: readonly Placed[], view: View): Promise<void> {
    const lowest = waiting[0]?.nonce
    const latestNonce = view.latestNonce.most
    if (lowest === undefined || lowest <= latestNonce || (await chain.nonce(sender, 'pending')).most > latestNonce) {
      gap = undefined
      return
    }
    if (gap?.nonce !== latestNonce) gap = { nonce: latestNonce, sinceMs: Date.now() }
    if (Date.now() - gap.sinceMs < timing.gapAfterMs) return
    if (lowest - latestNonce > MAX_GAP)
      throw refused({
        kind: 'behind',
        reason: `the chain is at nonce ${latestNonce} of this account, which has used them up to ${lowest}: an endpoint is far behind, or the chain was begun anew`,
      })
    const before = store.byNonce(latestNonce)
    if (before === undefined) return fillGap(latestNonce)
    // The chain has gone back by more than what counts as final.
    const last = store.attempts(before.id).at(-1)
    if (last !== undefined && before.state !== 'replaced') await broadcast({ id: before.id, attempt: last })
  }

  async function fillGap(nonce: number): Promise<void> {
    const fees = cappedFees({ fees: (await chain.fees()).least, caps: feeCaps })
    const unsigned = {
      chainId: chain.chainId,
      nonce,
      to: sender,
      data: '0x',
      valueWei: 0n,
      gasLimit: TRANSFER_GAS,
      fees,
    }
    const attempt: Attempt = { ...signTransaction({ unsigned, key }), fees, atMs: Date.now() }
    if (store.fill({ nonce, to: sender, signed: { gasLimit: TRANSFER_GAS, attempt } })) await chain.send(attempt.raw)
  }

  async function start(transaction: StoredTransaction): Promise<void> {
    const { id, to, data, valueWei } = transaction
    let estimates: readonly bigint[]
    try {
      estimates = await chain.estimateGas({ from: sender, to, data, valueWei })
    } catch (thrown) {
      if (!isSoukError(thrown, 'CHAIN_REFUSED')) throw thrown
      // It would fail in a block too, and cost its gas.
      store.update({ id, state: 'failed', reason: thrown.details.reason })
      return
    }
    // What one endpoint makes cheap, so that no block takes it, is offered more for as soon as another says so.
    const fees = cappedFees({ fees: (await chain.fees()).least, caps: feeCaps })
    const balanceWei = await chain.balance(sender)
    // What it needs may be a little more in the block that it gets into; what is not used is not paid.
    const limits = estimates.map((gas) => gas + gas / 4n)
    const neededWei = (limit: bigint): bigint => valueWei + limit * fees.maxFeePerGas
    const gasLimit = limits.find((limit) => balanceWei >= neededWei(limit))
    if (gasLimit === undefined) {
      // With a nonce it would hold up all that come after it.
      const reason = `insufficient funds: ${sender} has ${balanceWei} wei, and it may take ${neededWei(limits.at(-1) ?? 0n)}`
      store.update({ id, state: 'failed', reason })
      return
    }
    // Higher ones would wait for ever where an endpoint made them up; those of other programs, where it hides them, are found out.
    const { least: atLeast } = await chain.nonce(sender, 'pending')
    const attempt = store.assign({
      id,
      atLeast,
      sign(nonce) {
        const unsigned = { chainId: chain.chainId, nonce, to, data, valueWei, gasLimit, fees }
        return { gasLimit, attempt: { ...signTransaction({ unsigned, key }), fees, atMs: Date.now() } }
      },
    })
    if (attempt !== undefined) await broadcast({ id, attempt })
  }

  return { next }
}

const isPlaced = (transaction: StoredTransaction): transaction is Placed => transaction.nonce !== undefined

function refused({ kind, reason }: { readonly kind: string; readonly reason: string }): SoukError {
  return new SoukError({ code: 'CHAIN_REFUSED', message: `The chain refuses: ${reason}`, details: { kind, reason } })
}
