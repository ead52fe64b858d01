import { SoukError } from '../../protocol/errors.ts'
import type { ProviderQuote } from '../check-quote.ts'
import type { Client } from '../connect.ts'
import type { LoadedTask } from '../load-task.ts'

/** One provider's answer. */
export type QuoteAnswer = { readonly multiaddr: string } & (
  | { readonly client: Client; readonly offered: ProviderQuote; readonly error?: never }
  /** REFUSED with every reason; or why there is no answer. */
  | {
      readonly provider?: string
      readonly error: SoukError
      readonly offered?: never
      /** It might have answered yet: others were enough. */
      readonly cutShort?: true
    }
)

export interface QuoteAllOptions {
  /** In the order in which they are asked. */
  readonly multiaddrs: readonly string[]
  /** The connection with a provider, kept or new. */
  readonly clientOf: (multiaddr: string, signal: AbortSignal) => Promise<Client>
  readonly task: LoadedTask
  /** How long one may take; all together may take {@link MOST_ROUNDS} times as long. */
  readonly timeoutMs: number
  /** So many who offer to run it are enough to wait no longer for slow ones than {@link restMsAfter} says; all are waited for where absent. */
  readonly enough?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** How many providers are asked at once. */
const AT_ONCE = 64
/** Publishing dead addresses costs nothing, so all providers together get only so many times the timeout of one. */
const MOST_ROUNDS = 4
/** Enough for a provider anywhere on earth to answer. */
const LEAST_REST_MS = 500

/** How much longer others are waited for when enough have answered: as long again, so that those a little farther away count, too. */
const restMsAfter = (elapsedMs: number): number => Math.max(LEAST_REST_MS, elapsedMs)

/**
 * Asks many providers at once what a task would be run for. Resolves when each has answered, or its time is over; the answers are
 * in the order of the addresses. Never rejects, but with the signal's reason.
 */
export async function quoteAll(options: QuoteAllOptions): Promise<readonly QuoteAnswer[]> {
  const { multiaddrs, clientOf, task, timeoutMs, enough = Infinity, signal } = options
  const startedAtMs = performance.now()
  const answers: QuoteAnswer[] = []
  const pending = [...multiaddrs.entries()]
  const ended = new AbortController()
  const whole = AbortSignal.timeout(MOST_ROUNDS * timeoutMs)
  const overall = AbortSignal.any([ended.signal, whole, ...(signal === undefined ? [] : [signal])])
  let offers = 0
  let rest: NodeJS.Timeout | undefined

  const ask = async (multiaddr: string): Promise<QuoteAnswer> => {
    const stop = AbortSignal.any([overall, AbortSignal.timeout(timeoutMs)])
    let provider: string | undefined
    try {
      stop.throwIfAborted()
      const client = await clientOf(multiaddr, stop)
      provider = client.provider
      return { multiaddr, client, offered: await client.quote({ task, signal: stop }) }
    } catch (thrown) {
      signal?.throwIfAborted()
      const error = stop.aborted
        ? noAnswer({ multiaddr, afterMs: Math.round(performance.now() - startedAtMs), cause: thrown })
        : SoukError.from(thrown)
      const cutShort = ended.signal.aborted && stop.reason === ended.signal.reason
      return { multiaddr, error, ...(provider !== undefined && { provider }), ...(cutShort && { cutShort }) }
    }
  }
  const worker = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [index, multiaddr] = next
      const answer = await ask(multiaddr)
      answers[index] = answer
      if (answer.offered === undefined || BigInt(answer.offered.quote.maxPriceWei) > BigInt(task.spec.maxPriceWei))
        continue
      offers += 1
      if (offers >= enough) rest ??= setTimeout(() => ended.abort(), restMsAfter(performance.now() - startedAtMs))
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, multiaddrs.length) }, worker))
    return answers
  } finally {
    clearTimeout(rest)
  }
}

function noAnswer({
  multiaddr,
  afterMs,
  cause,
}: {
  readonly multiaddr: string
  readonly afterMs: number
  readonly cause: unknown
}): SoukError<'UNREACHABLE'> {
  return new SoukError({
    code: 'UNREACHABLE',
    message: `No quote from ${multiaddr}: it had not answered after ${afterMs} ms.`,
    details: { address: multiaddr },
    cause,
  })
}
