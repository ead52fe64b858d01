import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { nativeUnavailable } from './failures.ts'
import { createLauncherConnection, type Channels, type LauncherConnection } from './launcher-connection.ts'
import { startLauncherProcess, type LauncherProcess, type OwnLauncherOptions } from './launcher-process.ts'
import { parseHello, type Hello } from './report.ts'
import { helloRequest } from './request.ts'

/** The way to souk-launcher, the one part that may need privileges: a connection for each run. */
export interface Launcher {
  /** @throws SoukError RUNTIME_UNAVAILABLE */
  connect(channels: Channels): Promise<LauncherConnection>
  /** What it is and what this host lets it do; asked once. @throws SoukError RUNTIME_UNAVAILABLE */
  hello(): Promise<Hello>
  /** Ends it and whatever it runs; one that somebody else has started goes on. */
  close(): Promise<void>
}

export type LauncherOptions =
  | OwnLauncherOptions
  /** The socket of a privileged launcher that is already there. */
  | { readonly socket: string }
  /** One that was started with rights that this process has no more: it ends with this process, and is followed by none. */
  | { readonly process: LauncherProcess }

const HELLO_TIMEOUT_MS = 10_000
/** One that has died is seen dead at most this much later than its socket is. */
const DEATH_NOTICE_MS = 1000

/**
 * Starts the launcher in the background, as early as can be: starting a process holds up a node the longer the larger
 * it has grown. One that has died is started anew by the next use.
 */
export function startLauncher(options: LauncherOptions): Launcher {
  const door = doorTo(options)
  let hello: Promise<Hello> | undefined

  const connectTo: Launcher['connect'] = async (channels) => createLauncherConnection(await door.open(), channels)
  return {
    connect: connectTo,
    hello() {
      hello ??= ask(connectTo).catch((error: unknown) => {
        hello = undefined
        throw error
      })
      return hello
    },
    close: () => door.close(),
  }
}

/** Where connections come from. */
interface Door {
  open(): Promise<Socket>
  close(): Promise<void>
}

function doorTo(options: LauncherOptions): Door {
  if ('socket' in options) return externalDoor(options.socket)
  if ('process' in options) return { ...externalDoor(options.process.socket), close: () => options.process.close() }
  return ownDoor(options)
}

function externalDoor(path: string): Door {
  return {
    open: () =>
      connected(path).catch((error: unknown) => {
        throw nativeUnavailable(`no launcher listens at ${path}`, { cause: error })
      }),
    close: async () => {},
  }
}

function ownDoor(options: OwnLauncherOptions): Door {
  let current: Promise<LauncherProcess> | undefined
  let closed = false

  const running = (): Promise<LauncherProcess> => {
    if (closed) throw nativeUnavailable('the launcher has been ended')
    if (current !== undefined) return current
    const started = startLauncherProcess(options)
    const forget = (): void => {
      if (current === started && !closed) current = undefined
    }
    started.then((launcher) => launcher.ended.then(forget), forget)
    current = started
    return started
  }
  running().catch(() => {}) // told to whoever uses it
  return {
    async open() {
      const launcher = await running()
      try {
        return await connected(launcher.socket)
      } catch (error) {
        const dead = await Promise.race([
          launcher.ended.then(() => true),
          sleep(DEATH_NOTICE_MS, false, { ref: false }),
        ])
        if (!dead) throw nativeUnavailable('the launcher does not answer', { cause: error })
        const next = await running()
        return connected(next.socket)
      }
    },
    async close() {
      closed = true
      const launcher = await current?.catch(() => undefined)
      await launcher?.close()
    },
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

async function ask(connectTo: Launcher['connect']): Promise<Hello> {
  const connection = await connectTo({ inputs: [], outputs: [] })
  const timer = setTimeout(() => connection.destroy(), HELLO_TIMEOUT_MS)
  try {
    connection.request(helloRequest())
    const frame = await connection.next()
    if (frame.kind !== 'report') throw new Error(`it answered with ${frame.kind}`)
    return parseHello(frame.records)
  } catch (error) {
    throw nativeUnavailable('the launcher does not say what it is', { cause: error })
  } finally {
    clearTimeout(timer)
    connection.destroy()
  }
}
