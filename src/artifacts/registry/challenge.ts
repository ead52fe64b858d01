/** How a registry wants to be asked (RFC 9110, 11.6.1; distribution, docs/spec/auth/token.md). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string }

const MAX_CHARACTERS = 4096
const MAX_PARAMETERS = 32

const TOKEN = String.raw`[!#$%&'*+.^_\`|~0-9A-Za-z-]+`
/** One element of the list: a scheme, with or without its first parameter, or a further parameter. */
const SCHEME = new RegExp(String.raw`[\s,]*(${TOKEN})(?=\s|,|$)`, 'y')
const PARAMETER = new RegExp(String.raw`[\s,]*(${TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(${TOKEN}))`, 'y')
/** What Basic and others may have in place of parameters (token68). */
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y
const REST = /[\s,]*$/y

/**
 * What a `WWW-Authenticate` header asks for: a token where it can be had, else a name and a password.
 *
 * @returns undefined where it asks for nothing that can be answered, is none, or is longer than one would be.
 */
export function parseChallenge(header: string): Challenge | undefined {
  if (header.length > MAX_CHARACTERS) return undefined
  const challenges = challengesIn(header)
  const bearer = challenges?.find(({ scheme }) => scheme === 'bearer')?.parameters
  const realm = bearer?.get('realm')
  if (realm !== undefined) {
    const service = bearer?.get('service')
    return { scheme: 'bearer', realm, ...(service !== undefined && { service }) }
  }
  return challenges?.some(({ scheme }) => scheme === 'basic') === true ? { scheme: 'basic' } : undefined
}

interface Parsed {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

/** @returns undefined where the header breaks its grammar. */
function challengesIn(header: string): readonly Parsed[] | undefined {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(header)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  for (let count = 0; take(REST) === null; count++) {
    if (count > MAX_PARAMETERS) return undefined
    const parameter = take(PARAMETER)
    if (parameter !== null) {
      const [, name = '', quoted, plain = ''] = parameter
      const current = challenges.at(-1)?.parameters
      // The same parameter twice could mean one thing here and another one elsewhere.
      if (current === undefined || current.has(name.toLowerCase())) return undefined
      current.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/gs, '$1') ?? plain)
      continue
    }
    const scheme = take(SCHEME)?.[1]
    if (scheme === undefined) return undefined
    challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    if (!parameterFollows(header, at)) take(TOKEN68)
  }
  return challenges
}

function parameterFollows(header: string, at: number): boolean {
  PARAMETER.lastIndex = at
  return PARAMETER.test(header)
}
