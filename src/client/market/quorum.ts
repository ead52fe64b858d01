import { differencesOf, resultKeyOf, termsKeyOf, termsKeyOfReceipt, whyNotCounted } from '../../identity/comparison.ts'
import { disagreementOf, type DisagreementProof } from '../../identity/proofs.ts'
import { SoukError } from '../../protocol/errors.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { LoadedTask } from '../resolve-draft.ts'

/** A provider that the task can be given to. */
export interface QuorumCandidate {
  /** The address of its key. */
  readonly provider: string
  /** The address that it is paid to, where that is another: providers with the same are one. */
  readonly payout?: string
  /** What it has quoted, where it has: only runs on the same engine with the same limits can be compared. */
  readonly terms?: { readonly engine: string; readonly limits: Receipt['limits'] }
  /** Whether a run of it may have to be paid. */
  readonly costs?: boolean
}

/** What one provider came to say. */
export interface Said<Candidate> {
  readonly candidate: Candidate
  /** In a few words, for a person. */
  readonly what: string
}

/** Providers have signed different things. */
export interface Disagreement {
  readonly proof: DisagreementProof
  /** Addresses of the providers whose word was taken; none where no result had a majority. */
  readonly agreeing: readonly string[]
  /** Addresses of those that said something else, and in what it differs from the result that was taken, or from the first. */
  readonly differing: readonly { readonly provider: string; readonly parts: readonly string[] }[]
}

export interface QuorumOptions<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }> {
  readonly task: Pick<LoadedTask, 'spec' | 'bytes'>
  /** How many providers run it. */
  readonly providers: number
  /** The best one first. */
  readonly candidates: readonly Candidate[]
  /**
   * Has the task run, and resolves to a result whose receipt was verified: it is this provider's, about this task.
   * @throws SoukError where it was refused, or came to nothing; that costs nothing
   */
  readonly runOn: (candidate: Candidate, signal: AbortSignal) => Promise<Result>
  /** Told before the result is: so that what proves it is kept whatever comes next. */
  readonly onDisagreement: (disagreement: Disagreement) => void | Promise<void>
  readonly signal?: AbortSignal
}

export interface QuorumResult<Candidate, Result> {
  /** That of the candidate that comes first among those who agree. */
  readonly result: Result
  readonly agreeing: readonly Candidate[]
  readonly said: readonly Said<Candidate>[]
  readonly disagreement?: Disagreement
}

interface Vote<Candidate, Result> {
  readonly candidate: Candidate
  readonly result: Result
}

const MAY_BE_PAID: ReadonlySet<SoukError['code']> = new Set([
  'CONNECTION_LOST',
  'PROTOCOL_ERROR',
  'RECEIPT_INVALID',
  'RESOURCE_LIMIT',
] as const)

/**
 * Whether a task that came to no result may have to be paid all the same: it may go on over there and come to a receipt, or was paid for before
 * it was found that what it put out is not what its receipt says.
 */
export function mayBePaid({ code }: SoukError): boolean {
  return MAY_BE_PAID.has(code)
}

/** Of one place in the quorum, so that what does not count cannot be paid for again and again. */
const MOST_RECEIPTS_PER_PLACE = 2

/**
 * Has a deterministic task run by several providers at once, no two of them paid to one address, and takes what more than
 * half of `providers` say. Who refuses, fails, or comes to an end that says nothing (a time limit, say), or ran it on other
 * terms than it had quoted, is replaced by the next candidate; at most twice as many receipts as providers are paid for, those of providers that were lost
 * on the way included.
 *
 * @throws SoukError NO_QUORUM with what each said; the signal's reason
 */
export async function runQuorum<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }>(
  options: QuorumOptions<Candidate, Result>,
): Promise<QuorumResult<Candidate, Result>> {
  const { providers, runOn } = options
  const needed = Math.floor(providers / 2) + 1
  const said: Said<Candidate>[] = []
  const waiting = comparableOf(options)
  if (waiting.length < providers) throw tooFew({ wanted: providers, needed, found: waiting.length })
  const abort = new AbortController()
  const signal = AbortSignal.any([abort.signal, ...(options.signal === undefined ? [] : [options.signal])])

  /** What of one place in the quorum comes to count; undefined where nobody is left who could take it. */
  async function fill(): Promise<Vote<Candidate, Result> | undefined> {
    let receipts = 0
    while (receipts < MOST_RECEIPTS_PER_PLACE) {
      const candidate = waiting.shift()
      if (candidate === undefined) return undefined
      let result: Result
      try {
        result = await runOn(candidate, signal)
      } catch (thrown) {
        signal.throwIfAborted()
        if (!(thrown instanceof SoukError)) throw thrown
        said.push({ candidate, what: `${thrown.code}: ${thrown.message}` })
        if (mayBePaid(SoukError.from(thrown))) receipts += 1
        continue
      }
      signal.throwIfAborted()
      receipts += 1
      const { receipt } = result
      const why = whyNotCounted(receipt) ?? otherTerms(candidate, receipt)
      said.push({ candidate, what: `${summaryOf(receipt)}${why === undefined ? '' : ` (not counted: ${why})`}` })
      if (why === undefined) return { candidate, result }
    }
    return undefined
  }

  const places = Array.from({ length: providers }, async () => {
    try {
      return await fill()
    } catch (thrown) {
      abort.abort(thrown)
      throw thrown
    }
  })
  await Promise.allSettled(places)
  const votes = (await Promise.all(places)).filter((vote) => vote !== undefined)
  const ordered = inOrder(votes, options.candidates)
  const [largest = []] = groupsOf(ordered)
  const accepted = largest.length >= needed ? largest : []
  const disagreement = disagreementIn({ ...options, votes: ordered, accepted })
  if (disagreement !== undefined) await options.onDisagreement(disagreement)
  const [first] = accepted
  if (first === undefined) throw noQuorum({ wanted: providers, needed, agreed: largest.length, said })
  return {
    result: first.result,
    agreeing: accepted.map(({ candidate }) => candidate),
    said,
    ...(disagreement !== undefined && { disagreement }),
  }
}

/**
 * The candidates that can be held against each other: those on the terms of the first one of whose kind there are enough,
 * each payout address and each provider once.
 */
function comparableOf<Candidate extends QuorumCandidate>({
  candidates,
  providers,
}: {
  readonly candidates: readonly Candidate[]
  readonly providers: number
}): Candidate[] {
  const byTerms = Map.groupBy(distinct(candidates), ({ terms }) => (terms === undefined ? '' : termsKeyOf(terms)))
  const kinds = [...byTerms.values()]
  const enough = kinds.find((kind) => kind.length >= providers)
  return [...(enough ?? kinds.toSorted((a, b) => b.length - a.length)[0] ?? [])]
}

function distinct<Candidate extends QuorumCandidate>(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>()
  return candidates.filter(({ provider, payout = provider }) => {
    if (seen.has(provider) || seen.has(payout)) return false
    seen.add(provider).add(payout)
    return true
  })
}

function otherTerms({ terms }: QuorumCandidate, receipt: Receipt): string | undefined {
  if (terms === undefined || termsKeyOf(terms) === termsKeyOfReceipt(receipt)) return undefined
  return 'it ran on another engine or with other limits than were quoted'
}

function inOrder<Candidate, Result>(
  votes: readonly Vote<Candidate, Result>[],
  candidates: readonly Candidate[],
): readonly Vote<Candidate, Result>[] {
  return votes.toSorted((a, b) => candidates.indexOf(a.candidate) - candidates.indexOf(b.candidate))
}

/** Votes that can be compared and say the same, the most first; of as many, those with the better candidate. */
function groupsOf<Candidate, Result extends { readonly receipt: Receipt }>(
  votes: readonly Vote<Candidate, Result>[],
): readonly (readonly Vote<Candidate, Result>[])[] {
  const groups = Map.groupBy(
    votes,
    ({ result: { receipt } }) => `${termsKeyOfReceipt(receipt)} ${resultKeyOf(receipt)}`,
  )
  return [...groups.values()].toSorted((a, b) => b.length - a.length)
}

/** What is proven of those who can be compared with the result that was taken; of all of one kind where none was. */
function disagreementIn<Candidate extends QuorumCandidate, Result extends { readonly receipt: Receipt }>({
  task,
  votes,
  accepted,
}: {
  readonly task: Pick<LoadedTask, 'spec' | 'bytes'>
  readonly votes: readonly Vote<Candidate, Result>[]
  readonly accepted: readonly Vote<Candidate, Result>[]
}): Disagreement | undefined {
  const byTerms = [...Map.groupBy(votes, ({ result }) => termsKeyOfReceipt(result.receipt)).values()]
  for (const comparable of byTerms) {
    const [first] = comparable
    if (first === undefined) continue
    const taken = comparable.filter((vote) => accepted.includes(vote))
    const reference = (taken[0] ?? first).result.receipt
    const differing = comparable
      .map(({ candidate, result }) => ({
        provider: candidate.provider,
        parts: differencesOf(reference, result.receipt),
      }))
      .filter(({ parts }) => parts.length > 0)
    if (differing.length === 0) continue
    const proof = disagreementOf({ task, receipts: comparable.map(({ result }) => result.receipt) })
    return { proof, agreeing: taken.map(({ candidate }) => candidate.provider), differing }
  }
  return undefined
}

function summaryOf({ outcome, stdout, outputs, usage }: Receipt): string {
  const how = Object.values<string | number>(outcome).join(' ')
  const fuel = usage.fuelUsed === undefined ? '' : `, fuel ${usage.fuelUsed}`
  return `${how}, stdout ${stdout.sha256.slice(0, 12)}…, ${outputs.length === 1 ? '1 output' : `${outputs.length} outputs`}${fuel}`
}

/** Long enough for a person to see why; what a provider says is a stranger's text. */
const SAID_CHARACTERS = 500

function noQuorum<Candidate extends QuorumCandidate>({
  wanted,
  needed,
  agreed,
  said,
}: {
  readonly wanted: number
  readonly needed: number
  readonly agreed: number
  readonly said: readonly Said<Candidate>[]
}): SoukError<'NO_QUORUM'> {
  return new SoukError({
    code: 'NO_QUORUM',
    message: `Of ${wanted} providers ${needed} have to say the same; no more than ${agreed} did.`,
    details: {
      needed,
      agreed,
      said: said.map(({ candidate, what }) => ({
        provider: candidate.provider,
        what: what.length > SAID_CHARACTERS ? `${what.slice(0, SAID_CHARACTERS)}…` : what,
      })),
    },
  })
}

function tooFew({
  wanted,
  needed,
  found,
}: {
  readonly wanted: number
  readonly needed: number
  readonly found: number
}): SoukError<'NO_QUORUM'> {
  return new SoukError({
    code: 'NO_QUORUM',
    message: `The task is to be run by ${wanted} providers, each paid to another address, on the same engine and with the same limits; there are ${found}. Nothing was run.`,
    details: { needed, agreed: 0, said: [] },
    hint: 'Name in the task the limits that it needs (resources, timeouts), so that all apply the same; or ask fewer providers.',
  })
}
