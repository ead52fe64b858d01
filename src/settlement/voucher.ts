import { Buffer } from 'node:buffer'
import type { Key } from '../identity/key-file.ts'
import { keccak256 } from '../identity/keccak.ts'
import { signDigest } from '../identity/sign.ts'
import { recoverSigner } from '../identity/verify.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import type { ChannelKey, Voucher } from '../protocol/payment.ts'
import { channelDigestOf, type ChannelContract } from './channel-domain.ts'
import { remembered } from './remembered.ts'

export type UnsignedVoucher = Omit<Voucher, 'signature'>

/** Each task of a channel asks for its id, and strangers name channels. */
const channelIds = remembered({
  entries: 1024,
  keyOf: ({ payer, payee, token, nonce }: ChannelKey) => `${payer} ${payee} ${token} ${nonce}`,
  compute: ({ payer, payee, token, nonce }) => {
    if (!Number.isSafeInteger(nonce) || nonce < 0) throw notAChannel('nonce', 'is no integer from 0 to 2^53')
    const words = [wordOf('payer', payer), wordOf('payee', payee), wordOf('token', token)]
    const encoded = `${words.join('')}${nonce.toString(16).padStart(64, '0')}`
    return `0x${Buffer.from(keccak256(Buffer.from(encoded, 'hex'))).toString('hex')}`
  },
})

/**
 * A channel's id: keccak-256 over `abi.encode(payer, payee, token, nonce)`, `0x` and 64 hex digits. It says nothing of
 * the contract or the chain, which the domain of each signature does.
 * @throws SoukError INVALID_INPUT where an address is not `0x` and 40 lower-case hex digits, or the nonce no integer.
 */
export function channelIdOf(channel: ChannelKey): string {
  return channelIds(channel)
}

/**
 * The EIP-712 hash that the payer signs, `0x` and 64 hex digits.
 * @throws SoukError INVALID_INPUT where a value does not fit its type (an amount of 2^256 wei or more).
 */
export function voucherHashOf({ chainId, contract, channel, amountWei }: UnsignedVoucher): string {
  const value = { channelId: channelIdOf(channel), amount: amountWei }
  return channelDigestOf({ at: { chainId, contract }, message: 'Voucher', value })
}

/**
 * Signs a voucher as its payer. Whoever has it can take `amountWei` of the channel, all told, out to its payee.
 * @throws SoukError INVALID_INPUT as {@link voucherHashOf}; INTERNAL where the key is not the payer's.
 */
export function signVoucher({ voucher, key }: { readonly voucher: UnsignedVoucher; readonly key: Key }): Voucher {
  if (voucher.channel.payer !== key.address) {
    const reason = 'the key is not that of the channel’s payer'
    throw new SoukError({ code: 'INTERNAL', message: `The voucher was not signed: ${reason}.`, details: { reason } })
  }
  const { chainId, contract, channel, amountWei } = voucher
  return { chainId, contract, channel, amountWei, signature: signDigest({ digest: voucherHashOf(voucher), key }) }
}

/**
 * Whether the signature is that of `channel.payer`, so that the contract would take it. Whether the channel is there,
 * is worth that much and is the one expected is for the caller to see. Never throws.
 */
export function isVoucherOf(voucher: Voucher): boolean {
  try {
    return recoverSigner({ digest: voucherHashOf(voucher), signature: voucher.signature }) === voucher.channel.payer
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    return false
  }
}

/** The payee's word that a channel may be closed at once, with this much for it, all told. */
export interface Close extends ChannelContract {
  readonly channel: ChannelKey
  readonly amountWei: string
}

/**
 * The EIP-712 hash that the payee signs, or a node that it authorised.
 * @throws SoukError INVALID_INPUT where a value does not fit its type.
 */
export function closeHashOf({ chainId, contract, channel, amountWei }: Close): string {
  const value = { channelId: channelIdOf(channel), amount: amountWei }
  return channelDigestOf({ at: { chainId, contract }, message: 'Close', value })
}

/**
 * Consents to close a channel: the payer gets what is above `amountWei`. Whoever has it can close the channel for good, at
 * any time: a payee that has signed this takes no more vouchers of that channel.
 * @throws SoukError INVALID_INPUT as {@link closeHashOf}.
 */
export function signClose({ close, key }: { readonly close: Close; readonly key: Key }): string {
  return signDigest({ digest: closeHashOf(close), key })
}

function wordOf(name: string, address: string): string {
  if (!/^0x[0-9a-f]{40}$/.test(address)) throw notAChannel(name, 'is not 0x and 40 lower-case hex digits')
  return address.slice(2).padStart(64, '0')
}

function notAChannel(path: string, message: string): SoukError<'INVALID_INPUT'> {
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `This names no payment channel: ${path} ${message}.`,
    details: { issues: [{ path, message }] },
  })
}
