import type { AccountProgress } from '../client/payments/account-transactions.ts'
import { openChannelAccount, type ChannelAccount, type ListedChannel } from '../client/payments/channel-account.ts'
import { openWallet } from '../client/payments/wallet.ts'
import { loadKey, loadOrCreateKey } from '../identity/key-file.ts'
import { NATIVE_TOKEN } from '../protocol/payment.ts'
import { formatWei } from '../protocol/units.ts'
import {
  addressOf,
  amountOf,
  confirmationsOf,
  contractOf,
  placeOf,
  tokenOf,
  type ChainOptions,
  type ChannelOptions,
} from './chain-options.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { writeJson } from './json-output.ts'
import { fieldLines, tableLines } from './render/table.ts'
import { usageError } from './usage-error.ts'
import { withFunds } from './with-funds.ts'

interface Request<O> {
  readonly cli: Cli
  readonly options: O
}

const POLL_MS = 1_000
const SHORT_ID_CHARACTERS = 18

export async function showWallet({ cli, options }: Request<ChainOptions>): Promise<number> {
  const token = tokenOf(options)
  return withAccount({ cli, options }, async ({ account, address, chainId, contract }) => {
    const { coinWei, tokenWei } = await account.balances(token)
    const channels = (await account.list()).filter(({ channel }) => channel.token === token)
    const sum = (of: (channel: ListedChannel) => bigint): bigint =>
      channels.reduce((total, channel) => total + of(channel), 0n)
    const open = channels.filter(({ closed }) => !closed).length
    const depositedWei = sum(({ onChain }) => onChain.depositWei)
    const signedWei = sum((channel) => channel.signedWei)
    const redeemedWei = sum(({ onChain }) => onChain.redeemedWei)
    const { stdout } = cli.terminal
    if (options.json === true) {
      const sums = { depositedWei, signedWei, redeemedWei }
      const balances = { coinWei: String(coinWei), tokenWei: String(tokenWei) }
      const document = {
        address,
        chainId,
        contract,
        token,
        ...balances,
        channels: { count: channels.length, open, ...textOf(sums) },
      }
      await writeJson({ stdout, document })
    } else {
      const shown = (amount: bigint): string => amountText(amount, token)
      const fields: readonly (readonly [string, string])[] = [
        ['address', address],
        ['chain', String(chainId)],
        ['balance', formatWei(coinWei)],
        ...(token === NATIVE_TOKEN ? [] : [[`of ${token}`, String(tokenWei)] as const]),
        ['channels', `${channels.length}, of which ${open} can be paid through`],
        ['deposited', shown(depositedWei)],
        ['signed away', shown(signedWei)],
        ['redeemed', shown(redeemedWei)],
      ]
      await stdout.write(`${fieldLines({ fields, name: stdout.colors.dim }).join('\n')}\n`)
    }
    return EXIT.success
  })
}

export function openChannel({
  cli,
  payee,
  options,
}: Request<ChannelOptions> & { readonly payee: string }): Promise<number> {
  const token = tokenOf(options)
  if (options.permit === true && token === NATIVE_TOKEN)
    throw usageError({
      message: "--permit is for tokens: the chain's own coin needs no approval.",
      argument: '--permit',
      hint: 'Name the token with --token, or leave --permit out.',
    })
  const request = {
    payee: addressOf({ value: payee, argument: 'PAYEE' }),
    ...(options.node !== undefined && { node: addressOf({ value: options.node, argument: '--node' }) }),
    token,
    depositWei: amountOf({ value: options.deposit ?? '', argument: '--deposit' }),
    permit: options.permit === true,
  }
  return withAccount({ cli, options }, async ({ account }) =>
    printChannel({ cli, options, channel: await account.open(request) }),
  )
}

export function topUpChannel({ cli, id, options }: Request<ChannelOptions> & { readonly id: string }): Promise<number> {
  const request = {
    channelId: idOf(id),
    amountWei: amountOf({ value: options.amount ?? '', argument: '--amount' }),
    permit: options.permit === true,
  }
  return withAccount({ cli, options }, async ({ account }) =>
    printChannel({ cli, options, channel: await account.topUp(request) }),
  )
}

export function closeChannel({ cli, id, options }: Request<ChannelOptions> & { readonly id: string }): Promise<number> {
  const asked = idOf(id)
  return withAccount({ cli, options }, async ({ account, onProgress }) => {
    const { channelId, channel } = account.find(asked)
    const { consentOf } = await import('./close-consent.ts')
    const consent = await consentOf({ cli, options, channelId, channel, onProgress })
    const closed = await account.close({ channelId, ...(consent !== undefined && { consent }) })
    return printChannel({ cli, options, channel: closed })
  })
}

export function listChannels({ cli, options }: Request<ChannelOptions>): Promise<number> {
  return withAccount({ cli, options }, async ({ account }) => {
    const channels = await account.list()
    if (channels.length > 0 || options.json === true) return printChannels({ cli, options, channels })
    await cli.terminal.stderr.write('there are no channels; `souk channel open` makes one\n')
    return EXIT.success
  })
}

export interface AuthorizeOptions extends ChainOptions {
  readonly days: string
}

/** Offline: the cold key's machine needs no network. */
export async function authorizePayout({
  cli,
  node,
  options,
}: Request<AuthorizeOptions> & { readonly node: string }): Promise<number> {
  const address = addressOf({ value: node, argument: 'NODE' })
  const at = contractOf({ cli, options })
  if (!/^[1-9]\d{0,3}$/.test(options.days))
    throw usageError({ message: '--days must be a whole number from 1 to 9999.', argument: '--days' })
  if (options.key === undefined)
    throw usageError({ message: '--key is missing: the file of the key of the payout address.', argument: '--key' })
  const key = await loadKey({ file: options.key })
  const { signPayoutAuthorization } = await import('../settlement/payout.ts')
  const expiryMs = Date.now() + Number(options.days) * 86_400_000
  const authorization = signPayoutAuthorization({
    authorization: { node: address, payout: key.address, expiryMs },
    at,
    key,
  })
  await cli.terminal.stdout.write(`${JSON.stringify(authorization)}\n`)
  return EXIT.success
}

interface Opened {
  readonly account: ChannelAccount
  readonly onProgress: AccountProgress
  readonly address: string
  readonly chainId: number
  readonly contract: string
}

async function withAccount(
  { cli, options }: Request<ChannelOptions>,
  work: (opened: Opened) => Promise<number>,
): Promise<number> {
  const place = placeOf({ cli, options })
  const confirmations = confirmationsOf(options)
  const key = await loadOrCreateKey({ file: options.key ?? cli.home.key })
  const { stderr } = cli.terminal
  const { dir } = cli.home
  const wallet = openWallet({ dir, key })
  const onProgress = (line: string): void => void stderr.write(`${stderr.colors.dim('souk')} ${line}\n`)
  try {
    const account = openChannelAccount({ place, key, wallet, dir, confirmations, pollMs: POLL_MS, onProgress })
    try {
      const { chainId, contract } = place
      const code = await work({ account, onProgress, address: key.address, chainId, contract })
      account.told()
      return code
    } catch (error) {
      const coinWei = async (): Promise<bigint> => (await account.balances(NATIVE_TOKEN)).coinWei
      throw await withFunds({ error, address: key.address, chainId: place.chainId, coinWei })
    } finally {
      await account.end()
    }
  } finally {
    wallet.close()
  }
}

function idOf(value: string): string {
  if (/^0x[0-9a-f]{8,64}$/.test(value)) return value
  throw usageError({
    message: 'CHANNEL must be the id of a channel, or its beginning: 0x and at least 8 hex digits.',
    argument: 'CHANNEL',
  })
}

async function printChannel({
  cli,
  options,
  channel,
}: Request<ChannelOptions> & { readonly channel: ListedChannel }): Promise<number> {
  if (options.json !== true) return printChannels({ cli, options, channels: [channel] })
  await writeJson({ stdout: cli.terminal.stdout, document: documentOf(channel) })
  return EXIT.success
}

async function printChannels({
  cli,
  options,
  channels,
}: Request<ChannelOptions> & { readonly channels: readonly ListedChannel[] }): Promise<number> {
  const { stdout } = cli.terminal
  if (options.json === true) {
    await writeJson({ stdout, document: { channels: channels.map(documentOf) } })
    return EXIT.success
  }
  const lines = tableLines({
    columns: [
      { title: 'CHANNEL' },
      { title: 'PAYEE', flexible: true },
      { title: 'STATE' },
      ...['DEPOSIT', 'SIGNED', 'REDEEMED'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows: channels.map(({ channelId, channel, onChain, signedWei }) => [
      channelId.slice(0, SHORT_ID_CHARACTERS),
      channel.payee,
      onChain.status,
      ...[onChain.depositWei, signedWei, onChain.redeemedWei].map((amount) => amountText(amount, channel.token)),
    ]),
    width: stdout.columns(),
    heading: stdout.colors.bold,
  })
  // Not in the table, which is to fit a terminal of 80 columns.
  const closing = channels.flatMap(({ channelId, onChain: { closesAtMs } }) =>
    closesAtMs === undefined
      ? []
      : [
          `${channelId.slice(0, SHORT_ID_CHARACTERS)} can be closed for good from ${new Date(closesAtMs).toISOString()} on`,
        ],
  )
  await stdout.write(`${[...lines, ...closing].join('\n')}\n`)
  return EXIT.success
}

/** A token's own unit is not known here. */
function amountText(amount: bigint, token: string): string {
  return token === NATIVE_TOKEN ? formatWei(amount) : String(amount)
}

function documentOf({ channelId, channel, contract, chainId, onChain, ...sumsOf }: ListedChannel) {
  const { signedWei, chargedWei, depositWei } = sumsOf
  const { status, closesAtMs } = onChain
  const sums = {
    depositWei: onChain.depositWei,
    confirmedWei: depositWei,
    chargedWei,
    signedWei,
    redeemedWei: onChain.redeemedWei,
  }
  return {
    channelId,
    chainId,
    contract,
    ...channel,
    status,
    ...(closesAtMs !== undefined && { closesAtMs }),
    ...textOf(sums),
  }
}

function textOf<K extends string>(amounts: Readonly<Record<K, bigint>>): Record<K, string> {
  return Object.fromEntries(Object.entries<bigint>(amounts).map(([name, amount]) => [name, String(amount)])) as Record<
    K,
    string
  >
}
