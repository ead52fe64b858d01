import { placeOf } from '../image-reference.ts'
import { fetchDocument } from './documents.ts'
import { registryError } from './registry-errors.ts'
import { openRegistrySession, type RegistryAccess } from './session.ts'

/**
 * What a tag of a repository means now: the digest of a manifest or index, which is computed here.
 *
 * @param options.repository complete: `docker.io/library/python`.
 * @returns `sha256:…`.
 * @throws SoukError IMAGE_REFUSED where there is no such image, or it is none that could run; UNREACHABLE or CONNECTION_LOST
 *   where the registry cannot be asked; or the signal's reason.
 */
export async function resolveTag({
  repository,
  tag,
  ...access
}: RegistryAccess & { readonly repository: string; readonly tag: string }): Promise<string> {
  try {
    const { digest } = await fetchDocument(openRegistrySession({ repository, ...access }), tag)
    return digest
  } catch (thrown) {
    throw registryError({ thrown, image: `${repository}:${tag}`, host: placeOf(repository).host })
  }
}
