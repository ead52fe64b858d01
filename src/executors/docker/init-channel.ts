import { closeSync, constants, openSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import {
  createInitFrames,
  InitBroken,
  toInit,
  type InitEnd,
  type InitFrame,
  type InitHello,
  type InitOrder,
  type OutputBytes,
} from './init-frames.ts'
import { createInitStdin, type InitStdin } from './init-stdin.ts'

/** The node's end of the connection to the first process of one container, and the task's streams. */
export interface InitChannel {
  /** Resolves when init is there. Like the others it rejects when the connection is lost before. */
  readonly ready: Promise<InitHello>
  /** Starts the task; resolves to undefined, or to the errno of its failed execve(2). */
  go(order: InitOrder): Promise<number | undefined>
  /** Goes on with a task that runs already. `had` is what was kept of its output before: it is not sent again. */
  resume(had: OutputBytes): void
  /** There once the task was started, or is gone on with. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** These bytes of an output, the next ones, are kept for good. */
  kept(stream: 'stdout' | 'stderr', bytes: number): void
  /** Whether the task was started. */
  hasBegun(): boolean
  /** Resolves when the task, and all that it left, is dead. */
  readonly ended: Promise<InitEnd>
  /** Whether both outputs have ended with the last byte that the task wrote. */
  isComplete(): boolean
  /** Kills every process of the task; `ended` tells when they are dead. */
  kill(): void
  /** Hangs up and leaves the task to itself: init does what it was told to do without a node. */
  leave(): void
  /** Ends the container, with all that is in it. */
  close(): void
}

/** In the folder that a container sees of the node's. */
export const SOCKET_NAME = 'control'
/** As soon as so much was kept, init is told: it holds a window of this much more. */
const ACKNOWLEDGE_EVERY_BYTES = 32 * 1024

/**
 * Makes the socket in `dir`, of which the container has the whole: only so can another one be made in its place later.
 * Nobody else on this host may enter `dir`'s parent.
 *
 * Without a `secret` it takes one connection, that of init, before the task's first instruction. With one it is for an
 * init that had another node before. The task runs, and may connect too: whoever cannot say the secret is hung up on.
 *
 * @throws the error of open(2) or listen(2).
 */
export async function openInitChannel({
  dir,
  secret,
}: {
  readonly dir: string
  readonly secret?: Uint8Array
}): Promise<InitChannel> {
  const channel = new Channel()
  const stopListening = await listenIn(dir, (socket, onInit) => {
    greet(socket, (hello, parse) => {
      if (secret !== undefined && !timingSafeEqual(hello.secret, secret)) return false
      onInit()
      channel.connected(socket, hello, parse)
      return true
    })
  })
  channel.onClose(stopListening)
  return channel
}

type Parse = (chunk: Buffer) => InitFrame[]

/** How long whoever connects may take to say who he is. */
const GREETING_TIMEOUT_MS = 5_000

/** Reads the greeting, and hangs up where there is none or `onHello` does not want it. */
function greet(socket: Socket, onHello: (hello: InitHello, parse: Parse) => boolean): void {
  const parse = createInitFrames()
  // From the beginning: one that says a byte now and then has no longer.
  const timer = setTimeout(() => socket.destroy(), GREETING_TIMEOUT_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.on('error', () => socket.destroy())
  const onData = (chunk: Buffer): void => {
    try {
      const [hello, ...more] = parse(chunk)
      if (hello === undefined) return
      socket.off('data', onData)
      clearTimeout(timer)
      // Init says nothing more before it is answered.
      if (hello.kind === 'hello' && more.length === 0 && onHello(hello, parse)) return
      socket.destroy()
    } catch {
      socket.destroy()
    }
  }
  socket.on('data', onData)
}

class Channel implements InitChannel {
  readonly #ready = Promise.withResolvers<InitHello>()
  readonly #started = Promise.withResolvers<number | undefined>()
  readonly #ended = Promise.withResolvers<InitEnd>()
  readonly #streams = { stdout: openOutput(), stderr: openOutput() }
  #had: OutputBytes = { stdout: 0, stderr: 0 }
  #kept = { stdout: 0, stderr: 0 }
  #acknowledged = { stdout: 0, stderr: 0 }
  #stdin: InitStdin | undefined
  #stdinTaken = 0
  #socket: Socket | undefined
  #stopListening: (() => void) | undefined
  #begun = false
  #complete = false
  #lost = false

  constructor() {
    // Each is awaited only by who has come that far.
    for (const { promise } of [this.#ready, this.#started, this.#ended]) promise.catch(() => {})
  }

  get ready(): Promise<InitHello> {
    return this.#ready.promise
  }
  get ended(): Promise<InitEnd> {
    return this.#ended.promise
  }
  get stdout(): Readable {
    return this.#streams.stdout
  }
  get stderr(): Readable {
    return this.#streams.stderr
  }
  get stdin(): Writable {
    return this.#input().stream
  }

  connected(socket: Socket, hello: InitHello, parse: Parse): void {
    this.#socket = socket
    this.#stdinTaken = hello.stdinTaken
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of parse(chunk)) this.#take(frame)
      } catch (error) {
        this.#lose(error instanceof Error ? error : new InitBroken(String(error)))
      }
    })
    socket.on('error', (error) => this.#lose(error))
    socket.on('close', () => this.#lose(new Error('the first process of the container is gone')))
    this.#ready.resolve(hello)
  }

  onClose(stopListening: () => void): void {
    this.#stopListening = stopListening
  }

  go(order: InitOrder): Promise<number | undefined> {
    this.#send(toInit.go(order))
    return this.#started.promise
  }

  resume(had: OutputBytes): void {
    this.#had = had
    this.#begun = true
    this.#send(toInit.resume(had))
  }

  kept(stream: 'stdout' | 'stderr', bytes: number): void {
    this.#kept[stream] += bytes
    if (this.#kept[stream] - this.#acknowledged[stream] < ACKNOWLEDGE_EVERY_BYTES) return
    this.#acknowledged = { ...this.#kept }
    const { stdout, stderr } = this.#kept
    this.#send(toInit.acknowledge({ stdout: this.#had.stdout + stdout, stderr: this.#had.stderr + stderr }))
  }

  hasBegun(): boolean {
    return this.#begun
  }

  isComplete(): boolean {
    return this.#complete
  }

  kill(): void {
    this.#send(toInit.kill())
  }

  leave(): void {
    this.#stopListening?.()
    this.#lose(new Error('left'))
  }

  close(): void {
    this.#stopListening?.()
    if (!this.#lost && this.#socket?.writable === true) this.#socket.end(toInit.quit())
    this.#lose(new Error('closed'))
  }

  #take(frame: InitFrame): void {
    switch (frame.kind) {
      case 'started':
        this.#begun = true
        return this.#started.resolve(undefined)
      case 'execFailed':
        return this.#started.resolve(frame.errno)
      case 'stdinUsed':
        return this.#input().used(frame.bytes)
      case 'stdout':
      case 'stderr':
        if (this.#complete) throw new InitBroken('output after its end')
        return void this.#streams[frame.kind].push(frame.data)
      case 'ended':
        return this.#ended.resolve(frame)
      case 'allSent':
        this.#complete = true
        return this.#endOutputs()
      case 'hello':
        throw new InitBroken('a second greeting')
    }
  }

  /** Made with the greeting's word on what was taken. */
  #input(): InitStdin {
    this.#stdin ??= createInitStdin({ send: (frame) => this.#send(frame), skipBytes: this.#stdinTaken })
    return this.#stdin
  }

  #send(frame: Buffer): void {
    if (this.#socket?.writable === true) this.#socket.write(frame)
  }

  #endOutputs(): void {
    for (const stream of Object.values(this.#streams)) if (!stream.readableEnded) stream.push(null)
  }

  #lose(error: Error): void {
    if (this.#lost) return
    this.#lost = true
    for (const report of [this.#ready, this.#started, this.#ended]) report.reject(error)
    // What was said last still goes out.
    this.#socket?.destroySoon()
    this.#stdin?.drop()
    if (!this.#complete) this.#endOutputs()
  }
}

/** What init sends is bounded by what was acknowledged, so nothing has to be held back here. */
const openOutput = (): Readable => new Readable({ read() {}, emitClose: false })

/** Connections that are there at once, before one is init's. */
const MOST_WAITING = 64
/** Init says who it is at once. Where there are too many, whoever has not for so long makes room. */
const PATIENCE_MS = 100

/** Listens in a folder whose path may be longer than a socket's may be (unix(7): 107 bytes). */
async function listenIn(dir: string, onConnection: (socket: Socket, stop: () => void) => void): Promise<() => void> {
  const folder = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY)
  const server = createServer()
  let closed = false
  /** Since when, the longest first. */
  const waiting = new Map<Socket, number>()
  const stop = (): void => {
    if (closed) return
    closed = true
    // Closing removes the file by the path that it was made with, which needs the folder's descriptor.
    server.close()
    closeFolder()
  }
  let open = true
  const closeFolder = (): void => {
    if (open) closeSync(folder)
    open = false
  }
  server.on('connection', (socket) => {
    if (waiting.size >= MOST_WAITING) {
      const [[oldest, sinceMs] = [socket, Infinity]] = waiting
      const isNew = performance.now() - sinceMs < PATIENCE_MS
      if (isNew) return void socket.destroy()
      oldest.destroy()
      waiting.delete(oldest)
    }
    waiting.set(socket, performance.now())
    socket.once('close', () => waiting.delete(socket))
    onConnection(socket, () => {
      waiting.delete(socket)
      stop()
      for (const other of waiting.keys()) other.destroy()
    })
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
    else closeFolder()
    throw error
  }
  return () => {
    stop()
    for (const socket of waiting.keys()) socket.destroy()
  }
}
