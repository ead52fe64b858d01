import Docker from 'dockerode'
import type { BENCH_LIMITS } from './executor-subject.ts'
import type { Subject } from './interleaved.ts'
import { timedCommand } from './timed-command.ts'

export interface DockerPeerOptions {
  readonly socketPath: string
  /** The engine's id of an image. */
  readonly image: string
  readonly command: readonly string[]
  readonly limits: typeof BENCH_LIMITS
  /** The engine's default where absent. */
  readonly runtime?: string
}

const NS_PER_CORE = 1e9
const NOBODY = '65534:65534'

/** Docker's own command line, with the limits and the hardening that a task of souk has. */
export function dockerRunPeer({ socketPath, image, command, limits, runtime }: DockerPeerOptions): Subject {
  const { memoryBytes, cpuCores, pids, openFiles, diskBytes, inodes } = limits
  const args = [
    ...['--host', `unix://${socketPath}`, 'run', '--rm', '--interactive', '--network', 'none', '--read-only'],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--user', NOBODY],
    ...['--memory', `${memoryBytes}`, '--memory-swap', `${memoryBytes}`, '--cpus', `${cpuCores}`],
    ...['--pids-limit', `${pids}`, '--ulimit', `nofile=${openFiles}:${openFiles}`, '--ulimit', 'core=0:0'],
    ...['--tmpfs', `/tmp:size=${diskBytes},nr_inodes=${inodes}`, '--no-healthcheck', '--log-driver', 'none'],
    ...(runtime === undefined ? [] : ['--runtime', runtime]),
    ...[image, ...command],
  ]
  const name = `docker run --rm${runtime === undefined ? '' : `, ${runtime}`}`
  return { name, run: () => timedCommand({ file: 'docker', args }) }
}

/** The same through dockerode, as whoever writes it for the first time would: create, attach, start, wait, remove. */
export function dockerodePeer({ socketPath, image, command, limits }: DockerPeerOptions): Subject {
  const { memoryBytes, cpuCores, pids, openFiles, diskBytes, inodes } = limits
  const docker = new Docker({ socketPath })
  const recipe: Docker.ContainerCreateOptions = {
    Image: image,
    Cmd: [...command],
    User: NOBODY,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      NanoCpus: cpuCores * NS_PER_CORE,
      PidsLimit: pids,
      Ulimits: [
        { Name: 'nofile', Soft: openFiles, Hard: openFiles },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Tmpfs: { '/tmp': `size=${diskBytes},nr_inodes=${inodes}` },
      LogConfig: { Type: 'none', Config: {} },
    },
  }
  return {
    name: 'plain dockerode',
    async run() {
      const startMs = performance.now()
      const container = await docker.createContainer(recipe)
      try {
        const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true })
        stream.resume()
        await container.start()
        stream.end()
        const { StatusCode } = (await container.wait()) as { readonly StatusCode: number }
        if (StatusCode !== 0) throw new Error(`the container of plain dockerode ended with ${StatusCode}`)
      } finally {
        await container.remove({ force: true })
      }
      return performance.now() - startMs
    },
  }
}
