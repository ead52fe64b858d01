import { closeSync, constants, openSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInitReports, InitBroken, type InitReport } from './init-reports.ts'

/** The node's end of the connection to the first process of one container. */
export interface InitControl {
  /** The socket's path on this host, for the container to be given. */
  readonly socketPath: string
  /** Resolves when init waits for `go`. Like the others it rejects when the connection is lost before. */
  readonly ready: Promise<void>
  /** Starts the task; resolves to undefined, or to the errno of its failed execve(2). */
  go(): Promise<number | undefined>
  /** Resolves when the task, and all that it left, is dead. */
  readonly ended: Promise<Extract<InitReport, { kind: 'ended' }>>
  /** Kills every process of the task; `ended` tells when they are dead. */
  kill(): void
  /** Has these 16 bytes written after all that the task has written. */
  markEndOfOutput(nonce: Uint8Array): void
  /** Ends the container, with all that is in it. */
  close(): void
}

const SOCKET_NAME = 'control'

/**
 * Makes the socket in `dir`, which nobody else may enter. It takes one connection: that of init, before the task's
 * first instruction.
 *
 * @throws the error of open(2) or listen(2).
 */
export async function openInitControl(dir: string): Promise<InitControl> {
  const reports = {
    ready: Promise.withResolvers<void>(),
    started: Promise.withResolvers<number | undefined>(),
    ended: Promise.withResolvers<Extract<InitReport, { kind: 'ended' }>>(),
  }
  let connection: Socket | undefined

  const lose = (error: Error): void => {
    for (const report of Object.values(reports)) report.reject(error)
    connection?.destroy()
  }
  const onReport = (report: InitReport): void => {
    switch (report.kind) {
      case 'ready':
        return reports.ready.resolve()
      case 'started':
        return reports.started.resolve(undefined)
      case 'execFailed':
        return reports.started.resolve(report.errno)
      case 'ended':
        return reports.ended.resolve(report)
    }
  }
  // Each is awaited only by who has come that far.
  for (const { promise } of Object.values(reports)) promise.catch(() => {})

  const socketPath = join(dir, SOCKET_NAME)
  const stopListening = await listenIn(dir, (socket) => {
    connection = socket
    const parse = createInitReports()
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const report of parse(chunk)) onReport(report)
      } catch (error) {
        lose(error instanceof Error ? error : new InitBroken(String(error)))
      }
    })
    socket.on('error', lose)
    socket.on('close', () => lose(new Error('the first process of the container is gone')))
  })
  const send = (bytes: Uint8Array | string): void => {
    if (connection?.writable === true) connection.write(bytes)
  }
  return {
    socketPath,
    ready: reports.ready.promise,
    ended: reports.ended.promise,
    go() {
      send('G')
      return reports.started.promise
    },
    kill: () => send('K'),
    markEndOfOutput: (nonce) => send(Buffer.concat([Buffer.from('D'), nonce])),
    close() {
      stopListening()
      lose(new Error('closed'))
    },
  }
}

/** Listens for one connection in a folder whose path may be longer than a socket's may be (unix(7): 107 bytes). */
async function listenIn(dir: string, onConnection: (socket: Socket) => void): Promise<() => void> {
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY)
  const server = createServer()
  let closed = false
  const stop = (): void => {
    if (closed) return
    closed = true
    // Closing removes the file by the path that it was made with, which needs the folder's descriptor.
    server.close(() => closeSync(folder))
  }
  server.once('connection', (socket) => {
    stop()
    onConnection(socket)
  })
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen(`/proc/self/fd/${folder}/${SOCKET_NAME}`, resolve)
    await promise
    // Connecting needs the right to write; the folder around it keeps everybody else out.
    await chmod(join(dir, SOCKET_NAME), 0o666)
  } catch (error) {
    if (server.listening) stop()
    else closeSync(folder)
    throw error
  }
  return stop
}
