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
import type { Request, Requests } from './requests.ts'
import type { StoredTransaction } from './transaction-store.ts'
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

/** Where in a deposit's call its channel and amount are; before is the function, after a permit, which is another each time. */
const DEPOSIT_ARGUMENTS = [2 + 2 * 4, 2 + 2 * (4 + 4 * 32)] as const

/** What is sent to the contract, each through the account's queue. The same request again is the same transaction, unless that failed. */
export interface ChannelTransactions {
  open(deposit: Deposit): StoredTransaction
  /** What {@link open} has sent for that deposit, where nobody knows yet what became of it. */
  opening(deposit: Deposit): StoredTransaction | undefined
  /** The same once more is another, as soon as it is known what became of the one before. */
  topUp(deposit: Deposit): StoredTransaction
  /** As {@link opening}, of a top-up. */
  toppingUp(deposit: Deposit): StoredTransaction | undefined
  startClose(channel: ChannelKey): StoredTransaction
  finishClose(channel: ChannelKey): StoredTransaction
  closeCooperatively(close: CooperativeClose): StoredTransaction
  /** One or many, in one transaction. */
  redeem(vouchers: readonly Voucher[]): StoredTransaction
}

export function createChannelTransactions({
  requests,
  contract,
}: {
  readonly requests: Requests
  readonly contract: string
}): ChannelTransactions {
  const idOf = (channel: ChannelKey): string => `${contract} ${channelIdOf(channel)}`
  const once = (name: string, call: ContractCall): StoredTransaction => requests.once({ name, to: contract, ...call })
  const topUpName = ({ channel, amountWei }: Deposit): string => `topUp ${idOf(channel)} + ${amountWei} wei`
  const opened = (deposit: Deposit): Request => {
    const call = openCall(deposit)
    const deposited = call.data.slice(...DEPOSIT_ARGUMENTS)
    return {
      ...{ name: `open ${idOf(deposit.channel)}`, to: contract, ...call },
      isSame: ({ data }) => data.slice(...DEPOSIT_ARGUMENTS) === deposited,
    }
  }

  return {
    open: (deposit) => requests.once(opened(deposit)),
    opening: (deposit) => requests.unheard(opened(deposit)),
    topUp: (deposit) =>
      requests.anew({ name: topUpName(deposit), to: contract, ...topUpCall(deposit), isSame: () => true }),
    toppingUp: (deposit) => requests.unheard({ name: topUpName(deposit) }),
    startClose: (channel) => once(`startClose ${idOf(channel)}`, startCloseCall(channel)),
    finishClose: (channel) => once(`finishClose ${idOf(channel)}`, finishCloseCall(channel)),
    closeCooperatively: (request) =>
      requests.once({
        name: `close ${idOf(request.close.channel)} ${request.close.amountWei}`,
        to: contract,
        ...closeCooperativelyCall(request),
        // Any consent to it does, and any voucher for as much.
        isSame: () => true,
      }),
    redeem(vouchers) {
      const [first] = vouchers
      if (first === undefined) throw new RangeError('no voucher to redeem')
      const all = vouchers.map(({ channel, amountWei }) => `${channelIdOf(channel)} ${amountWei}`).sort()
      const call = vouchers.length === 1 ? redeemCall(first) : redeemBatchCall(vouchers)
      return once(`redeem ${contract} ${createHash('sha256').update(all.join()).digest('hex')}`, call)
    },
  }
}
