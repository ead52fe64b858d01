import type { ContractPlace } from '../client/payments/account-transactions.ts'
import { NATIVE_TOKEN } from '../protocol/payment.ts'
import { parseWei } from '../protocol/units.ts'
import type { Cli } from './cli.ts'
import { usageError } from './usage-error.ts'

/** Which chain a requester pays on, as the command line and the environment say it. */
export interface ChainOptions {
  readonly rpc?: readonly string[]
  readonly contract?: string
  readonly chainId?: string
  readonly token?: string
  readonly key?: string
  readonly json?: boolean
}

/** And which channel, and what is to be done with it. */
export interface ChannelOptions extends ChainOptions {
  readonly deposit?: string
  readonly node?: string
  readonly amount?: string
  readonly permit?: boolean
  readonly confirmations?: string
  readonly to?: string
  readonly bootstrap?: readonly string[]
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** @throws SoukError INVALID_USAGE where something is missing, or is not what it should be */
export function placeOf({ cli, options }: { readonly cli: Cli; readonly options: ChainOptions }): ContractPlace {
  const endpoints = (options.rpc ?? (cli.env['SOUK_RPC'] ?? '').split(',').map((item) => item.trim())).filter(
    (item) => item !== '',
  )
  if (endpoints.length === 0)
    throw usageError({
      message: 'No chain is known: --rpc is missing, and SOUK_RPC is not set.',
      argument: '--rpc',
      hint: 'Name a JSON-RPC endpoint, such as http://127.0.0.1:8545.',
    })
  for (const url of endpoints)
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw usageError({ message: '--rpc is no http:// or https:// URL.', argument: '--rpc' })
  return { endpoints, ...contractOf({ cli, options }) }
}

/** The contract and its chain, without an endpoint. @throws SoukError INVALID_USAGE */
export function contractOf({ cli, options }: { readonly cli: Cli; readonly options: ChainOptions }): {
  readonly contract: string
  readonly chainId: number
} {
  const contract = options.contract ?? cli.env['SOUK_CONTRACT'] ?? ''
  const chainId = options.chainId ?? cli.env['SOUK_CHAIN_ID'] ?? ''
  if (!/^[1-9]\d{0,14}$/.test(chainId))
    throw usageError({
      message: '--chain-id is missing or no number above 0, and SOUK_CHAIN_ID is not set.',
      argument: '--chain-id',
      hint: 'It is the EIP-155 id of the chain, 1 for Ethereum: what is signed for one chain holds on no other.',
    })
  if (contract === '')
    throw usageError({
      message: '--contract is missing, and SOUK_CONTRACT is not set.',
      argument: '--contract',
      hint: "It is the address of souk's channels on that chain: `souk offers --json` has the one that a provider is paid at.",
    })
  return { contract: addressOf({ value: contract, argument: '--contract' }), chainId: Number(chainId) }
}

/** Lower case. @throws SoukError INVALID_USAGE */
export function addressOf({ value, argument }: { readonly value: string; readonly argument: string }): string {
  if (!ADDRESS.test(value))
    throw usageError({
      message: `${argument} must be an Ethereum address, 0x and 40 hex digits.`,
      argument,
    })
  return value.toLowerCase()
}

export function tokenOf({ token = 'native' }: ChainOptions): string {
  return token === 'native' ? NATIVE_TOKEN : addressOf({ value: token, argument: '--token' })
}

/** How many blocks deep a transaction has to be. @throws SoukError INVALID_USAGE */
export function confirmationsOf({ confirmations = '12' }: { readonly confirmations?: string }): number {
  const blocks = Number(confirmations)
  if (Number.isInteger(blocks) && blocks >= 1 && blocks <= 10_000) return blocks
  throw usageError({
    message: '--confirmations must be a whole number from 1 to 10000.',
    argument: '--confirmations',
  })
}

/** @throws SoukError INVALID_USAGE where it is no amount */
export function weiOf({ value, argument }: { readonly value: string; readonly argument: string }): bigint {
  try {
    return parseWei(value)
  } catch (cause) {
    throw usageError({ message: `${argument} ${(cause as Error).message}.`, argument, cause })
  }
}

/** @throws SoukError INVALID_USAGE where it is no amount, or nothing */
export function amountOf({ value, argument }: { readonly value: string; readonly argument: string }): bigint {
  const amountWei = weiOf({ value, argument })
  if (amountWei === 0n) throw usageError({ message: `${argument} must be more than nothing.`, argument })
  return amountWei
}
