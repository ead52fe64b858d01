import { Agent } from 'node:http'
import Docker from 'dockerode'
import { z } from 'zod'
import { EngineTimeout, statusOf } from './engine-errors.ts'

export type ContainerRecipe = Docker.ContainerCreateOptions
/** Limits that can be changed in a container that runs. */
export type EngineLimits = Pick<
  NonNullable<ContainerRecipe['HostConfig']>,
  'Memory' | 'MemorySwap' | 'NanoCpus' | 'CpuShares' | 'PidsLimit'
>

/** What is known of an engine; constant while it runs. */
export interface EngineInfo {
  readonly version: string
  readonly runc: string
  readonly cgroupVersion: 1 | 2
  readonly cpus: number
  /** As the engine names them: `seccomp`, `apparmor`, `selinux`, `rootless`, `userns`, `cgroupns`. */
  readonly security: readonly string[]
  readonly swapLimit: boolean
}

const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])
/** An image's own word about itself comes from whoever made the image. */
const imageSchema = z.object({
  Id: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  RepoDigests: strings,
  Os: z.string(),
  Architecture: z.string(),
  Config: z
    .object({
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: z.string().nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
})

export interface ImageFacts {
  /** The engine's own id, `sha256:…`: the digest of the image's configuration, which names its layers by digest. */
  readonly id: string
  /** `name@sha256:…`, as it was pulled. */
  readonly repoDigests: readonly string[]
  readonly os: string
  readonly architecture: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly workdir: string
  readonly volumes: readonly string[]
}

export interface ContainerState {
  readonly running: boolean
  /** Of its first process on the engine's host; 0 when there is none. */
  readonly pid: number
  readonly oomKilled: boolean
}

/** The part of Docker's API that a task needs. Each call rejects with dockerode's error, or {@link EngineTimeout}. */
export interface DockerEngine {
  readonly socketPath: string
  ping(): Promise<void>
  info(): Promise<EngineInfo>
  /** Resolves to undefined where the engine has no such image. */
  image(reference: string): Promise<ImageFacts | undefined>
  /** @returns the id of the image that the engine makes of a root file system, a tar archive, and keeps by a name. */
  importImage(archive: NodeJS.ReadableStream, name: { readonly repo: string; readonly tag: string }): Promise<string>
  /** Takes away a name, and the image with its last one; where there is none that is no error. */
  removeImage(name: string): Promise<void>
  create(name: string, recipe: ContainerRecipe): Promise<string>
  start(id: string): Promise<void>
  /** Resolves to undefined where there is no such container (any more). */
  state(id: string): Promise<ContainerState | undefined>
  /** Whether there is anything at a path of a container. */
  hasPath(id: string, path: string): Promise<boolean>
  /** Gives a container that runs other limits. */
  setLimits(id: string, limits: EngineLimits): Promise<void>
  /** Lets a container use that many cores from now on; one that is gone already is no error. */
  setCores(id: string, cores: number): Promise<void>
  /** Kills what runs in it and removes it with its anonymous volumes; one that is gone already is no error. */
  remove(id: string): Promise<void>
  /** Containers, running or not, that have the label, with their names and whether they run. */
  labelled(label: string): Promise<readonly { readonly id: string; readonly names: readonly string[] }[]>
  /** Lets go of connections. */
  close(): void
}

/** Starting a container takes 0.1 s; on a machine that swaps, many seconds. */
const CALL_TIMEOUT_MS = 60_000
const PING_TIMEOUT_MS = 5_000
const NOT_FOUND = 404
export const NANO_CPUS_PER_CORE = 1e9

export function connectEngine({ socketPath }: { readonly socketPath: string }): DockerEngine {
  // One is kept for the next call. Those that many tasks at once opened are closed again: a new one costs 0.1 ms.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1 })
  // dockerode hands what it does not know on to its modem, which takes an agent.
  const docker = new Docker({ socketPath, agent } as Docker.DockerOptions)
  const container = (id: string): Docker.Container => docker.getContainer(id)

  return {
    socketPath,
    async ping() {
      await inTime(docker.ping(), PING_TIMEOUT_MS)
    },
    async info() {
      const answers: readonly unknown[] = await inTime(Promise.all([docker.info(), docker.version()]))
      return describe(answers[0], answers[1])
    },
    async image(reference) {
      const found = await unlessMissing(inTime(docker.getImage(reference).inspect()))
      return found === undefined ? undefined : factsOf(imageSchema.parse(found))
    },
    async importImage(archive, name) {
      const answer = await docker.importImage(archive, { ...name })
      return importedId(await inTime(readAll(answer)))
    },
    async removeImage(name) {
      await unlessMissing(inTime(docker.getImage(name).remove({ force: true })))
    },
    async create(name, recipe) {
      // Without this dockerode would put everything into the query as well, which has a bound.
      const request = { _query: { name }, _body: recipe } as Docker.ContainerCreateOptions
      return (await inTime(docker.createContainer(request))).id
    },
    async start(id) {
      await inTime(container(id).start())
    },
    async state(id) {
      const found = await unlessMissing(inTime(container(id).inspect()))
      if (found === undefined) return undefined
      const { Running, Pid, OOMKilled } = found.State
      return { running: Running, pid: Pid, oomKilled: OOMKilled }
    },
    async hasPath(id, path) {
      return (await unlessMissing(inTime(container(id).infoArchive({ path })))) !== undefined
    },
    async setLimits(id, limits) {
      await inTime(container(id).update(limits))
    },
    async setCores(id, cores) {
      await unlessMissing(inTime(container(id).update({ NanoCpus: cores * NANO_CPUS_PER_CORE })))
    },
    async remove(id) {
      await unlessMissing(inTime(container(id).remove({ force: true, v: true })))
    },
    async labelled(label) {
      const list = await inTime(docker.listContainers({ all: true, filters: { label: [label] } }))
      return list.map(({ Id, Names }) => ({ id: Id, names: Names.map((name) => name.replace(/^\//, '')) }))
    },
    close: () => agent.destroy(),
  }
}

async function inTime<T>(call: Promise<T>, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new EngineTimeout(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  try {
    return await Promise.race([call, timeout])
  } finally {
    clearTimeout(timer)
  }
}

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined
    throw error
  }
}

const versionSchema = z.object({
  Version: z.string(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string() })).optional(),
})
const infoSchema = z.object({
  CgroupVersion: z.string().optional(),
  NCPU: z.int(),
  SwapLimit: z.boolean().optional(),
  SecurityOptions: strings,
})

function describe(rawInfo: unknown, rawVersion: unknown): EngineInfo {
  const info = infoSchema.parse(rawInfo)
  const version = versionSchema.parse(rawVersion)
  return {
    version: version.Version.replace(/\+.*$/, ''),
    runc: (version.Components?.find(({ Name }) => Name === 'runc')?.Version ?? 'unknown').replace(/\+.*$/, ''),
    cgroupVersion: info.CgroupVersion === '2' ? 2 : 1,
    cpus: info.NCPU,
    security: info.SecurityOptions.map((option) => /name=([^,]+)/.exec(option)?.[1] ?? option),
    swapLimit: info.SwapLimit === true,
  }
}

function factsOf({ Id, RepoDigests, Os, Architecture, Config }: z.infer<typeof imageSchema>): ImageFacts {
  return {
    id: Id,
    repoDigests: RepoDigests,
    os: Os,
    architecture: Architecture,
    entrypoint: Config?.Entrypoint ?? [],
    command: Config?.Cmd ?? [],
    workdir: Config?.WorkingDir ?? '',
    volumes: Object.keys(Config?.Volumes ?? {}),
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString()
  return text
}

/** The answer is a line of JSON for each step; the last one has the id, or one says what went wrong. */
function importedId(answer: string): string {
  const id = /"status":"(sha256:[0-9a-f]{64})"/.exec(answer)?.[1]
  if (id === undefined) throw new Error(`the engine did not import the image: ${answer.slice(0, 500)}`)
  return id
}
