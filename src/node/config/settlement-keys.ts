import { NATIVE_TOKEN } from '../../protocol/payment.ts'
import { excerpt } from '../../protocol/issues.ts'
import { ethereumAddress } from './items.ts'
import { key } from './key.ts'
import { decimal, duration, integer, list, oneOf, optionalPath, wei, type Item, type Kind } from './kinds.ts'

const SETTLEMENT_MODES = ['none', 'channel'] as const

const rpcUrl: Item = {
  accepts: 'URLs of JSON-RPC endpoints such as `https://rpc.example/KEY` or `http://127.0.0.1:8545`',
  parse(item) {
    const url = URL.canParse(item) ? new URL(item) : undefined
    // The whole of it may be a secret.
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
      throw new Error('must be the http:// or https:// URL of a JSON-RPC endpoint, such as http://127.0.0.1:8545')
    return item
  },
}

function optionalAddress(): Kind<string | undefined> {
  return {
    accepts: 'nothing, or an Ethereum address (`0x` and 40 hex digits)',
    parse: (value) => (value === '' ? undefined : ethereumAddress.parse(textOf(value))),
    show: (value) => value ?? '',
  }
}

/** The address of a token; NATIVE_TOKEN is written `native`. */
function token(): Kind<string> {
  return {
    accepts: '`native`, or the address of an ERC-20 contract',
    parse: (value) => (value === 'native' ? NATIVE_TOKEN : ethereumAddress.parse(textOf(value))),
    show: (value) => (value === NATIVE_TOKEN ? 'native' : value),
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Error(`must be an Ethereum address, 0x and 40 hex digits, not ${excerpt(value)}`)
}

/** How this node is paid. */
export const SETTLEMENT_KEYS = {
  'settlement.mode': key({
    kind: oneOf(SETTLEMENT_MODES),
    default: 'none',
    doc: 'How tasks are paid: `none` leaves it to you and your requesters, with what is owed in the receipts; `channel` takes vouchers of payment channels and redeems them.',
  }),
  'settlement.rpc': key({
    kind: list({ item: rpcUrl, max: 8 }),
    default: '',
    doc: 'Ethereum endpoints, of the chain of `chain.id`, in the order in which they are tried. Each is asked for the channels, and the most alarming answer counts: name two that are run by different people, since one alone is believed whatever it says.',
  }),
  'settlement.contract': key({
    kind: optionalAddress(),
    default: '',
    doc: "The contract of souk's channels, contracts/SoukChannels.sol. A node does not start on any other: its code on the chain is compared to the byte.",
  }),
  'settlement.token': key({ kind: token(), default: 'native', doc: 'What is paid in.' }),
  'settlement.payout': key({
    kind: optionalAddress(),
    default: '',
    doc: "Who receives what is earned: an address whose key is not on this machine. Left empty, the node's own key, which pays the gas in either case.",
  }),
  'settlement.payout_authorization': key({
    kind: optionalPath(),
    default: '',
    doc: 'The file in which that address authorises this node, as `souk wallet authorize-payout` prints it.',
  }),
  'settlement.confirmations': key({
    kind: integer({ min: 1, max: 10_000 }),
    default: '12',
    doc: 'How many blocks deep a deposit, or a transaction of this node, has to be until it counts.',
  }),
  'settlement.poll': key({
    kind: duration({ min: 50, max: 600_000 }),
    default: '12s',
    doc: 'How often the chain is looked at. A node whose contract leaves less than ten times this and ten minutes between the start of a close and its end does not start: it would redeem too late.',
  }),
  'settlement.redeem_gas_share': key({
    kind: decimal({ min: 0, max: 1 }),
    default: '0.02',
    doc: 'Vouchers are redeemed, all that are worth it in one transaction, when the gas costs no more than this fraction of the sum; those of a channel that is being closed, at once. For channels in a token, of which it is not known what it is worth in gas, it means nothing: they are redeemed when they are used up or being closed.',
  }),
  'settlement.credit_known': key({
    kind: wei(),
    default: '0',
    doc: 'What each requester in `peers.known` may owe. Without credit a task is paid before it runs.',
  }),
  'settlement.credit_unknown': key({
    kind: wei(),
    default: '0',
    doc: 'What all other requesters together may owe: it is what you risk, as keys cost nothing.',
  }),
}

/** The section of those keys. */
export const SETTLEMENT_SECTIONS = { settlement: 'How this node is paid.' } as const

type Values = { readonly [K in keyof typeof SETTLEMENT_KEYS]: ReturnType<(typeof SETTLEMENT_KEYS)[K]['kind']['parse']> }

/** How the node is paid, as it reads it. */
export type SettlementConfig =
  | { readonly mode: 'none' }
  | {
      readonly mode: 'channel'
      /** In the order in which they are tried. */
      readonly rpc: readonly string[]
      readonly contract: string
      readonly token: string
      /** Absent: the node's own address. */
      readonly payout?: string
      readonly payoutAuthorizationFile?: string
      readonly confirmations: number
      readonly pollMs: number
      /** In millionths. */
      readonly redeemGasSharePpm: bigint
      readonly creditKnownWei: bigint
      readonly creditUnknownWei: bigint
    }

export function settlementOf(values: Values): SettlementConfig {
  const contract = values['settlement.contract']
  const payout = values['settlement.payout']
  const payoutAuthorizationFile = values['settlement.payout_authorization']
  if (values['settlement.mode'] === 'none' || contract === undefined) return { mode: 'none' }
  return {
    mode: 'channel',
    rpc: values['settlement.rpc'],
    contract,
    token: values['settlement.token'],
    ...(payout !== undefined && { payout }),
    ...(payoutAuthorizationFile !== undefined && { payoutAuthorizationFile }),
    confirmations: values['settlement.confirmations'],
    pollMs: values['settlement.poll'],
    redeemGasSharePpm: BigInt(Math.round(values['settlement.redeem_gas_share'] * 1_000_000)),
    creditKnownWei: values['settlement.credit_known'],
    creditUnknownWei: values['settlement.credit_unknown'],
  }
}

/** What the keys lack together. */
export function settlementConflicts(
  values: Values & { readonly 'chain.id': number },
): readonly { readonly path: string; readonly message: string }[] {
  if (values['settlement.mode'] === 'none') return []
  const issues: { readonly path: string; readonly message: string }[] = []
  const needed = 'for settlement.mode channel'
  if (values['chain.id'] === 0)
    issues.push({ path: 'chain.id', message: `must be the id of the chain that is paid on, ${needed}` })
  if (values['settlement.rpc'].length === 0)
    issues.push({ path: 'settlement.rpc', message: `must have an endpoint, ${needed}` })
  if (values['settlement.contract'] === undefined)
    issues.push({ path: 'settlement.contract', message: `must be the address of the contract, ${needed}` })
  const hasPayout = values['settlement.payout'] !== undefined
  const hasAuthorization = values['settlement.payout_authorization'] !== undefined
  if (hasPayout && !hasAuthorization)
    issues.push({
      path: 'settlement.payout_authorization',
      message:
        'must be the file in which settlement.payout authorises this node: souk wallet authorize-payout makes it',
    })
  if (hasAuthorization && !hasPayout)
    issues.push({
      path: 'settlement.payout',
      message: 'must be the address that settlement.payout_authorization is of',
    })
  return issues
}
