import { DIGEST, parseImageReference, type ImageReference } from '../../../artifacts/image-reference.ts'
import { OWN_ARCHITECTURE } from '../../../artifacts/oci-image.ts'
import type { ImageFacts } from '../engine-images.ts'
import { imageRefused } from '../failures.ts'

export type PinnedReference = Exclude<ImageReference, { kind: 'tag' }>

/**
 * What a task may name. Pure: nobody is asked.
 *
 * @param allowed what the operator allows: `sha256:…` (an engine's image id, or the digest of a manifest), a repository,
 *   `repository@sha256:…`, or `registry/*` and `registry/folder/*` for all repositories below; none when empty.
 * @throws SoukError IMAGE_REFUSED
 */
export function allowedReference(image: string, allowed: readonly string[]): PinnedReference {
  const reference = parseImageReference(image)
  if (reference === undefined) throw imageRefused({ image, reason: 'that is no image reference' })
  if (reference.kind === 'tag') throw imageRefused({ image, ...MOVING_TAG(image) })
  if (!allowed.some((entry) => allows(entry, reference))) throw imageRefused({ image, ...NOT_ALLOWED })
  return reference
}

const MOVING_TAG = (image: string): { reason: string; hint: string } => ({
  reason: 'it is named by a tag, which can come to mean another image',
  hint: `Pin it: name@sha256:…, or the image id that \`docker image inspect --format '{{.Id}}' ${image}\` prints.`,
})
const NOT_ALLOWED = {
  reason: 'this provider does not allow it',
  hint: 'Use an image that the provider allows, or have its operator add it to the allowed images.',
}

const ALL_BELOW = '/*'

function allows(entry: string, reference: PinnedReference): boolean {
  if (DIGEST.test(entry)) return reference.digest === entry
  if (reference.kind === 'id') return false
  if (entry.endsWith(ALL_BELOW)) {
    // As the first repository below it would be named: `library/*` is Docker Hub's.
    const below = parseImageReference(`${entry.slice(0, -ALL_BELOW.length)}/x/x`)
    return below?.kind === 'tag' && reference.repository.startsWith(below.repository.slice(0, -'x/x'.length))
  }
  const rule = parseImageReference(entry)
  if (rule?.kind === 'digest') return sameImage(rule, reference)
  // Without a tag of its own an entry is a repository.
  const isRepository = rule?.kind === 'tag' && !entry.includes(':', entry.lastIndexOf('/') + 1)
  return isRepository && reference.repository === rule.repository
}

interface Pinned {
  readonly repository: string
  readonly digest: string
}
const sameImage = (one: Pinned, other: Pinned): boolean =>
  one.repository === other.repository && one.digest === other.digest

/** Whether what the engine has under a reference is what that pins. */
export function isPinnedBy(reference: PinnedReference, facts: ImageFacts): boolean {
  if (reference.kind === 'id') return facts.id === reference.digest
  return facts.repoDigests.some((text) => {
    const known = parseImageReference(text)
    return known?.kind === 'digest' && sameImage(known, reference)
  })
}

/** execve(2): each argument and each variable is at most this long, with its NUL. */
const MAX_STRING_BYTES = 131_072
/** The kernel gives arguments and environment a quarter of the stack, which is 2 MiB of the usual 8. */
const MAX_WORDS_BYTES = 512 * 1024

/**
 * Whether an image can be run here, by what the engine says of it: what an image says of itself in two ways, engines and
 * we could read differently.
 *
 * @throws SoukError IMAGE_REFUSED
 */
export function checkFacts(image: string, facts: ImageFacts): void {
  const { os, architecture, entrypoint, command, env, workdir } = facts
  const refuse = (reason: string): never => {
    throw imageRefused({ image, reason })
  }
  if (os !== 'linux' || architecture !== OWN_ARCHITECTURE)
    refuse(
      `it is for ${os.slice(0, 40)} on ${architecture.slice(0, 40)}, and this host is linux on ${OWN_ARCHITECTURE}`,
    )
  const words = [...entrypoint, ...command, ...env]
  if (words.some((word) => Buffer.byteLength(word) >= MAX_STRING_BYTES))
    refuse(`an argument or variable of it has more than ${MAX_STRING_BYTES - 1} bytes`)
  if (words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0) > MAX_WORDS_BYTES)
    refuse(`its arguments and variables have more than ${MAX_WORDS_BYTES} bytes together`)
  if (words.some((word) => word.includes('\0'))) refuse('an argument or variable of it holds a NUL byte')
  if (workdir !== '' && !workdir.startsWith('/')) refuse('its working folder is no absolute path')
}
