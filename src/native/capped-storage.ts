import { readFile, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CappedStorage, StorageLease } from '../executors/ports.ts'
import { isSoukError } from '../protocol/errors.ts'
import { collectFiles } from './collect-files.ts'
import { sandboxFailed } from './failures.ts'
import type { Launcher } from './launcher.ts'
import type { Channels, LauncherConnection } from './launcher-connection.ts'
import type { ControlFrame } from './launcher-frames.ts'
import { leaseRequest, unmountRequest } from './request.ts'
import { parseDiskReport, parseFailure } from './report.ts'

const NO_CHANNELS: Channels = { inputs: [], outputs: [] }
/** How the launcher names the file systems that it mounts for leases. */
const SOURCE_PREFIX = 'souk-disk-'

/** File systems for tasks of other runtimes, mounted by the launcher, which has to run as root for that. */
export function createCappedStorage(launcher: Launcher): CappedStorage {
  return {
    async unavailable() {
      try {
        const { root } = await launcher.hello()
        return root ? undefined : 'the launcher does not run as root, and can mount nothing for others'
      } catch (error) {
        return isSoukError(error, 'RUNTIME_UNAVAILABLE') ? error.details.why : String(error)
      }
    },
    async lease(options) {
      const mountPoint = resolve(options.mountPoint)
      const connection = await launcher.connect(NO_CHANNELS)
      try {
        connection.request(leaseRequest({ ...options, mountPoint }))
        expectFrame(await answer(connection), 'started')
        return leaseOn({ connection, mountPoint, paths: options.outputs })
      } catch (error) {
        await connection.close()
        throw error
      }
    },
    async unmountLeftovers(folder) {
      const leftovers = await mountedBelow(folder)
      for (const mountPoint of leftovers) {
        const connection = await launcher.connect(NO_CHANNELS)
        try {
          connection.request(unmountRequest(mountPoint))
          expectFrame(await answer(connection), 'done')
        } finally {
          connection.destroy()
        }
      }
      return leftovers.length
    },
  }
}

function leaseOn({
  connection,
  mountPoint,
  paths,
}: {
  readonly connection: LauncherConnection
  readonly mountPoint: string
  readonly paths: readonly string[]
}): StorageLease {
  return {
    tmp: join(mountPoint, 'tmp'),
    work: join(mountPoint, 'work'),
    outputs: paths.map((_path, index) => join(mountPoint, `o${index}`)),
    async collect(collector) {
      connection.collect()
      const report = await collectFiles({ connection, outputs: paths, collector: async () => collector })
      const full = report === undefined ? [] : parseDiskReport(report)
      return { diskFull: full.includes('disk'), inodesFull: full.includes('inodes') }
    },
    release: () => connection.close(),
  }
}

async function answer(connection: LauncherConnection): Promise<ControlFrame> {
  try {
    return await connection.next()
  } catch (error) {
    throw sandboxFailed(error instanceof Error ? error.message : String(error), error)
  }
}

function expectFrame(frame: ControlFrame, kind: ControlFrame['kind']): void {
  if (frame.kind === 'failed') throw sandboxFailed(parseFailure(frame.records).message)
  if (frame.kind !== kind) throw sandboxFailed(`the launcher answered with ${frame.kind}`)
}

/** Mount points of leases at or below a folder, the innermost first. */
async function mountedBelow(folder: string): Promise<readonly string[]> {
  const real = await realpath(folder).catch(() => resolve(folder))
  return leasesIn(await readFile('/proc/self/mountinfo', 'utf8'), real)
}

/** Picks them out of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function leasesIn(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => {
      const fields = line.split(' ')
      const separator = fields.indexOf('-')
      const point = unescaped(fields[4] ?? '')
      const ours = fields[separator + 1] === 'tmpfs' && fields[separator + 2]?.startsWith(SOURCE_PREFIX) === true
      return ours && (point === folder || point.startsWith(`${folder}/`)) ? [point] : []
    })
    .toReversed()
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
