import { SoukError } from '../../protocol/errors.ts'
import type { ProviderQuote } from '../check-quote.ts'
import type { Client } from '../connect.ts'
import type { LoadedTask } from '../load-task.ts'

/** One provider's answer. */
export type QuoteAnswer = { readonly multiaddr: string } & (
  | { readonly client: Client; readonly offered: ProviderQuote; readonly error?: never }
  /** REFUSED with every reason; or why there is no answer. */
  | { readonly provider?: string; readonly error: SoukError; readonly offered?: never }
)

/** So many are asked at once. */
const AT_ONCE = 64

/**
 * Asks many providers at once what a task would be run for. Resolves when each has answered, or `timeoutMs` are over for it;
 * the answers are in the order of the addresses. Never rejects, but with the signal's reason.
 */
export async function quoteAll({
  multiaddrs,
  clientOf,
  task,
  timeoutMs,
  signal,
}: {
  readonly multiaddrs: readonly string[]
  /** The connection with a provider, kept or new. */
  readonly clientOf: (multiaddr: string, signal: AbortSignal) => Promise<Client>
  readonly task: LoadedTask
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}): Promise<readonly QuoteAnswer[]> {
  const answers: QuoteAnswer[] = []
  const pending = [...multiaddrs.entries()]
  const ask = async (multiaddr: string): Promise<QuoteAnswer> => {
    const timeout = AbortSignal.timeout(timeoutMs)
    const stop = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    let provider: string | undefined
    try {
      const client = await clientOf(multiaddr, stop)
      provider = client.provider
      return { multiaddr, client, offered: await client.quote({ task, signal: stop }) }
    } catch (thrown) {
      signal?.throwIfAborted()
      const error = timeout.aborted ? noAnswer({ multiaddr, timeoutMs, cause: thrown }) : SoukError.from(thrown)
      return { multiaddr, error, ...(provider !== undefined && { provider }) }
    }
  }
  const worker = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const [index, multiaddr] = next
      answers[index] = await ask(multiaddr)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, multiaddrs.length) }, worker))
  return answers
}

function noAnswer({
  multiaddr,
  timeoutMs,
  cause,
}: {
  readonly multiaddr: string
  readonly timeoutMs: number
  readonly cause: unknown
}): SoukError<'UNREACHABLE'> {
  return new SoukError({
    code: 'UNREACHABLE',
    message: `No quote from ${multiaddr}: it did not answer within ${timeoutMs} ms.`,
    details: { address: multiaddr },
    cause,
  })
}
