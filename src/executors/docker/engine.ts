import { Agent, type IncomingMessage } from 'node:http'
import { inspect } from 'node:util'
import Docker from 'dockerode'
import { madeOf, onlyFileOf, pathStatOf, type MadeContainer, type PathStat } from './engine-answers.ts'
import { inTime, unlessMissing } from './engine-calls.ts'
import { EngineTimeout } from './engine-errors.ts'
import { imageCalls, type ImageCalls } from './engine-images.ts'
import { describeEngine, type EngineInfo } from './engine-info.ts'

export type { ImageFacts } from './engine-images.ts'
export type ContainerRecipe = Docker.ContainerCreateOptions
/** Limits that can be changed in a container that runs. */
export type EngineLimits = Pick<
  NonNullable<ContainerRecipe['HostConfig']>,
  'Memory' | 'MemorySwap' | 'NanoCpus' | 'CpuShares' | 'PidsLimit'
>

export interface ContainerState {
  readonly running: boolean
  /** Of its first process on the engine's host; 0 when there is none. */
  readonly pid: number
  readonly oomKilled: boolean
}

/** The part of Docker's API that a task needs. Each call rejects with dockerode's error, or {@link EngineTimeout}. */
export interface DockerEngine extends ImageCalls {
  readonly socketPath: string
  ping(): Promise<void>
  info(): Promise<EngineInfo>
  create(name: string, recipe: ContainerRecipe): Promise<string>
  /** What it has made of a recipe. */
  made(id: string): Promise<MadeContainer>
  start(id: string): Promise<void>
  /** Resolves to undefined where there is no such container (any more). */
  state(id: string): Promise<ContainerState | undefined>
  /** What is at a path of a container, links on the way followed inside of it; undefined where nothing is. */
  stat(id: string, path: string): Promise<PathStat | undefined>
  /** A file of a container, as `path` says where links have led already; rejects where it has more than `maxBytes`. */
  content(id: string, path: string, maxBytes: number): Promise<Buffer>
  /** Gives a container that runs other limits. */
  setLimits(id: string, limits: EngineLimits): Promise<void>
  /** Lets a container use that many cores from now on; one that is gone already is no error. */
  setCores(id: string, cores: number): Promise<void>
  /** Ends everything in it at once; one that is gone already is no error. */
  kill(id: string): Promise<void>
  /** Resolves when nothing of it runs (any more), or it has not come to that in time. */
  stopped(id: string): Promise<void>
  /** Kills what runs in it and removes it with its anonymous volumes; one that is gone already is no error. */
  remove(id: string): Promise<void>
  /** Containers, running or not, that have the label, with their names and whether they run. */
  labelled(label: string): Promise<readonly { readonly id: string; readonly names: readonly string[] }[]>
  /** Lets go of connections. */
  close(): void
}

/** Of a container whose first process was told to end. */
const STOP_TIMEOUT_MS = 2_000
const PING_TIMEOUT_MS = 5_000
export const NANO_CPUS_PER_CORE = 1e9

export function connectEngine({ socketPath }: { readonly socketPath: string }): DockerEngine {
  // One is kept for the next call. Those that many tasks at once opened are closed again: a new one costs 0.1 ms.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1 })
  // dockerode's modem renders all options of every call for its debug log, which nobody sees; with the sockets that are in
  // here, and all that they lead to, that took it more time than everything else of a task.
  Object.defineProperty(agent, inspect.custom, { value: () => 'Agent' })
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
      return describeEngine(answers[0], answers[1])
    },
    ...imageCalls(docker),
    async create(name, recipe) {
      // Without this dockerode would put everything into the query as well, which has a bound.
      const request = { _query: { name }, _body: recipe } as Docker.ContainerCreateOptions
      return (await inTime(docker.createContainer(request))).id
    },
    async made(id) {
      return madeOf(await inTime(container(id).inspect()))
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
    async stat(id, path) {
      const answer = (await unlessMissing(inTime(container(id).infoArchive({ path })))) as IncomingMessage | undefined
      // There is nothing to be read, but as long as nobody does the connection is not free again.
      answer?.resume()
      return answer === undefined ? undefined : pathStatOf(answer)
    },
    async setLimits(id, limits) {
      await inTime(container(id).update(limits))
    },
    async content(id, path, maxBytes) {
      return inTime(
        docker
          .getContainer(id)
          .getArchive({ path })
          .then((archive) => onlyFileOf(archive, maxBytes)),
      )
    },
    async setCores(id, cores) {
      await unlessMissing(inTime(container(id).update({ NanoCpus: cores * NANO_CPUS_PER_CORE })))
    },
    async kill(id) {
      await unlessMissing(inTime(container(id).kill({ signal: 'SIGKILL' })))
    },
    async stopped(id) {
      try {
        await unlessMissing(inTime(container(id).wait({ condition: 'not-running' }), STOP_TIMEOUT_MS))
      } catch (error) {
        if (!(error instanceof EngineTimeout)) throw error
      }
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
