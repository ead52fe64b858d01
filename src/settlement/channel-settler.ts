import { SoukError } from '../protocol/errors.ts'
import {
  NATIVE_TOKEN,
  type ChannelKey,
  type PaymentTerms,
  type PayoutAuthorization,
  type Voucher,
} from '../protocol/payment.ts'
import type { ChannelOnChain } from './channel-answers.ts'
import { redeemedBy } from './channel-redemptions.ts'
import { alarmingView, countedView, settledView } from './channel-views.ts'
import { createChannelTransactions } from './channels.ts'
import type { Chain } from './chain.ts'
import { chooseRedemptions, redeemGasOf, type Redeemable } from './redeem.ts'
import { createRequests } from './requests.ts'
import type { TransactionQueue } from './transactions.ts'
import { channelIdOf } from './voucher.ts'
import { createChannelWitnesses } from './witnesses.ts'

/** The payee's books, as far as redeeming needs them. */
export interface Books {
  /** The newest voucher of each channel, and what is known to be redeemed of it. */
  vouchers(): Iterable<{
    readonly voucher: Voucher
    readonly redeemedWei: bigint
    /** The payer may close it for less than the voucher: that is not redeemed while he does not close it alone. */
    readonly isClosing?: boolean
  }>
  /** The chain has paid out more, for sure; a channel that `isOver` pays nothing any more. */
  redeemed(change: { readonly channelId: string; readonly redeemedWei: bigint; readonly isOver: boolean }): void
}

export interface ChannelSettlerOptions {
  /** For transactions and fees. */
  readonly chain: Chain
  /** Each of one endpoint, and each asked for the channels; `chain` alone where absent. */
  readonly witnesses?: readonly Chain[]
  readonly queue: TransactionQueue
  readonly contract: string
  readonly token: string
  readonly payee: string
  /** Where the payee is not the node itself. */
  readonly authorization?: PayoutAuthorization
  /** What a requester may owe. */
  readonly creditWei: (requester: string) => bigint
  readonly confirmations: number
  /** The most of a sum that redeeming it may cost, in millionths. */
  readonly gasSharePpm: bigint
  readonly pollMs?: number
  /** What keeps it from going on; once, until it is something else. */
  readonly onTrouble?: (error: SoukError) => void
}

/** Settlement through channels: what a provider's `Settler` port asks for, and the loop that redeems. */
export interface ChannelSettler {
  readonly chainId: number
  terms(requester: string): PaymentTerms
  /** @throws SoukError CHAIN_UNREACHABLE */
  channel(key: ChannelKey, wanted?: { readonly atLeastWei: bigint }): Promise<ChannelOnChain>
  received(voucher: Voucher): void
  /** Watches and redeems from here on. @throws SoukError WRONG_CHAIN, CHAIN_REFUSED where the contract is not souk's, or leaves too little time */
  start(books: Books): Promise<void>
  close(): Promise<void>
}

const DEFAULT_POLL_MS = 12_000
/** Half of what every challenge period leaves at least (channel-contract.ts). */
const TRUSTED_MS = 5 * 60_000
const PAUSE_AFTER_FAILURE_MS = 60_000

export function createChannelSettler(options: ChannelSettlerOptions): ChannelSettler {
  const { chain, queue, contract, token, payee, authorization, confirmations } = options
  const { pollMs = DEFAULT_POLL_MS, onTrouble = () => {} } = options
  const witnesses = createChannelWitnesses({
    ...{ contract, payee, confirmations, pollMs, trustedMs: TRUSTED_MS },
    chains: options.witnesses ?? [chain],
  })
  const transactions = createChannelTransactions({ requests: createRequests(queue), contract })
  let timer: NodeJS.Timeout | undefined
  let turning: Promise<void> | undefined
  let closed = false
  let reported = ''
  let notBeforeMs = 0

  /** Returns what went wrong with an endpoint that another one made up for. */
  async function turn(books: Books): Promise<SoukError | undefined> {
    const held = new Map([...books.vouchers()].map((entry) => [channelIdOf(entry.voucher.channel), entry]))
    const [failure] = await witnesses.look(held.keys())
    const pending = redeemedBy(queue.open().filter(({ to }) => to === contract))
    const channels: Redeemable[] = []
    for (const [channelId, { voucher, redeemedWei: knownWei, isClosing = false }] of held) {
      const views = witnesses.known(channelId)
      if (views.length === 0) continue
      const { redeemedWei: settledWei, isOver } = settledView(views)
      if (settledWei > knownWei || isOver) books.redeemed({ channelId, redeemedWei: settledWei, isOver })
      const { status, depositWei, redeemedWei: seenWei } = alarmingView(views)
      if (isClosing && status === 'open') continue
      const underWayWei = pending.get(channelId) ?? 0n
      const redeemedWei = seenWei > underWayWei ? seenWei : underWayWei
      channels.push({ channelId, status, depositWei, redeemedWei, receivedWei: BigInt(voucher.amountWei) })
    }
    if (channels.length > 0 && performance.now() >= notBeforeMs) await redeem({ channels, held })
    return failure
  }

  async function redeem({
    channels,
    held,
  }: {
    readonly channels: readonly Redeemable[]
    readonly held: ReadonlyMap<string, { readonly voucher: Voucher }>
  }): Promise<void> {
    const { least, most } = await chain.fees()
    const leastGasPriceWei = least.maxFeePerGas
    const costs = {
      ...{ gasPriceWei: most.maxFeePerGas, leastGasPriceWei },
      gasSharePpm: options.gasSharePpm,
      isToken: token !== NATIVE_TOKEN,
    }
    const batches = chooseRedemptions({ channels, costs })
    if (batches.length === 0) return
    const balanceWei = await chain.balance(queue.sender)
    for (const batch of batches) {
      const neededWei = redeemGasOf(batch.length) * leastGasPriceWei
      if (balanceWei < neededWei) throw noGas({ sender: queue.sender, balanceWei, neededWei })
      const { id } = transactions.redeem(batch.flatMap((channelId) => held.get(channelId)?.voucher ?? []))
      void queue.settled({ id }).then(({ state, reason = '' }) => {
        if (state === 'confirmed') return
        // The next look may see why; an endless row of failures would cost without end.
        notBeforeMs = performance.now() + PAUSE_AFTER_FAILURE_MS
        report(refused(`redeeming ${state}: ${reason}`))
      })
    }
  }

  async function goOn(books: Books): Promise<void> {
    try {
      const failure = await turn(books)
      if (failure === undefined) reported = ''
      else report(failure)
    } catch (thrown) {
      report(SoukError.from(thrown))
    }
    if (closed) return
    timer = setTimeout(() => {
      turning = goOn(books)
    }, pollMs)
  }

  function report(error: SoukError): void {
    if (error.message === reported) return
    reported = error.message
    onTrouble(error)
  }

  return {
    chainId: chain.chainId,
    terms: (requester) => ({
      kind: 'channel',
      contract,
      token,
      payee,
      ...(authorization !== undefined && { authorization }),
      creditWei: String(options.creditWei(requester)),
    }),
    async channel(key, { atLeastWei } = { atLeastWei: 0n }) {
      return countedView(await witnesses.channel({ channelId: channelIdOf(key), atLeastWei }))
    },
    // The books have it, and each turn reads them.
    received: () => {},
    async start(books) {
      try {
        await witnesses.prepare()
      } catch (thrown) {
        // Endpoints come back; until then no channel can be asked for, and so no task is accepted on one.
        const error = SoukError.from(thrown)
        if (error.code !== 'CHAIN_UNREACHABLE') throw error
        report(error)
      }
      turning = goOn(books)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      await turning
      clearTimeout(timer)
      await queue.close()
    },
  }
}

function noGas(has: { readonly sender: string; readonly balanceWei: bigint; readonly neededWei: bigint }): SoukError {
  return refused(
    `${has.sender} has ${has.balanceWei} wei, and redeeming may take ${has.neededWei} wei of gas`,
    'Send the address of the node some coins for gas.',
  )
}

function refused(reason: string, hint?: string): SoukError {
  return new SoukError({
    code: 'CHAIN_REFUSED',
    message: `The chain refuses: ${reason}`,
    details: { kind: 'other', reason },
    ...(hint !== undefined && { hint }),
  })
}
