import { Buffer } from 'node:buffer'
import { keccak256 } from '../identity/keccak.ts'
import type { Chain } from './chain.ts'
import { CHANNELS_NAME, CHANNELS_VERSION, domainHashOf } from './channel-domain.ts'
import { contractRefused, OTHER_CHANNELS_HINT } from './contract-refused.ts'
import { SOUK_CHANNELS_DEPLOYED } from './contracts/souk-channels.ts'
import { immutablesOf } from './deployed-code.ts'

/** What is to be known of a contract before anything is paid through it. */
export interface ChannelContractFacts {
  /** From the start of a close by the payer alone to its end: in which the payee can still redeem. */
  readonly challengePeriodMs: number
}

const WORD_BYTES = 32
/** As the contract's constructor has it. */
const LONGEST_CHALLENGE_SECONDS = 365 * 86_400

/**
 * Looks whether the contract is the one of contracts/SoukChannels.sol, to the byte, made for that chain and that address: one that
 * is not could pay out whatever it likes, to whomever, or nothing to anybody.
 *
 * @throws SoukError CHAIN_REFUSED where it is another, or none; CHAIN_UNREACHABLE, WRONG_CHAIN
 */
export async function inspectChannelContract({
  chain,
  contract,
}: {
  readonly chain: Chain
  readonly contract: string
}): Promise<ChannelContractFacts> {
  const answer = await chain.code(contract)
  if (answer === '0x') throw refused(`there is no contract at ${contract}`)
  const challengePeriodMs = challengePeriodIn({ answer, contract, chainId: chain.chainId })
  if (challengePeriodMs === undefined) throw refused(`${contract} is not the contract of souk's channels`)
  return { challengePeriodMs }
}

/** Undefined where the code is another. */
function challengePeriodIn({
  answer,
  contract,
  chainId,
}: {
  readonly answer: string
  readonly contract: string
  readonly chainId: number
}): number | undefined {
  const immutables = immutablesOf({ answer, deployed: SOUK_CHANNELS_DEPLOYED })
  if (immutables === undefined) return undefined
  const { CHALLENGE_PERIOD: period, ...domain } = immutables
  // What OpenZeppelin's EIP712 keeps of the domain: with another one it would take other signatures.
  const expected: typeof domain = {
    _cachedDomainSeparator: Buffer.from(domainHashOf({ chainId, contract })).toString('hex'),
    _cachedChainId: wordOf(BigInt(chainId)),
    _cachedThis: wordOf(BigInt(contract)),
    _hashedName: Buffer.from(keccak256(Buffer.from(CHANNELS_NAME))).toString('hex'),
    _hashedVersion: Buffer.from(keccak256(Buffer.from(CHANNELS_VERSION))).toString('hex'),
    _name: shortString(CHANNELS_NAME),
    _version: shortString(CHANNELS_VERSION),
  }
  for (const name of Object.keys(expected) as (keyof typeof expected)[])
    if (domain[name] !== expected[name]) return undefined
  const seconds = Number(BigInt(`0x${period}`))
  return seconds > 0 && seconds <= LONGEST_CHALLENGE_SECONDS ? seconds * 1000 : undefined
}

const wordOf = (value: bigint): string => value.toString(16).padStart(2 * WORD_BYTES, '0')

/** Text of at most 31 bytes as OpenZeppelin's ShortStrings have it: the last byte is its length. */
function shortString(text: string): string {
  const word = Buffer.alloc(WORD_BYTES)
  word[WORD_BYTES - 1] = word.write(text)
  return word.toString('hex')
}

const refused = (reason: string): Error => contractRefused({ reason, hint: OTHER_CHANNELS_HINT })

/** The time that a payee takes at most from when it sees a close to when what it redeems is in a block: its endpoints may be away for a while, and blocks full. */
const REDEEMING_MS = 10 * 60_000
/** Looks at the chain in one challenge period, at least. */
const LOOKS = 10

/** The shortest challenge period in which a payee that looks so often redeems in time. */
export function leastChallengePeriodMs({ pollMs }: { readonly pollMs: number }): number {
  return LOOKS * pollMs + REDEEMING_MS
}

/**
 * Why a payee that looks so often is not to be paid through a contract with that challenge period; undefined where it can be.
 * It would see a close too late, and lose what it has not redeemed.
 */
export function challengePeriodFault({
  challengePeriodMs,
  pollMs,
}: {
  readonly challengePeriodMs: number
  readonly pollMs: number
}): string | undefined {
  const leastMs = leastChallengePeriodMs({ pollMs })
  if (challengePeriodMs >= leastMs) return undefined
  const [period, least] = [challengePeriodMs, leastMs].map((ms) => `${Math.ceil(ms / 1000)} s`)
  return `its challenge period is ${period}, and a node that looks at the chain every ${pollMs / 1000} s needs ${least} to redeem in time`
}
