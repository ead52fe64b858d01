import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseImageReference, placeOf } from '../artifacts/image-reference.ts'
import { readRegistryLogin, type RegistryLogin } from '../artifacts/registry/read-login.ts'
import { isLoopbackHost } from '../artifacts/registry/registry-url.ts'
import { resolveTag } from '../artifacts/registry/resolve-tag.ts'
import { SoukError } from '../protocol/errors.ts'

/** How registries are asked what a tag means. */
export interface PinImages {
  /** Hosts, with their ports, of registries that speak plain HTTP: those of this machine are asked so anyway. */
  readonly insecureRegistries?: readonly string[]
  /** docker's config.json, for logins; {@link dockerConfigFile} where absent. */
  readonly dockerConfig?: string
  /** What a tag came to mean: from here on the task names that. */
  readonly onPinned?: (pin: { readonly image: string; readonly pinned: string }) => void
}

const TIMEOUT_MS = 60_000

/**
 * An image by its digest. A tag can come to mean another image, so its registry is asked what it means now; any other
 * reference stays as it is.
 *
 * @returns `docker.io/library/python@sha256:…` for `python:3.12`.
 * @throws SoukError IMAGE_REFUSED where there is no such image; UNREACHABLE or CONNECTION_LOST where the registry cannot be
 *   asked; CONFIG_INVALID for a docker's config.json that is none; or the signal's reason.
 */
export async function pinImage({
  image,
  insecureRegistries = [],
  dockerConfig = dockerConfigFile(process.env),
  onPinned,
  signal,
}: PinImages & { readonly image: string; readonly signal?: AbortSignal }): Promise<string> {
  const reference = parseImageReference(image)
  if (reference?.kind !== 'tag') return image
  const { repository, tag } = reference
  const { host } = placeOf(repository)
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const digest = await resolveTag({
      repository,
      tag,
      ...(await loginFor({ host, dockerConfig })),
      insecure: isLoopbackHost(host) || insecureRegistries.includes(host),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    })
    const pinned = `${repository}@${digest}`
    onPinned?.({ image, pinned })
    return pinned
  } catch (thrown) {
    signal?.throwIfAborted()
    throw timeout.aborted ? tooSlow({ image, host }) : thrown
  }
}

/** Where docker keeps logins (docker(1), DOCKER_CONFIG). */
export function dockerConfigFile(env: Readonly<Record<string, string | undefined>>): string {
  const folder = env['DOCKER_CONFIG']
  return join(folder === undefined || folder === '' ? join(homedir(), '.docker') : folder, 'config.json')
}

async function loginFor({
  host,
  dockerConfig,
}: {
  readonly host: string
  readonly dockerConfig: string
}): Promise<RegistryLogin> {
  const isThere = await access(dockerConfig).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (!isThere) return { withoutLogin: `where it is not for everybody, \`docker login ${host}\` keeps a login for it` }
  return readRegistryLogin({ file: dockerConfig, host, fault: 'requester' })
}

function tooSlow({ image, host }: { readonly image: string; readonly host: string }): SoukError<'UNREACHABLE'> {
  return new SoukError({
    code: 'UNREACHABLE',
    phase: 'prepare',
    message: `What the image ${image} is cannot be found out: the registry ${host} took more than ${TIMEOUT_MS / 1000} s.`,
    details: { address: host },
    hint: 'Try again later, or pin the image: NAME@sha256:….',
  })
}
