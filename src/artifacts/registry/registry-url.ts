import { RegistryProblem } from './registry-errors.ts'

/** Docker Hub's references and its registry have different names. */
const REGISTRY_OF: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }
const MAX_URL_CHARACTERS = 8192

/** Where the API of a registry begins. `host` is that of a reference: a name with an optional port. */
export function registryUrl({ host, insecure }: { readonly host: string; readonly insecure: boolean }): URL {
  try {
    return new URL(`${insecure ? 'http' : 'https'}://${REGISTRY_OF[host] ?? host}/v2/`)
  } catch (cause) {
    throw new RegistryProblem(`${host} is no address of a registry`, { cause })
  }
}

/** Whether a host of a reference, `localhost:5000`, is this machine and no other. */
export function isLoopbackHost(host: string): boolean {
  const url = URL.parse(`http://${host}/`)
  return url !== null && isLoopback(url.hostname)
}

/**
 * Where a registry sends us: for a token, or for a blob that somebody else keeps. It must not lead anybody who asks it to
 * what only this machine or its network can reach, nor from an encrypted connection to one that is not.
 *
 * @param options.what what is there, for errors.
 * @param options.base what a relative one starts from.
 * @param options.registry where the registry itself is.
 * @throws RegistryProblem
 */
export function urlFromRegistry({
  what,
  target,
  base,
  registry,
}: {
  readonly what: string
  readonly target: string
  readonly base: URL
  readonly registry: URL
}): URL {
  const url = target.length > MAX_URL_CHARACTERS ? null : URL.parse(target, base.href)
  if (url === null) throw new RegistryProblem(`the registry names an address for ${what} that is none`)
  if (url.username !== '' || url.password !== '')
    throw new RegistryProblem(`the registry names an address for ${what} with a password in it`)
  const { hostname } = registry
  const isOwnHost = url.hostname === hostname || (isLoopback(url.hostname) && isLoopback(hostname))
  const isPlain = url.protocol === 'http:' && registry.protocol === 'http:' && isOwnHost
  if (url.protocol !== 'https:' && !isPlain)
    throw new RegistryProblem(
      `the registry names an address for ${what} that is not https: ${url.protocol}//${url.host}`,
    )
  if (isInternal(url.hostname) && !isOwnHost && !isInternal(hostname))
    throw new RegistryProblem(`the registry names an address for ${what} inside this network: ${url.host}`)
  return url
}

/** URL writes every form of an IPv4 address as four numbers, and IPv6 in brackets. */
function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/.test(hostname)
}

/** Loopback, private, shared, link-local and multicast addresses (RFC 6890), and what embeds IPv4 in IPv6. */
function isInternal(hostname: string): boolean {
  if (isLoopback(hostname)) return true
  if (/^\[(?:::|f[cdef]|64:ff9b:|2002:)/.test(hostname)) return true
  const numbers = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(hostname)
  if (numbers === null) return false
  const [first, second] = [Number(numbers[1]), Number(numbers[2])]
  return (
    first === 0 ||
    first === 10 ||
    first >= 224 ||
    (first === 100 && second >= 64 && second < 128) ||
    (first === 169 && second === 254) ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168)
  )
}
