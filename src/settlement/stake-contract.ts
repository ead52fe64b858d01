import type { Chain } from './chain.ts'
import { contractRefused } from './contract-refused.ts'
import { SOUK_STAKE_DEPLOYED } from './contracts/souk-stake.ts'
import { immutablesOf } from './deployed-code.ts'
import { RECEIPT_TYPE_HASHES, receiptTypeQuery } from './stake.ts'

/** What is to be known of a contract before anything is bonded there, or a bond there is believed in. */
export interface StakeContractFacts {
  /** From when the coins are asked for to when they can be had: in which they can still be lost. */
  readonly unbondingPeriodMs: number
}

/**
 * Looks whether the contract is the one of contracts/SoukStake.sol, to the byte, and reads every type of receipt that there is: one
 * that is not might keep the coins, and one that reads other receipts would slash nobody.
 *
 * @throws SoukError CHAIN_REFUSED where it is another, or none; CHAIN_UNREACHABLE, WRONG_CHAIN
 */
export async function inspectStakeContract({
  chain,
  contract,
}: {
  readonly chain: Chain
  readonly contract: string
}): Promise<StakeContractFacts> {
  const answer = await chain.code(contract)
  if (answer === '0x') throw refused(`there is no contract at ${contract}`)
  const immutables = immutablesOf({ answer, deployed: SOUK_STAKE_DEPLOYED })
  if (immutables === undefined) throw refused(`${contract} is not the contract of souk's stakes`)
  const known = await Promise.all(
    RECEIPT_TYPE_HASHES.map(async (typeHash) =>
      isTrue(await chain.call({ to: contract, data: receiptTypeQuery(typeHash).data })),
    ),
  )
  if (known.includes(false)) throw refused(`${contract} does not read the receipts of this version of souk`)
  return { unbondingPeriodMs: Number(BigInt(`0x${immutables.UNBONDING_PERIOD}`)) * 1000 }
}

const isTrue = (answer: string): boolean => /^0x0{63}1$/.test(answer)

const refused = (reason: string): Error =>
  contractRefused({ reason, hint: 'Correct --stake (or SOUK_STAKE), or name endpoints of the chain that it is on.' })
