import { FetchRequest, JsonRpcProvider, Network, type FetchCancelSignal, type GetUrlResponse } from 'ethers'
import { SoukError } from '../protocol/errors.ts'

/** No answer that souk asks for is longer: a block's header and hashes, a receipt, the logs of a range. */
const MAX_ANSWER_BYTES = 4 * 1024 ** 2
const MAX_REASON_CHARACTERS = 300

/** Why a chain does not take something; `other` is whatever the endpoint said. */
export type ChainRefusal = 'nonceTooLow' | 'underpriced' | 'known' | 'insufficientFunds' | 'reverted' | 'other'

/** An endpoint that gave no answer, or none that is one: another endpoint may. */
export class EndpointFailure extends Error {
  override readonly name = 'EndpointFailure'
}

export interface Endpoint {
  /** Scheme, host and port: paths and logins of endpoints are secrets. */
  readonly name: string
  /**
   * @throws EndpointFailure where it does not answer in time, or with something else than JSON-RPC.
   * @throws SoukError CHAIN_REFUSED with what it answered where that is an error.
   */
  send(method: string, params: readonly unknown[]): Promise<unknown>
  close(): void
}

/**
 * One JSON-RPC endpoint over HTTP. Answers are never cached (within ethers' cache of 250 ms a nonce would be used twice),
 * requests never batched, redirects never followed.
 */
export function openEndpoint({
  url,
  chainId,
  timeoutMs,
}: {
  readonly url: string
  /** What signatures are bound to; the endpoint is not asked here. */
  readonly chainId: number
  readonly timeoutMs: number
}): Endpoint {
  const { address, authorization, name } = partsOf(url)
  const request = new FetchRequest(address)
  request.timeout = timeoutMs
  // Waiting is up to the caller, who has other endpoints.
  request.setThrottleParams({ maxAttempts: 1, slotInterval: 1 })
  if (authorization !== undefined) request.setHeader('authorization', authorization)
  request.getUrlFunc = (sent, signal) => exchange({ request: sent, signal, timeoutMs })
  const provider = new JsonRpcProvider(request, chainId, {
    staticNetwork: Network.from(chainId),
    cacheTimeout: -1,
    batchMaxCount: 1,
  })
  return {
    name,
    async send(method, params) {
      try {
        return (await provider.send(method, [...params])) as unknown
      } catch (thrown) {
        throw failureOf(thrown)
      }
    },
    close: () => provider.destroy(),
  }
}

function partsOf(url: string) {
  const parsed = new URL(url)
  const { username, password, origin } = parsed
  parsed.username = ''
  parsed.password = ''
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    address: parsed.href,
    name: origin,
    authorization: username === '' ? undefined : `Basic ${Buffer.from(login).toString('base64')}`,
  }
}

/** One HTTP exchange, bounded in time and in what is read. */
async function exchange({
  request,
  signal,
  timeoutMs,
}: {
  readonly request: FetchRequest
  readonly signal: FetchCancelSignal | undefined
  readonly timeoutMs: number
}): Promise<GetUrlResponse> {
  const cancelled = new AbortController()
  signal?.addListener(() => cancelled.abort())
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    ...(request.body !== null && { body: Buffer.from(request.body) }),
    redirect: 'manual',
    signal: AbortSignal.any([cancelled.signal, AbortSignal.timeout(timeoutMs)]),
  })
  const chunks: Uint8Array[] = []
  let bytes = 0
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES) throw new EndpointFailure(`its answer has more than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  if (response.status !== 200) throw new EndpointFailure(`it answered HTTP ${response.status}`)
  return { statusCode: 200, statusMessage: 'OK', headers: {}, body: Buffer.concat(chunks) }
}

interface RpcError {
  readonly code?: unknown
  readonly message?: unknown
}

/** "Limit exceeded": of this endpoint's customers, not of the chain (EIP-1474). */
const LIMIT_EXCEEDED = -32_005

function failureOf(thrown: unknown): Error {
  if (thrown instanceof EndpointFailure) return thrown
  const answered = rpcErrorOf(thrown)
  const said = typeof answered?.message === 'string' ? answered.message.slice(0, MAX_REASON_CHARACTERS) : ''
  if (answered === undefined || answered.code === LIMIT_EXCEEDED) {
    const reason = said !== '' ? said : thrown instanceof Error ? reasonOf(thrown) : String(thrown)
    return new EndpointFailure(reason.slice(0, MAX_REASON_CHARACTERS), { cause: thrown })
  }
  const kind = refusalOf(answered.code, said)
  const reason = said === '' ? 'it gave no reason' : said
  return new SoukError({
    code: 'CHAIN_REFUSED',
    message: `The chain refuses: ${reason}`,
    details: { kind, reason },
    cause: thrown,
  })
}

/** The error object of JSON-RPC that ethers has put into its own error; undefined where there was none. */
function rpcErrorOf(thrown: unknown): RpcError | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  const { info, error } = thrown as { readonly info?: { readonly error?: unknown } | null; readonly error?: unknown }
  const found = info?.error ?? error
  return typeof found === 'object' && found !== null && !(found instanceof Error) ? found : undefined
}

/** What fetch itself says is "fetch failed"; why is in the cause. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

/** Endpoints agree on no codes: the words are those of Geth, Nethermind, Erigon, Besu and anvil. */
const REFUSALS: readonly (readonly [ChainRefusal, RegExp])[] = [
  ['known', /already known|already imported|known transaction|alreadyknown/i],
  ['nonceTooLow', /nonce too low|nonce is too low|oldnonce|nonce has already/i],
  ['underpriced', /underpriced|fee too low|feetoolow|less than block base fee|lower than the current base fee/i],
  ['insufficientFunds', /insufficient ?funds|insufficient balance|upfront cost exceeds/i],
  ['reverted', /revert/i],
]

function refusalOf(code: unknown, message: string): ChainRefusal {
  // 3 is what a reverted call answers with since Geth began to give its data.
  return REFUSALS.find(([, words]) => words.test(message))?.[0] ?? (code === 3 ? 'reverted' : 'other')
}
