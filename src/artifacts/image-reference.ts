/** An image reference in its parts. The repository is complete: `python` is `docker.io/library/python`. */
export type ImageReference =
  | { readonly kind: 'id'; readonly digest: string }
  | { readonly kind: 'digest'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string }

/** sha256 only: it is what everybody writes, and what a task is pinned by. */
export const DIGEST = /^sha256:[0-9a-f]{64}$/
/** https://github.com/distribution/reference: a host with optional port, and names in lower case. */
const HOST = String.raw`[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*(?::\d+)?`
const PART = String.raw`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
const NAME = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*$`)
const TAG = /^[\w][\w.-]{0,127}$/

/** @returns undefined for what cannot name an image. */
export function parseImageReference(text: string): ImageReference | undefined {
  if (DIGEST.test(text)) return { kind: 'id', digest: text }
  const at = text.indexOf('@')
  const named = at === -1 ? text : text.slice(0, at)
  // A colon after the last slash begins a tag; one before it is a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const name = colon === -1 ? named : named.slice(0, colon)
  const tag = colon === -1 ? 'latest' : named.slice(colon + 1)
  // `sha256` with a tag is an id that was mistyped.
  if (!NAME.test(name) || !TAG.test(tag) || name === 'sha256') return undefined
  const repository = completeName(name)
  if (at === -1) return { kind: 'tag', repository, tag }
  const digest = text.slice(at + 1)
  return DIGEST.test(digest) ? { kind: 'digest', repository, digest } : undefined
}

/** Other names of Docker Hub's, as the engine knows them (distribution/reference, normalize.go). */
const HUB = /^(?:index\.)?docker\.io\//

function completeName(name: string): string {
  const [first = '', ...rest] = name.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  if (hasHost && !HUB.test(name)) return name
  const path = name.replace(HUB, '')
  return path.includes('/') ? `docker.io/${path}` : `docker.io/library/${path}`
}

/** A complete repository taken apart: the registry's host with its port, and what the repository is called there. */
export function placeOf(repository: string): { readonly host: string; readonly path: string } {
  const slash = repository.indexOf('/')
  return { host: repository.slice(0, slash), path: repository.slice(slash + 1) }
}
