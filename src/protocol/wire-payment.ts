import type {
  ChannelKey as ChannelKeyMessage,
  CloseConsent as CloseConsentMessage,
  Statement as StatementMessage,
  Voucher as VoucherMessage,
} from './messages.js'
import {
  closeConsentSchema,
  statementSchema,
  voucherSchema,
  type ChannelKey,
  type CloseConsent,
  type Statement,
  type Voucher,
} from './payment.ts'
import { bytes32Schema } from './receipt.ts'
import { bytesOfHex, checked, hexOfBytes, required, safeInteger } from './wire-fields.ts'

const ADDRESS_BYTES = 20
const SIGNATURE_BYTES = 65
const HASH_BYTES = 32

export function channelIdToBytes(channelId: string): Uint8Array<ArrayBuffer> {
  return bytesOfHex('channel id', channelId, HASH_BYTES)
}

export function channelIdFromBytes(bytes: Uint8Array): string {
  return checked('channel id', bytes32Schema, hexOfBytes('channel id', bytes, HASH_BYTES))
}

export function voucherToMessage({ chainId, contract, channel, amountWei, signature }: Voucher): VoucherMessage {
  return {
    chainId,
    contract: bytesOfHex('voucher.contract', contract, ADDRESS_BYTES),
    channel: channelKeyToMessage(channel),
    amountWei,
    signature: bytesOfHex('voucher.signature', signature, SIGNATURE_BYTES),
  }
}

/** The form only: who signed is for settlement to say, what it is worth for the chain. */
export function voucherFromMessage(message: VoucherMessage): Voucher {
  return checked('voucher', voucherSchema, {
    chainId: safeInteger('voucher.chain_id', message.chainId),
    contract: hexOfBytes('voucher.contract', message.contract, ADDRESS_BYTES),
    channel: channelKeyFromMessage(required('voucher.channel', message.channel)),
    amountWei: message.amountWei,
    signature: hexOfBytes('voucher.signature', message.signature, SIGNATURE_BYTES),
  })
}

function channelKeyToMessage({ payer, payee, token, nonce }: ChannelKey): ChannelKeyMessage {
  return {
    payer: bytesOfHex('channel.payer', payer, ADDRESS_BYTES),
    payee: bytesOfHex('channel.payee', payee, ADDRESS_BYTES),
    token: bytesOfHex('channel.token', token, ADDRESS_BYTES),
    nonce,
  }
}

function channelKeyFromMessage({ payer, payee, token, nonce }: ChannelKeyMessage): ChannelKey {
  return {
    payer: hexOfBytes('channel.payer', payer, ADDRESS_BYTES),
    payee: hexOfBytes('channel.payee', payee, ADDRESS_BYTES),
    token: hexOfBytes('channel.token', token, ADDRESS_BYTES),
    nonce: safeInteger('channel.nonce', nonce),
  }
}

export function statementToMessage({ channelId, voucher, ...amounts }: Statement): StatementMessage {
  return {
    channelId: channelIdToBytes(channelId),
    ...amounts,
    ...(voucher === undefined ? {} : { voucher: voucherToMessage(voucher) }),
  }
}

export function statementFromMessage({ channelId, voucher, ...amounts }: StatementMessage): Statement {
  return checked('statement', statementSchema, {
    channelId: channelIdFromBytes(channelId),
    ...amounts,
    ...(voucher === undefined ? {} : { voucher: voucherFromMessage(voucher) }),
  })
}

export function consentToMessage({
  channelId,
  amountWei,
  signature,
  authorization,
}: CloseConsent): CloseConsentMessage {
  return {
    channelId: channelIdToBytes(channelId),
    amountWei,
    signature: bytesOfHex('consent.signature', signature, SIGNATURE_BYTES),
    ...(authorization !== undefined && {
      authorization: {
        node: bytesOfHex('authorization.node', authorization.node, ADDRESS_BYTES),
        payout: bytesOfHex('authorization.payout', authorization.payout, ADDRESS_BYTES),
        expiryMs: authorization.expiryMs,
        signature: bytesOfHex('authorization.signature', authorization.signature, SIGNATURE_BYTES),
      },
    }),
  }
}

/** The form only: who signed is for settlement to say. */
export function consentFromMessage({
  channelId,
  amountWei,
  signature,
  authorization,
}: CloseConsentMessage): CloseConsent {
  return checked('consent', closeConsentSchema, {
    channelId: channelIdFromBytes(channelId),
    amountWei,
    signature: hexOfBytes('consent.signature', signature, SIGNATURE_BYTES),
    ...(authorization !== undefined && {
      authorization: {
        node: hexOfBytes('authorization.node', authorization.node, ADDRESS_BYTES),
        payout: hexOfBytes('authorization.payout', authorization.payout, ADDRESS_BYTES),
        expiryMs: safeInteger('authorization.expiry_ms', authorization.expiryMs),
        signature: hexOfBytes('authorization.signature', authorization.signature, SIGNATURE_BYTES),
      },
    }),
  })
}
