import { createHash } from 'node:crypto'
import type { ChannelKey, Voucher } from '../protocol/payment.ts'
import { channelOf, channelQuery, type ChannelOnChain } from './channel-answers.ts'
import {
  closeCooperativelyCall,
  finishCloseCall,
  openCall,
  redeemBatchCall,
  redeemCall,
  startCloseCall,
  topUpCall,
  type ContractCall,
  type CooperativeClose,
  type Deposit,
} from './channel-calls.ts'
import { NO_CHANNEL, type ChannelView } from './channel-views.ts'
import type { Chain } from './chain.ts'
import { contractRefused, OTHER_CHANNELS_HINT } from './contract-refused.ts'
import type { StoredTransaction } from './transaction-store.ts'
import type { TransactionQueue } from './transactions.ts'
import { channelIdOf } from './voucher.ts'

/** @throws SoukError CHAIN_UNREACHABLE, CHAIN_REFUSED where there is no such contract. */
export async function readChannel({
  chain,
  contract,
  channelId,
  confirmations,
  ...asked
}: {
  readonly chain: Chain
  readonly contract: string
  readonly channelId: string
  readonly confirmations: number
  /** The newest block, where that was asked for already. */
  readonly head?: number
}): Promise<ChannelView> {
  const { data } = channelQuery(channelId)
  const head = asked.head ?? (await chain.blockNumber())
  const [latest, confirmed] = await Promise.all([
    chain.call({ to: contract, data }, head),
    chain.call({ to: contract, data }, Math.max(0, head - confirmations + 1)),
  ])
  // A contract that is younger than what counts as final has no channel yet.
  return {
    latest: answerOf({ contract, answer: latest }),
    confirmed: confirmed === '0x' ? NO_CHANNEL : answerOf({ contract, answer: confirmed }),
  }
}

function answerOf({ contract, answer }: { readonly contract: string; readonly answer: string }): ChannelOnChain {
  try {
    return channelOf(answer)
  } catch (cause) {
    const reason = `${contract} is not the contract of souk's channels`
    throw contractRefused({ reason, hint: OTHER_CHANNELS_HINT, cause })
  }
}

/** `0x`, the function, and the channel and amount of a deposit: what comes after is a permit, which is another each time. */
const DEPOSIT_HEAD = 2 + 2 * (4 + 4 * 32)

/** What is sent to the contract, each through the account's queue. The same request again is the same transaction, unless that failed. */
export interface ChannelTransactions {
  open(deposit: Deposit): StoredTransaction
  /** `fromWei` is the deposit that it is added to: the same top-up twice is one. */
  topUp(deposit: Deposit & { readonly fromWei: bigint }): StoredTransaction
  startClose(channel: ChannelKey): StoredTransaction
  finishClose(channel: ChannelKey): StoredTransaction
  closeCooperatively(close: CooperativeClose): StoredTransaction
  /** One or many, in one transaction. */
  redeem(vouchers: readonly Voucher[]): StoredTransaction
}

export function createChannelTransactions({
  queue,
  contract,
}: {
  readonly queue: TransactionQueue
  readonly contract: string
}): ChannelTransactions {
  function submit(key: string, { data, valueWei }: ContractCall): StoredTransaction {
    for (let turn = 1; ; turn += 1) {
      const idempotencyKey = turn === 1 ? key : `${key} #${turn}`
      const before = queue.byKey(idempotencyKey)
      if (before?.state === 'failed' || before?.state === 'replaced') continue
      return queue.submit({ idempotencyKey, to: contract, data, valueWei })
    }
  }
  /** What a killed process began: it may be in a block, and settled, by the time that it is asked for again. */
  const begun = [...queue.open()]
  function resumed(isIt: (transaction: StoredTransaction) => boolean): StoredTransaction | undefined {
    const place = begun.findIndex(isIt)
    // Once: what is asked for after that is another.
    return place === -1 ? queue.open().find(isIt) : begun.splice(place, 1)[0]
  }
  const isTurnOf = (key: string, one: string): boolean => one === key || one.startsWith(`${key} #`)
  const idOf = (channel: ChannelKey): string => `${contract} ${channelIdOf(channel)}`

  return {
    open(deposit) {
      const key = `open ${idOf(deposit.channel)}`
      const opening = openCall(deposit)
      if (deposit.permit === undefined) return submit(key, opening)
      const head = opening.data.slice(0, DEPOSIT_HEAD)
      const before = resumed(({ idempotencyKey, data }) => isTurnOf(key, idempotencyKey) && data.startsWith(head))
      return before ?? submit(key, opening)
    },
    topUp(deposit) {
      const of = `topUp ${idOf(deposit.channel)} `
      const amount = `+ ${deposit.amountWei} wei`
      // The deposit may have grown by it since.
      const before = resumed(({ idempotencyKey: key }) => key.startsWith(of) && key.includes(amount))
      return before ?? submit(`${of}${deposit.fromWei} ${amount}`, topUpCall(deposit))
    },
    startClose: (channel) => submit(`startClose ${idOf(channel)}`, startCloseCall(channel)),
    finishClose: (channel) => submit(`finishClose ${idOf(channel)}`, finishCloseCall(channel)),
    closeCooperatively: (request) =>
      submit(`close ${idOf(request.close.channel)} ${request.close.amountWei}`, closeCooperativelyCall(request)),
    redeem(vouchers) {
      const [first] = vouchers
      if (first === undefined) throw new RangeError('no voucher to redeem')
      const all = vouchers.map(({ channel, amountWei }) => `${channelIdOf(channel)} ${amountWei}`).sort()
      const call = vouchers.length === 1 ? redeemCall(first) : redeemBatchCall(vouchers)
      return submit(`redeem ${contract} ${createHash('sha256').update(all.join()).digest('hex')}`, call)
    },
  }
}
