import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { SoukError } from '../../protocol/errors.ts'
import { readTextFile } from '../read-text-file.ts'
import type { RegistryCredentials } from './session.ts'

const MAX_FILE_BYTES = 1024 * 1024

/** What a file says of the login for a registry: the login, or why there is none, going on from "Check the name; ". */
export type RegistryLogin = { readonly credentials: RegistryCredentials } | { readonly withoutLogin: string }

/** What cannot be in a Basic login: the name ends at its first colon (RFC 7617). */
const usernameSchema = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^[^:\p{Cc}]+$/u)
const passwordSchema = z
  .string()
  .min(1)
  .max(64 * 1024)
  .regex(/^\P{Cc}+$/u)
const plainSchema = z.object({ username: usernameSchema, password: passwordSchema })
const entrySchema = z.object({ auth: z.string().optional(), identitytoken: z.string().optional() })
/** https://docs.docker.com/reference/cli/docker/login/ */
const dockerSchema = z.object({
  auths: z.record(z.string(), entrySchema.extend(plainSchema.partial().shape)).optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
})
type DockerConfig = z.infer<typeof dockerSchema>

/**
 * Reads the login for a registry from a file: `{"username": …, "password": …}`, or the `auths` of docker's config.json. No
 * program is started for it: docker's credential helpers are not asked.
 *
 * @param options.host of the registry, as references have it: `docker.io`, `registry.example:5000`.
 * @param options.fault who wrote the file: its operator where absent.
 * @throws SoukError CONFIG_INVALID that says nothing of what is in the file
 */
export async function readRegistryLogin({
  file,
  host,
  fault = 'operator',
}: {
  readonly file: string
  readonly host: string
  readonly fault?: 'operator' | 'requester'
}): Promise<RegistryLogin> {
  const wrong = (message: string): SoukError<'CONFIG_INVALID'> =>
    new SoukError({
      code: 'CONFIG_INVALID',
      fault,
      message: `The file with logins for registries, ${file}, ${message}.`,
      details: { file, issues: [{ path: '', message }] },
      hint: 'It has to be {"username": …, "password": …}, or what `docker login` writes.',
    })
  const text = await readTextFile({ file, maxBytes: MAX_FILE_BYTES }).catch((error: unknown) => {
    throw wrong((error as Error).message)
  })
  // What a parser says of the place where it failed would show what is there.
  const value = jsonOf(text)
  if (value === undefined) throw wrong('is not JSON')
  const plain = plainSchema.safeParse(value)
  if (plain.success) return { credentials: plain.data }
  const docker = dockerSchema.safeParse(value)
  if (!docker.success || (typeof value === 'object' && value !== null && 'username' in value))
    throw wrong('has a login in it that is none')
  const found = loginFrom(docker.data, host)
  if (found === undefined) throw wrong(`has a login for ${host} that is none`)
  return 'withoutLogin' in found ? { withoutLogin: `${file} ${found.withoutLogin}` } : found
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @returns undefined for an entry that cannot be read. */
function loginFrom(
  { auths = {}, credsStore, credHelpers = {} }: DockerConfig,
  host: string,
): RegistryLogin | undefined {
  const entry = Object.entries(auths).find(([key]) => hostOf(key) === host)?.[1]
  if (entry?.identitytoken !== undefined && entry.identitytoken !== '')
    return { withoutLogin: `has an identity token for ${host}, which cannot be used: give it a name and a password` }
  const plain = plainSchema.safeParse(entry)
  if (plain.success) return { credentials: plain.data }
  if (entry?.auth !== undefined && entry.auth !== '') {
    const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString('utf8')) ?? []
    const credentials = plainSchema.safeParse({ username, password })
    return credentials.success ? { credentials: credentials.data } : undefined
  }
  const helper = Object.entries(credHelpers).find(([key]) => hostOf(key) === host)?.[1] ?? credsStore
  if (helper !== undefined && helper !== '')
    return {
      withoutLogin: `leaves logins to a credential helper, and souk starts none: put one for ${host} under \`auths\``,
    }
  return { withoutLogin: `has no login for ${host}; \`docker login ${host}\` puts one there` }
}

/** Docker writes hosts, and for its own registry, and from earlier, addresses: `https://index.docker.io/v1/`. */
function hostOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').split('/', 1)[0] ?? ''
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}
