import type { Logger } from 'pino'
import { readTextFile } from '../artifacts/read-text-file.ts'
import type { Key } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import { payoutAuthorizationSchema, type PayoutAuthorization } from '../protocol/payment.ts'
import type { Chain } from '../settlement/chain.ts'
import type { ChannelSettler } from '../settlement/channel-settler.ts'
import { checkPayoutAuthorization } from '../settlement/payout.ts'
import type { Config } from './config/config.ts'
import type { Settler } from './payments/settler.ts'
import type { SettlementConfig } from './config/settlement-keys.ts'

type ChannelConfig = Extract<SettlementConfig, { readonly mode: 'channel' }>

/**
 * Constructs the settler of a node that is paid through channels; its transactions are stored in the data folder. It asks nothing of
 * the chain before it is started.
 *
 * @throws SoukError CONFIG_INVALID where the payout address has not authorised this node.
 */
export async function createSettlement({
  config,
  settlement,
  key,
  isKnown,
  logger,
}: {
  readonly config: Config
  readonly settlement: ChannelConfig
  readonly key: Key
  readonly isKnown: (requester: string) => boolean
  readonly logger: Logger
}): Promise<ChannelSettler> {
  const authorization = await authorizationOf({ settlement, chainId: config.chain.id, node: key.address })
  // ethers takes a while to load, and most nodes need none of it.
  const [{ openChain }, { openTransactionStore }, { createTransactionQueue }, { createChannelSettler }] =
    await Promise.all([
      import('../settlement/chain.ts'),
      import('../settlement/transaction-store.ts'),
      import('../settlement/transactions.ts'),
      import('../settlement/channel-settler.ts'),
    ])
  const { contract, token, payout, confirmations, pollMs } = settlement
  const onTrouble = (error: SoukError): void => logger.warn({ err: error }, 'settlement cannot go on for now')
  const chainOf = (endpoints: readonly string[]): Chain => openChain({ endpoints, chainId: config.chain.id })
  const chain = chainOf(settlement.rpc)
  // One client per endpoint, so that their answers about a channel can be compared with each other.
  const witnesses = settlement.rpc.length > 1 ? settlement.rpc.map((url) => chainOf([url])) : []
  const store = openTransactionStore({ dir: config.node.dataDir, chainId: config.chain.id, sender: key.address })
  const queue = createTransactionQueue({ chain, key, store, confirmations, pollMs, onTrouble })
  const settler = createChannelSettler({
    ...{ chain, queue, contract, token, confirmations, pollMs, onTrouble },
    ...(witnesses.length > 0 && { witnesses }),
    payee: payout ?? key.address,
    ...(authorization !== undefined && { authorization }),
    creditWei: (requester) => (isKnown(requester) ? settlement.creditKnownWei : settlement.creditUnknownWei),
    gasSharePpm: settlement.redeemGasSharePpm,
  })
  return {
    ...settler,
    async close() {
      await settler.close()
      store.close()
      for (const each of [chain, ...witnesses]) each.close()
    },
  }
}

/** The channel settler that the config asks for; undefined if the caller brings a settler of its own, or nothing is settled. */
export async function channelsOf(options: {
  readonly config: Config
  readonly key: Key
  readonly settler?: Settler
  readonly isKnown: (peer: string) => boolean
  readonly logger: Logger
}): Promise<ChannelSettler | undefined> {
  const { settlement } = options.config
  if (options.settler !== undefined || settlement.mode === 'none') return undefined
  return createSettlement({ ...options, settlement })
}

/** An authorization has a few hundred bytes. */
const MAX_AUTHORIZATION_BYTES = 10_000

async function authorizationOf({
  settlement: { contract, payout, payoutAuthorizationFile: file },
  chainId,
  node,
}: {
  readonly settlement: ChannelConfig
  readonly chainId: number
  readonly node: string
}): Promise<PayoutAuthorization | undefined> {
  // A node that is paid to its own address needs nobody's authorization.
  if (file === undefined || payout === undefined || payout === node) return undefined
  const wrong = (message: string, cause?: unknown): SoukError =>
    new SoukError({
      code: 'CONFIG_INVALID',
      message: `The configuration is not valid: settlement.payout_authorization ${message}`,
      details: { file, issues: [{ path: 'settlement.payout_authorization', message }] },
      hint: 'Have it made with `souk wallet authorize-payout`, with the key of settlement.payout.',
      cause,
    })
  let parsed: ReturnType<typeof payoutAuthorizationSchema.safeParse>
  try {
    const text = await readTextFile({ file, maxBytes: MAX_AUTHORIZATION_BYTES })
    parsed = payoutAuthorizationSchema.safeParse(JSON.parse(text))
  } catch (cause) {
    throw wrong(`cannot be read from ${file}: it ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  if (!parsed.success) throw wrong(`is no payout authorization in ${file}`)
  const authorization = parsed.data
  if (authorization.node !== node) throw wrong(`is for the node ${authorization.node}, and this one is ${node}`)
  if (authorization.payout !== payout) throw wrong(`is of ${authorization.payout}, not of settlement.payout, ${payout}`)
  const fault = checkPayoutAuthorization({ authorization, at: { chainId, contract }, nowMs: Date.now() })
  if (fault === 'expired') throw wrong(`has expired on ${new Date(authorization.expiryMs).toISOString()}`)
  if (fault !== undefined) throw wrong(`is not signed by ${payout} for the contract ${contract} on chain ${chainId}`)
  return authorization
}
