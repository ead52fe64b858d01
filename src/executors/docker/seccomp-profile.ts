import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { dockerUnavailable } from './failures.ts'

const PROFILE = fileURLToPath(new URL('../seccomp.json', import.meta.url))

/**
 * The system calls that a task may make, in Docker's format and on one line, as the engine takes it.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE when it cannot be read, or allows by default: there is no task without it.
 */
export async function readSeccompProfile(): Promise<string> {
  try {
    const profile = JSON.parse(await readFile(PROFILE, 'utf8')) as { readonly defaultAction?: unknown }
    if (typeof profile.defaultAction !== 'string' || !REFUSING.has(profile.defaultAction))
      throw new Error(`its defaultAction is ${JSON.stringify(profile.defaultAction)}`)
    return JSON.stringify(profile)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw dockerUnavailable(`the list of system calls ${PROFILE} cannot be used: ${reason}.`, error)
  }
}

const REFUSING = new Set(['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD'])
