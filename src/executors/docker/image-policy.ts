import { DIGEST, parseImageReference, type ImageReference } from '../../artifacts/image-reference.ts'
import type { DockerEngine, ImageFacts } from './engine.ts'
import { imageRefused } from './failures.ts'

type PinnedReference = Exclude<ImageReference, { kind: 'tag' }>

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' }

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
