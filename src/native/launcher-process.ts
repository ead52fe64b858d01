import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeUnavailable } from './failures.ts'

const START_TIMEOUT_MS = 30_000
const END_TIMEOUT_MS = 10_000
/** A launcher gives its keepers 10 s to clear up before it kills them. */
const LEFT_ALONE_MS = 20_000
/** What a socket's address holds besides its terminating NUL (unix(7)). */
const MAX_SOCKET_PATH_BYTES = 107
const MAX_DIAGNOSTICS_CHARACTERS = 4000

/** Programs of ours that are compiled where the package is installed. */
export const LAUNCHER_BINARY = fileURLToPath(new URL('../../build/souk-launcher', import.meta.url))
export const PROBE_BINARY = fileURLToPath(new URL('../../build/souk-probe', import.meta.url))
const BUILD_SCRIPT = fileURLToPath(new URL('./launcher/build.mjs', import.meta.url))
const BUILD_HINT = `Install a C compiler (Debian: apt-get install gcc libc6-dev) and run: node ${BUILD_SCRIPT}`

export interface LauncherProcess {
  readonly socket: string
  /** Resolves when it is dead. */
  readonly ended: Promise<unknown>
  /** Ends it, and with it every task that it runs. */
  close(): Promise<void>
}

/** For this user. */
export interface OwnLauncherOptions {
  /** A folder of this instance alone, for the socket. */
  readonly stateDir: string
  /** Tells this node's control groups from those of others: at most 32 of a-z, 0-9 and `-`. */
  readonly instance: string
}

/** By root, for a user who cannot so much as send it a signal. */
export interface RootLauncherOptions {
  readonly instance: string
  readonly peerUid: number
}

/** Why no launcher can be started here, as far as that is seen without starting one. */
function whyNot(): { readonly why: string; readonly hint?: string } | undefined {
  if (process.platform !== 'linux') return { why: `they need Linux, and this is ${process.platform}` }
  for (const binary of [LAUNCHER_BINARY, PROBE_BINARY])
    if (!existsSync(binary)) return { why: `${binary} has not been built`, hint: BUILD_HINT }
  return undefined
}

/**
 * Starts the launcher and waits until it listens. It ends with this process, however that ends: one of its pipes is
 * its lifeline. A session of its own keeps a Ctrl-C that is meant for the node away from it.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE
 */
export async function startLauncherProcess(
  options: OwnLauncherOptions | RootLauncherOptions,
): Promise<LauncherProcess> {
  const obstacle = whyNot()
  if (obstacle !== undefined) throw nativeUnavailable(obstacle.why, obstacle)
  const { instance } = options
  const others = 'peerUid' in options
  const place = others ? await rootPlace(options) : await socketPlace(options)
  const peer = others ? ['--peer-uid', String(options.peerUid)] : []
  const child = spawn(LAUNCHER_BINARY, ['--socket', place.socket, '--instance', instance, ...peer], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${code}`}`))
    child.once('error', (error) => resolve(error.message))
  })
  for (const stream of child.stdio) stream?.on('error', () => {}) // its end tells
  const diagnostics = collectDiagnostics(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  const ready = once(child.stdout, 'data').then(
    () => undefined,
    () => 'its output broke',
  )
  const failure = await Promise.race([ready, ended])
  clearTimeout(timer)
  if (failure !== undefined) {
    child.kill('SIGKILL')
    await ended
    await place.remove()
    const said = diagnostics()
    throw nativeUnavailable(`the launcher does not start: ${said === '' ? failure : said}`)
  }
  release(child)
  return {
    socket: place.socket,
    ended,
    async close() {
      child.ref()
      child.stdin.end()
      // One of root cannot be killed by who is root no more: it ends by its lifeline, keepers and all, or is left to that.
      const patience = others ? LEFT_ALONE_MS : END_TIMEOUT_MS
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(() => {
        if (others) late.resolve()
        else child.kill('SIGKILL')
      }, patience)
      await Promise.race([ended, late.promise])
      clearTimeout(timer)
      for (const stream of child.stdio) stream?.destroy()
      await place.remove()
    },
  }
}

/** The launcher alone is no reason for this process to stay. */
function release(child: ChildProcess): void {
  child.unref()
  for (const stream of child.stdio) if (stream instanceof Socket) stream.unref()
}

function collectDiagnostics(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-MAX_DIAGNOSTICS_CHARACTERS)
  })
  return () => text.trim().slice(-1000).toWellFormed()
}

interface SocketPlace {
  readonly socket: string
  remove(): Promise<void>
}

/** Where root alone can rename what is root's: of a folder of the peer's he could put another in the socket's place. */
const ROOT_FOLDERS = ['/run', '/tmp']

/**
 * A folder of root, which the peer may enter and nothing else; the launcher removes it when it ends. The same one for an
 * instance, as below.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE
 */
async function rootPlace({ instance }: RootLauncherOptions): Promise<SocketPlace> {
  for (const parent of ROOT_FOLDERS) {
    const folder = join(parent, `souk-launcher-${instance}`)
    const found = await mkdir(folder, { mode: 0o711 })
      .catch(() => undefined)
      .then(() => lstat(folder))
      .catch(() => undefined)
    if (found === undefined) continue
    if (!found.isDirectory() || found.uid !== 0)
      throw nativeUnavailable(`${folder}, where the launcher would listen, is somebody else's`)
    await chmod(folder, 0o711)
    return { socket: socketIn(folder), remove: () => remove(folder) }
  }
  throw nativeUnavailable(
    `there is no place for the launcher's socket: ${ROOT_FOLDERS.join(' and ')} cannot be written to`,
  )
}

/**
 * A folder that nobody else may enter, near enough to the root for the address of a socket in it. Always the same one
 * for an instance, so that what a killed node left is used again, and removed.
 *
 * @throws SoukError RUNTIME_UNAVAILABLE where somebody else has it.
 */
async function socketPlace({ stateDir, instance }: OwnLauncherOptions): Promise<SocketPlace> {
  const usual = join(stateDir, 'launcher')
  const fits = Buffer.byteLength(socketIn(usual)) <= MAX_SOCKET_PATH_BYTES
  const folder = fits ? usual : join(tmpdir(), `souk-launcher-${instance}`)
  await mkdir(folder, { recursive: fits, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  // The temporary folder is everybody's: another user may have been there first.
  const found = await lstat(folder)
  if (!found.isDirectory() || found.uid !== process.geteuid?.())
    throw nativeUnavailable(`${folder}, where the launcher would listen, is somebody else's`)
  await chmod(folder, 0o700)
  return { socket: socketIn(folder), remove: () => remove(folder) }
}

const socketIn = (folder: string): string => join(folder, 'socket')

/** What cannot be removed does no harm. */
function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true }).catch(() => {})
}
