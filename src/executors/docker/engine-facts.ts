import { access, constants } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { DockerEngine } from './engine.ts'
import type { EngineInfo } from './engine-info.ts'
import { dockerUnavailable } from './failures.ts'
import { runtimeClasses, type RuntimeClasses } from './runtime-classes.ts'
import { readSeccompProfile } from './seccomp-profile.ts'

/** The first process of every container. */
export const INIT_PROGRAM = fileURLToPath(new URL('../../../build/souk-container-init', import.meta.url))

/** What is needed of an engine and of this host before there is a container. */
export interface EngineFacts {
  readonly info: EngineInfo
  readonly seccomp: string
  readonly offered: RuntimeClasses
}

/** Throws SoukError RUNTIME_UNAVAILABLE where something is missing that no task can do without. */
export async function factsOf(engine: DockerEngine, classes: readonly string[]): Promise<EngineFacts> {
  await access(INIT_PROGRAM, constants.X_OK).catch((error: unknown) => {
    throw dockerUnavailable(
      `${INIT_PROGRAM} is missing; install a C compiler (Debian: apt-get install gcc libc6-dev) and install souk again.`,
      error,
    )
  })
  const info = await engine.info()
  const seccomp = await readSeccompProfile(info)
  if (!info.security.includes('seccomp'))
    throw dockerUnavailable('the engine has no seccomp filters; use a kernel with CONFIG_SECCOMP_FILTER.')
  return { info, seccomp, offered: runtimeClasses(info, classes) }
}
