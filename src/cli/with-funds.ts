import { isSoukError, SoukError } from '../protocol/errors.ts'
import { formatWei } from '../protocol/units.ts'

interface Request {
  readonly error: unknown
  /** Whose transaction it was. */
  readonly address: string
  readonly chainId: number
  /** What the account has of the chain's own coin. */
  readonly coinWei: () => Promise<bigint>
}

/** The error, and where the chain says that an account cannot pay for its transaction, which account and what it has. */
export async function withFunds({ error, address, chainId, coinWei }: Request): Promise<unknown> {
  if (!isSoukError(error, 'CHAIN_REFUSED') || !/insufficient funds/i.test(error.message)) return error
  const holdsWei = await coinWei().catch(() => undefined)
  const has = holdsWei === undefined ? '' : `, which has ${formatWei(holdsWei)}`
  const { message, details } = error
  return new SoukError({
    ...{ code: 'CHAIN_REFUSED', message, details, cause: error },
    hint: `Send coins of chain ${chainId} to ${address}${has}, for the amount and the gas; then give the same command again.`,
  })
}
