import { Buffer } from 'node:buffer'
import {
  structHasher,
  typedDataDigest,
  UnencodableError,
  type StructHasher,
  type TypedStructs,
  type TypedValue,
} from '../identity/eip712.ts'
import { SoukError } from '../protocol/errors.ts'
import { remembered } from './remembered.ts'

/** Of which contract a signature is: without both, one chain's promise could be redeemed on another. */
export interface ChannelContract {
  readonly chainId: number
  /** Address of the contract, contracts/SoukChannels.sol. */
  readonly contract: string
}

/** The EIP-712 types that SoukChannels.sol checks. */
export const CHANNEL_STRUCTS = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ],
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'amount', type: 'uint256' },
  ],
  Close: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'amount', type: 'uint256' },
  ],
  PayoutAuthorization: [
    { name: 'node', type: 'address' },
    { name: 'payout', type: 'address' },
    { name: 'expiryMs', type: 'uint64' },
  ],
} as const satisfies TypedStructs

type Message = Exclude<keyof typeof CHANNEL_STRUCTS, 'EIP712Domain'>

const hasherOf = (name: keyof typeof CHANNEL_STRUCTS): StructHasher => structHasher({ structs: CHANNEL_STRUCTS, name })
const hashDomain = hasherOf('EIP712Domain')
const hashers: Readonly<Record<Message, StructHasher>> = {
  Voucher: hasherOf('Voucher'),
  Close: hasherOf('Close'),
  PayoutAuthorization: hasherOf('PayoutAuthorization'),
}

export const CHANNELS_NAME = 'souk channels'
export const CHANNELS_VERSION = '1'

/** The hash of the contract's EIP-712 domain. A requester meets few contracts, and a stranger may name many. */
export const domainHashOf: (at: ChannelContract) => Uint8Array = remembered({
  entries: 16,
  keyOf: ({ chainId, contract }: ChannelContract) => `${chainId} ${contract}`,
  compute: ({ chainId, contract }) =>
    hashDomain({ name: CHANNELS_NAME, version: CHANNELS_VERSION, chainId, verifyingContract: contract }),
})

/**
 * What is signed of a message to the contract: its EIP-712 hash, `0x` and 64 hex digits.
 * @throws SoukError INVALID_INPUT where a value does not fit its type (an amount of 2^256 wei or more).
 */
export function channelDigestOf(request: {
  readonly at: ChannelContract
  readonly message: Message
  readonly value: TypedValue
}): string {
  try {
    const digest = typedDataDigest({
      domain: domainHashOf(request.at),
      struct: hashers[request.message](request.value),
    })
    return `0x${Buffer.from(digest).toString('hex')}`
  } catch (thrown) {
    if (!(thrown instanceof UnencodableError)) throw thrown
    throw new SoukError({
      code: 'INVALID_INPUT',
      message: `What is to be signed has no form that the contract knows: ${thrown.path} ${thrown.message}.`,
      details: { issues: [{ path: thrown.path, message: thrown.message }] },
      cause: thrown,
    })
  }
}
