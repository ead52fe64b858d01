import { Interface } from 'ethers/abi'
import type { ChannelKey, PayoutAuthorization, Voucher } from '../protocol/payment.ts'
import { NATIVE_TOKEN } from '../protocol/payment.ts'
import { signatureArgument } from './compact-signature.ts'
import { SOUK_CHANNELS_ABI } from './contracts/souk-channels.ts'
import type { Close } from './voucher.ts'

/** The contract's interface, contracts/SoukChannels.sol. */
export const channelsInterface: Interface = new Interface(SOUK_CHANNELS_ABI)

/** What a transaction to the contract carries. */
export interface ContractCall {
  /** `0x` and hex. */
  readonly data: string
  readonly valueWei: bigint
}

/** Approves of a token deposit in the call that makes it (EIP-2612). */
export interface Permit {
  /** Epoch seconds. */
  readonly deadline: number
  readonly signature: string
}

export interface Deposit {
  readonly channel: ChannelKey
  readonly amountWei: bigint
  /** For tokens that take one; otherwise the contract must have been approved before. */
  readonly permit?: Permit
}

/** To be sent by the channel's payer. */
export function openCall(deposit: Deposit): ContractCall {
  return depositCall(deposit, { plain: 'open', permitted: 'openWithPermit' })
}

/** To be sent by the channel's payer. */
export function topUpCall(deposit: Deposit): ContractCall {
  return depositCall(deposit, { plain: 'topUp', permitted: 'topUpWithPermit' })
}

/** To be sent by anyone; pays what the voucher is worth more than was redeemed. */
export function redeemCall(voucher: Voucher): ContractCall {
  return call('redeem', [voucherArgument(voucher)])
}

/**
 * {@link redeemCall} for many. They are put into the order in which the fewest transfers are made: each payee gets each token once.
 * Those that pay nothing are passed over; where none pays anything, the call reverts.
 */
export function redeemBatchCall(vouchers: readonly Voucher[]): ContractCall {
  const runOf = ({ channel: { payee, token } }: Voucher): string => `${payee} ${token}`
  const sorted = vouchers.toSorted((a, b) => (runOf(a) < runOf(b) ? -1 : Number(runOf(a) > runOf(b))))
  return call('redeemBatch', [sorted.map(voucherArgument)])
}

export interface CooperativeClose {
  readonly close: Close
  /** Of `Close`, by the payee or by the node that `authorization` names. */
  readonly consent: string
  /** The payer's, for as much as the channel is closed with, unless that was redeemed before. */
  readonly voucher?: Voucher
  /** Absent where the payee itself has signed. */
  readonly authorization?: PayoutAuthorization
}

/** To be sent by anyone: pays the payee what it consented to, and the payer the rest. */
export function closeCooperativelyCall({ close, consent, voucher, authorization }: CooperativeClose): ContractCall {
  const promise = voucher ?? { channel: close.channel, amountWei: '0', signature: NO_SIGNATURE }
  const { node, payout, expiryMs, signature } = authorization ?? NO_AUTHORIZATION
  return call('closeCooperatively', [
    voucherArgument(promise),
    close.amountWei,
    signatureArgument(consent),
    [node, payout, expiryMs, signatureArgument(signature)],
  ])
}

/** To be sent by the channel's payer. */
export function startCloseCall({ payee, token, nonce }: ChannelKey): ContractCall {
  return call('startClose', [payee, token, nonce])
}

/** To be sent by anyone, once the challenge period is over: gives the payer the rest. */
export function finishCloseCall({ payer, payee, token, nonce }: ChannelKey): ContractCall {
  return call('finishClose', [payer, payee, token, nonce])
}

const NO_SIGNATURE = `0x${'0'.repeat(130)}`
const NO_AUTHORIZATION = { node: NATIVE_TOKEN, payout: NATIVE_TOKEN, expiryMs: 0, signature: NO_SIGNATURE }

function call(name: string, values: readonly unknown[], valueWei = 0n): ContractCall {
  return { data: channelsInterface.encodeFunctionData(name, values), valueWei }
}

function depositCall(
  { channel: { payee, token, nonce }, amountWei, permit }: Deposit,
  names: { readonly plain: string; readonly permitted: string },
): ContractCall {
  const values = [payee, token, nonce, amountWei]
  if (permit === undefined) return call(names.plain, values, token === NATIVE_TOKEN ? amountWei : 0n)
  return call(names.permitted, [...values, [permit.deadline, signatureArgument(permit.signature)]])
}

type Promised = Pick<Voucher, 'channel' | 'amountWei' | 'signature'>

function voucherArgument({ channel, amountWei, signature }: Promised): readonly unknown[] {
  const { payer, payee, token, nonce } = channel
  return [payer, payee, token, nonce, amountWei, signatureArgument(signature)]
}
