import { stat } from 'node:fs/promises'
import { readRegistryLogin } from '../../../artifacts/registry/read-login.ts'
import type { RegistryAccess } from '../../../artifacts/registry/session.ts'
import { SoukError } from '../../../protocol/errors.ts'

/** A registry that the operator lets images be pulled from. */
export interface OfferedRegistry {
  /** As references have it: `docker.io`, `registry.example:5000`. */
  readonly host: string
  /** Plain HTTP. */
  readonly insecure: boolean
  /** With a login for it, the operator's alone; anonymous where absent. */
  readonly credentialsFile?: string
}

const OTHERS = 0o077

/**
 * How a registry is talked to. The file is read each time: a login changes without a restart.
 * @throws SoukError CONFIG_INVALID, for the operator, which says nothing of what is in the file.
 */
export async function accessTo({
  host,
  insecure,
  credentialsFile: file,
}: OfferedRegistry): Promise<Omit<RegistryAccess, 'signal'>> {
  if (file === undefined) return { insecure }
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, `cannot be read: ${error.code ?? error.message}`, error)
  })
  if ((stats.mode & OTHERS) !== 0)
    throw unusable(file, 'may be read or written by others than its owner; chmod 0600 it')
  const login = await readRegistryLogin({ file, host })
  if ('withoutLogin' in login) throw unusable(file, `has no login for ${host} that can be used`)
  return { insecure, credentials: login.credentials }
}

function unusable(file: string, message: string, cause?: unknown): SoukError<'CONFIG_INVALID'> {
  return new SoukError({
    code: 'CONFIG_INVALID',
    message: `The file with the login for a registry, ${file}, ${message}.`,
    details: { file, issues: [{ path: 'sandbox.docker.registries', message }] },
    cause,
  })
}
