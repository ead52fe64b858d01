import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { pack } from 'tar-stream'
import { ERROR_CODES } from '../../protocol/error-codes.ts'
import { isSoukError } from '../../protocol/errors.ts'
import type { Execution } from '../../protocol/execution.ts'
import {
  FEATURES,
  type BoundedJob,
  type Capability,
  type ClassCapability,
  type DockerTask,
  type Holds,
} from '../executor.ts'
import type { CappedStorage } from '../ports.ts'
import type { DockerEngine, ImageFacts } from './engine.ts'
import type { EngineInfo } from './engine-info.ts'
import type { EngineWatch } from './engine-watch.ts'
import { dockerUnavailable } from './failures.ts'
import { PROBE_PATH, probeClass } from './class-probe.ts'
import type { RuntimeClass, RuntimeClasses } from './runtime-classes.ts'

export interface ProbeOptions {
  readonly engine: DockerEngine
  readonly watch: EngineWatch
  readonly storage: CappedStorage
  readonly instance: string
  readonly instanceDir: string
  readonly uid: number
  /** What the operator allows. */
  readonly images: readonly string[]
  /** Whether he lets tasks bring others. */
  readonly archives: boolean
  /** Throws SoukError CONFIG_INVALID where a login for a registry cannot be used. */
  readonly checkLogins: () => Promise<void>
  /** Cores that tasks may run on, as cpuset(7) lists them. */
  readonly cpuset: string | undefined
  /** How many GPUs he offers. */
  readonly gpus: number
  readonly engineFacts: () => Promise<{ readonly info: EngineInfo; readonly offered: RuntimeClasses }>
  readonly runImage: (run: { readonly job: BoundedJob<DockerTask>; readonly image: ImageFacts }) => Promise<Execution>
  readonly signal: AbortSignal
}

/** Hits every limit (src/native/launcher/probe/probe.c), and is alone in the image that is made for it. */
const PROBE_PROGRAM = fileURLToPath(new URL('../../../build/souk-probe', import.meta.url))
const REPOSITORY = 'souk-probe'

/** Hits every limit with a container of our own through the executor's own `run`. Never rejects. */
export async function probeDocker(options: ProbeOptions): Promise<Capability> {
  const { engine, instance } = options
  const name = { repo: REPOSITORY, tag: instance }
  let dir: string | undefined
  try {
    const { info, offered } = await needed(options)
    const place = await mkdtemp(join(options.instanceDir, 'docker-probe-'))
    dir = place
    const image = await probeImage(engine, name)
    const probe = (runtime: RuntimeClass, asked?: string): Promise<Holds> =>
      probeClass({ ...options, info, image, dir: place, runtime, asked })
    const [, ...more] = offered.named
    // Tasks that name none get this one and no other: without it there is nothing to offer.
    const holds = await probe(offered.usual)
    const classes: ClassCapability[] = offered.named.length === 0 ? [] : [{ name: offered.usual.name, ...holds }]
    const refusedClasses = [...offered.unknown]
    for (const runtime of more) {
      try {
        classes.push({ name: runtime.name, ...(await probe(runtime, runtime.name)) })
      } catch (error) {
        options.signal.throwIfAborted()
        refusedClasses.push({ name: runtime.name, why: sentence(error) })
      }
    }
    return {
      runtime: 'docker',
      available: true,
      ...holds,
      ...(classes.length > 0 && { classes }),
      ...(refusedClasses.length > 0 && { refusedClasses }),
      features: [
        ...options.images.map((image) => `image:${image}`),
        ...(options.archives ? [FEATURES.archive] : []),
        ...classes.map(({ name }) => `${FEATURES.runtimeClass}${name}`),
      ],
    }
  } catch (error) {
    return { runtime: 'docker', available: false, why: sentence(error) }
  } finally {
    await engine.removeImage(`${name.repo}:${name.tag}`).catch(() => {})
    if (dir !== undefined) await rm(dir, { recursive: true, force: true }).catch(() => {})
  }
}

/** Throws SoukError RUNTIME_UNAVAILABLE where something is missing without which there is no task. */
async function needed({
  watch,
  storage,
  checkLogins,
  engineFacts,
}: ProbeOptions): ReturnType<ProbeOptions['engineFacts']> {
  const presence = await watch.look()
  if (!presence.present) throw dockerUnavailable(presence.why)
  const why = await storage.unavailable()
  if (why !== undefined)
    throw dockerUnavailable(`there is nothing that bounds what a container writes, which the launcher does: ${why}.`)
  await checkLogins()
  return engineFacts()
}

async function probeImage(
  engine: DockerEngine,
  name: { readonly repo: string; readonly tag: string },
): Promise<ImageFacts> {
  const content = await readFile(PROBE_PROGRAM).catch((error: unknown) => {
    throw dockerUnavailable(
      `${PROBE_PROGRAM} is missing; install a C compiler (Debian: apt-get install gcc libc6-dev) and install souk again.`,
      error,
    )
  })
  // One of a probe that did not come to its end.
  await engine.removeImage(`${name.repo}:${name.tag}`)
  const archive = pack()
  archive.entry({ name: PROBE_PATH.slice(1), mode: 0o755 }, content)
  archive.finalize()
  const id = await engine.importImage(Readable.from(archive), name)
  const image = await engine.image(id)
  if (image === undefined) throw dockerUnavailable('the engine does not have the image that it has just made.')
  return image
}

/** What is missing, and how to get it. */
function sentence(error: unknown): string {
  if (!isSoukError(error, 'RUNTIME_UNAVAILABLE')) return error instanceof Error ? error.message : String(error)
  const { why } = error.details
  return error.hint === ERROR_CODES.RUNTIME_UNAVAILABLE.hint ? why : `${why}. ${error.hint}`
}
