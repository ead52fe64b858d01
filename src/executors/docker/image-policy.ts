import type { DockerEngine, ImageFacts } from './engine.ts'
import { imageRefused } from './failures.ts'

/** An image reference in its parts. The repository is complete: `python` is `docker.io/library/python`. */
export type ImageReference =
  | { readonly kind: 'id'; readonly digest: string }
  | { readonly kind: 'digest'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string }
type PinnedReference = Exclude<ImageReference, { kind: 'tag' }>

const DIGEST = /^sha256:[0-9a-f]{64}$/
/** https://github.com/distribution/reference: a host with optional port, and names in lower case. */
const HOST = String.raw`[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*(?::\d+)?`
const PART = String.raw`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
const NAME = new RegExp(`^(?:${HOST}/)?${PART}(?:/${PART})*$`)
const TAG = /^[\w][\w.-]{0,127}$/
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' }

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

function completeName(name: string): string {
  const [first = '', ...rest] = name.split('/')
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')) return name
  return rest.length > 0 ? `docker.io/${name}` : `docker.io/library/${name}`
}

/**
 * Finds the image of a task on the engine, and holds it against the policy. What is returned is what runs: by its id,
 * which says everything that is in it.
 *
 * @throws SoukError IMAGE_REFUSED; what the engine throws when it cannot be asked.
 */
export async function resolveImage({
  image,
  allowed,
  engine,
}: {
  readonly image: string
  /**
   * What the operator allows: `sha256:…` (an engine's image id, or the digest of a manifest), a repository, or
   * `repository@sha256:…`; none when empty.
   */
  readonly allowed: readonly string[]
  readonly engine: Pick<DockerEngine, 'image'>
}): Promise<ImageFacts> {
  const reference = parseImageReference(image)
  if (reference === undefined) throw imageRefused({ image, reason: 'that is no image reference' })
  if (reference.kind === 'tag') throw imageRefused({ image, ...MOVING_TAG(image) })
  if (!isAllowed(reference, allowed)) throw imageRefused({ image, ...NOT_ALLOWED })
  const facts = await engine.image(image)
  if (facts === undefined) throw imageRefused({ image, ...NOT_THERE })
  if (!isItself(reference, facts))
    throw imageRefused({ image, reason: `the engine has ${facts.id} in its place, which is another image` })
  const architecture = ARCHITECTURES[process.arch] ?? process.arch
  if (facts.os !== 'linux' || facts.architecture !== architecture) {
    const reason = `it is for ${facts.os} on ${facts.architecture}, and this host is linux on ${architecture}`
    throw imageRefused({ image, reason })
  }
  return facts
}

const MOVING_TAG = (image: string): { reason: string; hint: string } => ({
  reason: 'it is named by a tag, which can come to mean another image',
  hint: `Pin it: name@sha256:…, or the image id that \`docker image inspect --format '{{.Id}}' ${image}\` prints.`,
})
const NOT_ALLOWED = {
  reason: 'this provider does not allow it',
  hint: 'Use an image that the provider allows, or have its operator add it to the allowed images.',
}
const NOT_THERE = {
  reason: 'the engine of this provider does not have it, and images are not pulled',
  hint: 'Have the operator load the image into his engine (docker pull, docker load).',
}

function isAllowed(reference: PinnedReference, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    if (DIGEST.test(entry)) return reference.digest === entry
    const rule = parseImageReference(entry)
    if (rule?.kind === 'digest') {
      return reference.kind === 'digest' && sameImage(rule, reference)
    }
    // Without a tag of its own an entry is a repository.
    return (
      rule?.kind === 'tag' &&
      !entry.includes(':', entry.lastIndexOf('/') + 1) &&
      reference.kind !== 'id' &&
      reference.repository === rule.repository
    )
  })
}

interface Pinned {
  readonly repository: string
  readonly digest: string
}
const sameImage = (one: Pinned, other: Pinned): boolean =>
  one.repository === other.repository && one.digest === other.digest

function isItself(reference: PinnedReference, facts: ImageFacts): boolean {
  if (reference.kind === 'id') return facts.id === reference.digest
  return facts.repoDigests.some((text) => {
    const known = parseImageReference(text)
    return known?.kind === 'digest' && sameImage(known, reference)
  })
}
