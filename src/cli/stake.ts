import { dirname } from 'node:path'
import { openStakeAccount, type NodeStake, type StakeAccount } from '../client/payments/stake-account.ts'
import { checkProof } from '../identity/check-proof.ts'
import { loadOrCreateKey, type Key } from '../identity/key-file.ts'
import { formatDurationMs, formatWei } from '../protocol/units.ts'
import { addressOf, amountOf, confirmationsOf, placeOf, type ChainOptions } from './chain-options.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { writeJson } from './json-output.ts'
import { readDocuments } from './read-documents.ts'
import { fieldLines } from './render/table.ts'
import { usageError } from './usage-error.ts'
import { withFunds } from './with-funds.ts'

export interface StakeOptions extends Omit<ChainOptions, 'contract' | 'token'> {
  /** The contract. */
  readonly stake?: string
  readonly amount?: string
  readonly beneficiary?: string
  readonly confirmations?: string
}

interface Request {
  readonly cli: Cli
  readonly options: StakeOptions
}

type OfNode = Request & { readonly node: string | undefined }

const POLL_MS = 1_000

export const showStake = (request: OfNode): Promise<number> =>
  withNode(request, ({ account, node }) => account.read(node))

export const unbond = (request: OfNode): Promise<number> =>
  withNode(request, ({ account, node }) => account.startUnbonding(node))

export const withdraw = (request: OfNode): Promise<number> =>
  withNode(request, ({ account, node }) => account.withdraw(node))

export function bond(request: Request): Promise<number> {
  const { amount = '', beneficiary } = request.options
  const amountWei = amountOf({ value: amount, argument: '--amount' })
  const to = beneficiary === undefined ? undefined : addressOf({ value: beneficiary, argument: '--beneficiary' })
  return withAccount(request, ({ account, key }) => account.bond({ amountWei, beneficiary: to ?? key.address }))
}

export async function slash({ file, ...request }: Request & { readonly file: string }): Promise<number> {
  const [document, ...more] = await readDocuments({ file })
  const proven = more.length === 0 ? checkProof(document) : undefined
  if (proven?.kind !== 'equivocation')
    throw usageError({
      message:
        'PROOF is no proof of an equivocation: only who has signed two results of one task loses what it has bonded.',
      argument: 'PROOF',
      hint: '`souk verify` says what a file proves.',
    })
  const { receipts } = proven.proof
  return withAccount(request, ({ account }) => account.slash(receipts))
}

interface Opened {
  readonly account: StakeAccount
  readonly key: Key
}

function withNode(
  request: OfNode,
  work: (opened: Opened & { readonly node: string }) => Promise<NodeStake>,
): Promise<number> {
  const node = request.node === undefined ? undefined : addressOf({ value: request.node, argument: 'NODE' })
  return withAccount(request, ({ account, key }) => work({ account, key, node: node ?? key.address }))
}

async function withAccount({ cli, options }: Request, work: (opened: Opened) => Promise<NodeStake>): Promise<number> {
  const { stake = cli.env['SOUK_STAKE'] ?? '', ...chain } = options
  if (stake === '')
    throw usageError({
      message: '--stake is missing, and SOUK_STAKE is not set.',
      argument: '--stake',
      hint: "It is the address of the contract of souk's stakes on that chain.",
    })
  const contract = addressOf({ value: stake, argument: '--stake' })
  const place = placeOf({ cli, options: { ...chain, contract } })
  const confirmations = confirmationsOf(options)
  const file = options.key ?? cli.home.key
  const key = await loadOrCreateKey({ file })
  const { stderr } = cli.terminal
  const onProgress = (line: string): void => void stderr.write(`${stderr.colors.dim('souk')} ${line}\n`)
  const account = openStakeAccount({ place, key, dir: dirname(file), confirmations, pollMs: POLL_MS, onProgress })
  try {
    await print({ cli, options, chainId: place.chainId, contract, stake: await work({ account, key }) })
    account.told()
    return EXIT.success
  } catch (error) {
    throw await withFunds({ error, address: key.address, chainId: place.chainId, coinWei: account.coinWei })
  } finally {
    await account.end()
  }
}

async function print({
  cli: {
    terminal: { stdout },
  },
  options,
  chainId,
  contract,
  stake: { amountWei, ...stake },
}: Request & { readonly chainId: number; readonly contract: string; readonly stake: NodeStake }): Promise<void> {
  if (options.json === true)
    return writeJson({ stdout, document: { chainId, contract, ...stake, amountWei: String(amountWei) } })
  const { node, beneficiary, withdrawableAtMs, slashed, unbondingPeriodMs } = stake
  const fields: readonly (readonly [string, string])[] = [
    ['node', node],
    ['bonded', formatWei(amountWei)],
    ...(beneficiary === undefined ? [] : [['goes back to', beneficiary] as const]),
    ...(withdrawableAtMs === undefined ? [] : [['can be had from', new Date(withdrawableAtMs).toISOString()] as const]),
    ...(slashed ? [['slashed', 'it has signed two results of one task'] as const] : []),
    ['unbonding takes', formatDurationMs(unbondingPeriodMs)],
  ]
  await stdout.write(`${fieldLines({ fields, name: stdout.colors.dim }).join('\n')}\n`)
}
