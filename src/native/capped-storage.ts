import { readFile, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { CappedStorage, StorageLease } from '../executors/ports.ts'
import { isSoukError } from '../protocol/errors.ts'
import { collectFiles } from './collect-files.ts'
import { sandboxFailed } from './failures.ts'
import type { Launcher } from './launcher.ts'
import { LauncherLost, type Channels, type LauncherConnection } from './launcher-connection.ts'
import type { ControlFrame } from './launcher-frames.ts'
import { adoptRequest, leaseRequest, unmountRequest } from './request.ts'
import { parseDiskReport, parseFailure } from './report.ts'

const NO_CHANNELS: Channels = { inputs: [], outputs: [] }
/** How the launcher names the file systems that it mounts for leases; the latter outlive their node. */
const SOURCE_PREFIXES = ['souk-disk-', 'souk-kept-']

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
    lease(options) {
      const mountPoint = resolve(options.mountPoint)
      const request = leaseRequest({ ...options, mountPoint })
      return startLease({ launcher, request, mountPoint, paths: options.outputs })
    },
    adopt({ outputs, ...options }) {
      const mountPoint = resolve(options.mountPoint)
      return startLease({ launcher, request: adoptRequest({ mountPoint, outputs }), mountPoint, paths: outputs })
    },
    async unmountLeftovers({ folder, keep }) {
      const leftovers = await mountedBelow({ folder, keep })
      for (const mountPoint of leftovers) await unmount(launcher, mountPoint)
      return leftovers.length
    },
  }
}

interface LeaseOptions {
  readonly launcher: Launcher
  readonly mountPoint: string
  /** Of its outputs. */
  readonly paths: readonly string[]
}

async function startLease({
  request,
  ...options
}: LeaseOptions & { readonly request: Uint8Array }): Promise<StorageLease> {
  const connection = await options.launcher.connect(NO_CHANNELS)
  try {
    connection.request(request)
    expectFrame(await answer(connection), 'started')
    return leaseOn({ ...options, connection })
  } catch (error) {
    await connection.close()
    throw error
  }
}

/** A launcher that is being killed may still take a connection, which breaks with it: the one that follows it is asked. */
async function unmount(launcher: Launcher, mountPoint: string): Promise<void> {
  try {
    await askToUnmount(launcher, mountPoint)
  } catch (error) {
    if (!isSoukError(error, 'EXECUTOR_FAILED') || !(error.cause instanceof LauncherLost)) throw error
    await askToUnmount(launcher, mountPoint)
  }
}

async function askToUnmount(launcher: Launcher, mountPoint: string): Promise<void> {
  const connection = await launcher.connect(NO_CHANNELS)
  try {
    connection.request(unmountRequest(mountPoint))
    expectFrame(await answer(connection), 'done')
  } finally {
    connection.destroy()
  }
}

function leaseOn({
  launcher,
  connection,
  mountPoint,
  paths,
}: LeaseOptions & { readonly connection: LauncherConnection }): StorageLease {
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
    async resize(caps) {
      connection.resize(caps)
      expectFrame(await answer(connection), 'done')
    },
    async release() {
      connection.release()
      try {
        expectFrame(await connection.next(), 'done')
      } catch {
        // Whoever held it is gone. It may have outlived that.
        await unmount(launcher, mountPoint)
      } finally {
        await connection.close()
      }
    },
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
async function mountedBelow({
  folder,
  keep,
}: {
  readonly folder: string
  readonly keep: readonly string[]
}): Promise<readonly string[]> {
  const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path))
  const kept = await Promise.all(keep.map(real))
  const found = leasesIn(await readFile('/proc/self/mountinfo', 'utf8'), await real(folder))
  return found.filter((point) => !kept.some((each) => isAtOrBelow(point, each)))
}

const isAtOrBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

/** Picks them out of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function leasesIn(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => {
      const fields = line.split(' ')
      const separator = fields.indexOf('-')
      const point = unescaped(fields[4] ?? '')
      const source = fields[separator + 2]
      const ours =
        fields[separator + 1] === 'tmpfs' && SOURCE_PREFIXES.some((prefix) => source?.startsWith(prefix) === true)
      return ours && isAtOrBelow(point, folder) ? [point] : []
    })
    .toReversed()
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
