import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { OutputOffsets, OutputStream } from '../../protocol/events.ts'
import type { Receipt } from '../../protocol/receipt.ts'

type StreamDigest = Receipt['stdout']

const STREAMS = ['stdout', 'stderr'] as const satisfies readonly OutputStream[]

/**
 * What one attempt wrote to stdout and stderr, in two files. A write calls back when its bytes are in the file, so that they survive
 * this process and the next one finds them by the file's size. Only `seal` makes them survive the machine, too.
 */
export interface OutputLog {
  readonly stdout: Writable
  readonly stderr: Writable
  /** Bytes that a reader can read now. */
  sizes(): OutputOffsets
  /** Makes everything durable, and returns size and sha256 of each stream. Nothing may be written afterwards. */
  seal(): Promise<{ readonly stdout: StreamDigest; readonly stderr: StreamDigest }>
  /** Closes the files without making anything durable; does nothing after `seal`. */
  close(): Promise<void>
}

interface LogStream {
  readonly writable: Writable
  readonly hash: Hash
  bytes: number
  handle?: FileHandle
  /** Settles, and never rejects, when no write is under way. */
  underWay: Promise<void>
}

interface OutputPlace {
  readonly dir: string
  readonly taskId: string
}

/** Where a stream is kept; there is no file before its first byte. */
export function outputFile({ dir, taskId }: OutputPlace, stream: OutputStream): string {
  return join(dir, `${taskId}.${stream}`)
}

interface OutputLogOptions extends OutputPlace {
  /** From 1: what an earlier attempt wrote is removed. */
  readonly attempt: number
  readonly onGrow: () => void
}

/** Starts the output of an attempt. Files are made on the first byte. */
export async function createOutputLog(options: OutputLogOptions): Promise<OutputLog> {
  if (options.attempt > 1) await removeOutput(options)
  return logOf({ stdout: createStream(options, 'stdout'), stderr: createStream(options, 'stderr') })
}

/** Goes on with the output of an attempt that an earlier process began: what is in the files has been written. */
export async function reopenOutputLog(options: Omit<OutputLogOptions, 'attempt'>): Promise<OutputLog> {
  const streams = { stdout: createStream(options, 'stdout'), stderr: createStream(options, 'stderr') }
  await Promise.all(STREAMS.map((name) => takeUp(streams[name], outputFile(options, name))))
  return logOf(streams)
}

/** Reads the whole file again, as the digest covers it. */
async function takeUp(stream: LogStream, file: string): Promise<void> {
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      stream.hash.update(chunk)
      stream.bytes += chunk.byteLength
    }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

function logOf(streams: Readonly<Record<OutputStream, LogStream>>): OutputLog {
  const each = Object.values(streams)
  const release = async (stream: LogStream): Promise<void> => {
    const handle = stream.handle
    delete stream.handle
    await handle?.close()
  }
  return {
    stdout: streams.stdout.writable,
    stderr: streams.stderr.writable,
    sizes: () => ({ stdout: streams.stdout.bytes, stderr: streams.stderr.bytes }),
    async seal() {
      await Promise.all(
        each.map(async (stream) => {
          const written = finished(stream.writable)
          stream.writable.end()
          await written
          await stream.handle?.datasync()
          await release(stream)
        }),
      )
      return { stdout: digestOf(streams.stdout), stderr: digestOf(streams.stderr) }
    },
    async close() {
      await Promise.all(
        each.map(async (stream) => {
          stream.writable.destroy()
          // A write that is under way ends before its file is closed.
          await stream.underWay
          await release(stream)
        }),
      )
    },
  }
}

function digestOf(stream: LogStream): StreamDigest {
  return { sha256: stream.hash.copy().digest('hex'), bytes: stream.bytes }
}

function createStream(options: Omit<OutputLogOptions, 'attempt'>, name: OutputStream): LogStream {
  const append = async (chunks: readonly Uint8Array[]): Promise<void> => {
    stream.handle ??= await open(outputFile(options, name), 'a', 0o600)
    for (const chunk of chunks) {
      await stream.handle.appendFile(chunk)
      stream.hash.update(chunk)
      stream.bytes += chunk.byteLength
    }
    options.onGrow()
  }
  const write = (chunks: readonly Uint8Array[], callback: (error?: Error) => void): void => {
    stream.underWay = append(chunks).then(() => callback(), callback)
  }
  const writable = new Writable({
    write: (chunk: Uint8Array, _encoding, callback) => write([chunk], callback),
    writev: (entries, callback) =>
      write(
        entries.map((entry) => entry.chunk as Uint8Array),
        callback,
      ),
  })
  // Whoever writes, and `seal`, sees the error; without a listener it would end the process.
  writable.on('error', () => {})
  const stream: LogStream = { writable, hash: createHash('sha256'), bytes: 0, underWay: Promise.resolve() }
  return stream
}

/** What is on disk of a task's output: for tasks whose log is not open, after a restart say. */
export async function outputSizes(place: OutputPlace): Promise<OutputOffsets> {
  const sizeOf = async (stream: OutputStream): Promise<number> => {
    try {
      return (await stat(outputFile(place, stream))).size
    } catch (error) {
      if (isMissing(error)) return 0
      throw error
    }
  }
  return { stdout: await sizeOf('stdout'), stderr: await sizeOf('stderr') }
}

export async function removeOutput(place: OutputPlace): Promise<void> {
  await Promise.all([
    rm(outputFile(place, 'stdout'), { force: true }),
    rm(outputFile(place, 'stderr'), { force: true }),
  ])
}

/** Up to `length` bytes from `offset`; empty where the file has no more, or is gone. */
export async function readOutput(
  request: OutputPlace & { readonly stream: OutputStream; readonly offset: number; readonly length: number },
): Promise<Uint8Array> {
  let handle: FileHandle
  try {
    handle = await open(outputFile(request, request.stream), 'r')
  } catch (error) {
    if (isMissing(error)) return new Uint8Array()
    throw error
  }
  try {
    const buffer = new Uint8Array(request.length)
    const { bytesRead } = await handle.read(buffer, 0, request.length, request.offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
