import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { EngineInfo } from './engine-info.ts'
import { dockerUnavailable } from './failures.ts'

const PROFILE = fileURLToPath(new URL('../seccomp.json', import.meta.url))

/**
 * The system calls that a task may make, in Docker's format: on one line, as Docker takes it, or where they are, as podman does.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE when it cannot be read, or allows by default: there is no task without it.
 */
export async function readSeccompProfile({ product }: Pick<EngineInfo, 'product'>): Promise<string> {
  try {
    const profile = JSON.parse(await readFile(PROFILE, 'utf8')) as { readonly defaultAction?: unknown }
    if (typeof profile.defaultAction !== 'string' || !REFUSING.has(profile.defaultAction))
      throw new Error(`its defaultAction is ${JSON.stringify(profile.defaultAction)}`)
    return product === 'Podman' ? PROFILE : JSON.stringify(profile)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw dockerUnavailable(`the list of system calls ${PROFILE} cannot be used: ${reason}.`, error)
  }
}

const REFUSING = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD'])
