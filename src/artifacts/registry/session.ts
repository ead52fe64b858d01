import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { placeOf } from '../image-reference.ts'
import { parseChallenge } from './challenge.ts'
import { exchange, PATIENCE, type Answer, type RegistryPatience } from './exchange.ts'
import { RegistryProblem, RegistryTrouble } from './registry-errors.ts'
import { registryUrl, urlFromRegistry } from './registry-url.ts'

/** A login of a registry. It is sent to the registry, and to where that has its tokens made. */
export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

/** How a registry is talked to. */
export interface RegistryAccess {
  readonly credentials?: RegistryCredentials
  /** Why there are none, for the hint of an error where the registry asks for them. */
  readonly withoutLogin?: string
  /** Plain HTTP: whoever is on the way reads the password, and can keep back an image, but not replace one that is pinned. */
  readonly insecure?: boolean
  readonly signal: AbortSignal
  readonly patience?: RegistryPatience
}

export interface RegistryQuery {
  /** Below the repository: `manifests/latest`, `blobs/sha256:…`. */
  readonly path: string
  /** What it is, for errors: `the manifest`. */
  readonly what: string
  readonly accept?: string
  /** The first byte that is wanted. */
  readonly from?: number
}

/** A repository of a registry, with what it takes to be let in. */
export interface RegistrySession {
  readonly signal: AbortSignal
  readonly patience: RegistryPatience
  /**
   * Asks once; follows where it is sent, and logs in where it is asked to.
   *
   * @returns an answer of status 200 or 206.
   * @throws RegistryProblem, RegistryTrouble; the signal's reason
   */
  get(query: RegistryQuery): Promise<Answer>
}

const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const MAX_TOKEN_ANSWER_BYTES = 64 * 1024
/** Of errors: `{"errors": [{"code": "MANIFEST_UNKNOWN", …}]}`. */
const MAX_ERROR_BYTES = 16 * 1024

/** What goes into a header is nothing that could begin another one (RFC 6750, b64token, and what registries really send). */
const tokenSchema = z.string().regex(/^[\x21-\x7e]{1,16384}$/)
const tokenAnswerSchema = z.object({ token: tokenSchema.optional(), access_token: tokenSchema.optional() })
const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string().regex(/^[A-Z][A-Z_]{0,39}$/) })).min(1) })

/** @param repository complete: `docker.io/library/python`. */
export function openRegistrySession({
  repository,
  credentials,
  withoutLogin,
  insecure = false,
  signal,
  patience = PATIENCE,
}: RegistryAccess & { readonly repository: string }): RegistrySession {
  const { host, path: name } = placeOf(repository)
  const registry = registryUrl({ host, insecure })
  let authorization: string | undefined

  const ask = (url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> =>
    exchange({ url, headers, patience, signal })

  /** Follows redirects; what lets us in goes to the registry alone, and only its own word on that counts. */
  async function follow(
    first: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ readonly answer: Answer; readonly asksForLogin: boolean }> {
    let url = first
    for (let count = 0; count <= MAX_REDIRECTS; count++) {
      const isRegistry = url.origin === registry.origin
      const answer = await ask(url, isRegistry && authorization !== undefined ? { ...headers, authorization } : headers)
      if (!REDIRECTS.has(answer.status)) return { answer, asksForLogin: isRegistry && answer.status === 401 }
      await answer.discard()
      const target = answer.headers.get('location') ?? ''
      url = urlFromRegistry({ what: 'what it was asked for', target, base: url, registry })
    }
    throw new RegistryProblem(`the registry leads through more than ${MAX_REDIRECTS} redirects`)
  }

  /** @returns what to send from now on. */
  async function logIn(answer: Answer): Promise<string> {
    const challenge = parseChallenge(answer.headers.get('www-authenticate') ?? '')
    if (challenge === undefined)
      throw new RegistryProblem(`the registry ${host} asks for a login of a kind that is not known here`)
    if (challenge.scheme === 'basic') {
      if (credentials === undefined) throw noLogin(`the registry ${host} asks for a name and a password`)
      return basic(credentials)
    }
    const url = urlFromRegistry({ what: 'tokens', target: challenge.realm, base: registry, registry })
    if (challenge.service !== undefined) url.searchParams.set('service', challenge.service)
    // What is needed, whatever else the registry would have us ask for.
    url.searchParams.set('scope', `repository:${name}:pull`)
    const given = await ask(url, credentials === undefined ? {} : { authorization: basic(credentials) })
    const refused = given.status >= 400 && given.status < 500 && given.status !== 429
    if (refused) {
      await given.discard()
      throw noLogin(`the registry ${host} gives no token for it (status ${given.status})`)
    }
    if (given.status !== 200) throw await troubleOf(given)
    const bytes = await readBounded({ answer: given, maxBytes: MAX_TOKEN_ANSWER_BYTES, what: 'the token' })
    const parsed = tokenAnswerSchema.safeParse(jsonOf(bytes))
    const token = parsed.data?.token ?? parsed.data?.access_token
    if (token === undefined) throw new RegistryProblem(`the registry ${host} gives a token that is none`)
    return `Bearer ${token}`
  }

  function noLogin(message: string): RegistryProblem {
    const hint =
      credentials !== undefined
        ? `Check the name of the image, and the login for ${host}: it may have no such image, or not for this login.`
        : `Check the name of the image; ${withoutLogin ?? `where it is not for everybody, give a login for ${host}`}.`
    return new RegistryProblem(message, { hint })
  }

  return {
    signal,
    patience,
    async get({ path, what, accept, from = 0 }) {
      const headers = { ...(accept !== undefined && { accept }), ...(from > 0 && { range: `bytes=${from}-` }) }
      const url = new URL(`${name}/${path}`, registry)
      const first = await follow(url, headers)
      let { answer } = first
      if (first.asksForLogin) {
        await answer.discard()
        authorization = await logIn(answer)
        ;({ answer } = await follow(url, headers))
      }
      const { status } = answer
      if (status === 200 || status === 206) return answer
      if (status >= 500 || status === 429 || status === 408) throw await troubleOf(answer)
      const said = await errorCode(answer)
      if (status === 401 || status === 403) throw noLogin(`the registry ${host} does not give it out${said}`)
      if (status === 404) throw new RegistryProblem(`the registry ${host} does not have ${what}${said}`, NO_SUCH)
      throw new RegistryProblem(`the registry ${host} answers with status ${status} where ${what} was asked for${said}`)
    },
  }
}

const NO_SUCH = { hint: 'Check the name of the image and its tag or digest.' }

function basic({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

async function troubleOf(answer: Answer): Promise<RegistryTrouble> {
  const seconds = /^\d{1,6}$/.exec(answer.headers.get('retry-after') ?? '')?.[0]
  const said = await errorCode(answer)
  return new RegistryTrouble(`cannot answer now: status ${answer.status}${said}`, {
    answered: true,
    ...(seconds !== undefined && { retryAfterMs: Number(seconds) * 1000 }),
  })
}

/** Of what a registry says of an error, the code: the rest is a stranger's text. */
async function errorCode(answer: Answer): Promise<string> {
  const bytes = await readBounded({ answer, maxBytes: MAX_ERROR_BYTES, what: 'an error' }).catch((thrown: unknown) => {
    if (thrown instanceof RegistryProblem || thrown instanceof RegistryTrouble) return new Uint8Array()
    throw thrown
  })
  const code = errorsSchema.safeParse(jsonOf(bytes)).data?.errors[0]?.code
  return code === undefined ? '' : ` (${code})`
}

/** @returns undefined for what is no JSON. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}

/**
 * The whole body of an answer, a small one.
 * @throws RegistryProblem where it is larger than `maxBytes`; RegistryTrouble where it breaks off; the signal's reason
 */
export async function readBounded({
  answer,
  maxBytes,
  what,
}: {
  readonly answer: Answer
  readonly maxBytes: number
  readonly what: string
}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.chunks()) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new RegistryProblem(`the registry sends more than ${maxBytes} bytes for ${what}`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
