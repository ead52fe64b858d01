import { setTimeout as sleep } from 'node:timers/promises'
import { RegistryProblem, RegistryTrouble } from './registry-errors.ts'

/** What is over soon, by its code; a host that is not known, or not there, is so for longer. */
const PASSING = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT'])

/** How patient one is with a registry. */
export interface RegistryPatience {
  /** How long no byte may come. */
  readonly stallTimeoutMs: number
  /** How long to wait before each further try; as many as there are. */
  readonly retryDelaysMs: readonly number[]
}

export const PATIENCE: RegistryPatience = { stallTimeoutMs: 30_000, retryDelaysMs: [250, 1_000, 4_000] }
/** A registry that wants to be left alone for longer is out of order. */
const MAX_RETRY_AFTER_MS = 30_000

/** One answer: its head, and its body as it comes. Whoever does not read the body to its end has to `discard` it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** @throws RegistryTrouble where it breaks off or stalls; the signal's reason */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>
  discard(): Promise<void>
}

/**
 * Asks once, following nothing.
 * @throws RegistryTrouble where nobody answers; the signal's reason
 */
export async function exchange({
  url,
  headers,
  patience: { stallTimeoutMs },
  signal,
}: {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly patience: RegistryPatience
  readonly signal: AbortSignal
}): Promise<Answer> {
  signal.throwIfAborted()
  const stalled = new AbortController()
  /** Waits for the registry, and no longer than is borne; what is done with its bytes meanwhile takes its time. */
  const wait = async <T>(answer: Promise<T>, answered: boolean): Promise<T> => {
    const timer = setTimeout(() => stalled.abort(), stallTimeoutMs)
    try {
      return await answer
    } catch (cause) {
      signal.throwIfAborted()
      if (stalled.signal.aborted)
        throw new RegistryTrouble(`said nothing for ${stallTimeoutMs / 1000} s`, { answered, cause })
      if (answered) throw new RegistryTrouble('broke off', { answered, cause })
      const reason = reasonOf(cause)
      const passing = PASSING.has(reason)
      throw new RegistryTrouble(`does not answer (${reason})`, { answered, passing, cause })
    } finally {
      clearTimeout(timer)
    }
  }
  const {
    status,
    headers: answerHeaders,
    body,
  } = await wait(
    fetch(url, {
      headers: { ...headers, 'user-agent': 'souk', 'accept-encoding': 'identity' },
      redirect: 'manual',
      signal: AbortSignal.any([signal, stalled.signal]),
    }),
    false,
  )
  // Ends the connection, too, where something of it is still to come.
  const discard = async (): Promise<void> => body?.cancel().catch(() => undefined)
  if ((answerHeaders.get('content-encoding') ?? 'identity') !== 'identity') {
    await discard()
    throw new RegistryProblem('the registry compresses what it was asked to give as it is')
  }
  return {
    status,
    headers: answerHeaders,
    discard,
    async *chunks() {
      const reader = body?.getReader()
      try {
        for (;;) {
          const read = reader && (await wait(reader.read(), true))
          if (read === undefined || read.done) return
          yield read.value
        }
      } finally {
        await reader?.cancel().catch(() => undefined)
      }
    },
  }
}

/** What fetch keeps in causes: ECONNREFUSED, a certificate that is not trusted. No header is in it. */
function reasonOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && typeof code === 'string') return code
  }
  return 'the connection failed'
}

/** Does something again that a registry's troubles ended, a bounded number of times as long as it makes no progress. */
export async function withRetries<T>(
  { patience: { retryDelaysMs }, signal }: { readonly patience: RegistryPatience; readonly signal: AbortSignal },
  attempt: (progress: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0
  for (;;) {
    try {
      return await attempt(() => {
        failures = 0
      })
    } catch (thrown) {
      const delayMs = retryDelaysMs[failures++]
      if (!(thrown instanceof RegistryTrouble) || delayMs === undefined) throw thrown
      if (!thrown.passing || thrown.retryAfterMs > MAX_RETRY_AFTER_MS) throw thrown
      await sleep(Math.max(delayMs, thrown.retryAfterMs), undefined, { signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : error
      })
    }
  }
}
