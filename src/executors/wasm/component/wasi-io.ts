import type { FileNode } from '../host/nodes.ts'
import { Resource, trap, type ComponentHost, type Result } from './component-host.ts'
import type { ErrorCode } from './wasi-types.ts'

/** The most that one call reads; who wants more calls again. */
const MAX_READ_BYTES = 1024 * 1024
/** What `check-write` permits: there is no buffer that could be full. */
const WRITE_PERMIT_BYTES = 1024n * 1024n
const ZEROES = new Uint8Array(65_536)
const SPLICE_BYTES = 65_536n

/** `error` of wasi:io: what a stream failed with. */
export class IoError extends Resource<{ readonly code: ErrorCode }> {
  toDebugString(): string {
    const { code } = this.state
    return this.host.call(() => code)
  }

  /** For `filesystem-error-code`. */
  get code(): ErrorCode {
    return this.state.code
  }
}

export type StreamError = { readonly tag: 'last-operation-failed'; readonly val: IoError } | { readonly tag: 'closed' }

/** Thrown inside a call on a stream that is at its end. */
const CLOSED = new Error('closed')

function streamed<T>(host: ComponentHost, body: () => T): Result<T, StreamError> {
  return host.call(() => {
    try {
      return { tag: 'ok', val: body() }
    } catch (error) {
      if (error === CLOSED) return { tag: 'err', val: { tag: 'closed' } }
      return {
        tag: 'err',
        val: { tag: 'last-operation-failed', val: new IoError(host, { code: host.errorCodeOf(error) }) },
      }
    }
  })
}

/** Something to wait for: ready at once, or when the monotonic clock has got there. */
export class Pollable extends Resource<{ readonly dueNs: bigint | undefined }> {
  ready(): boolean {
    const { dueNs } = this.state
    return this.host.call(() => dueNs === undefined || dueNs <= this.host.parts.clock.monotonicNs())
  }

  block(): void {
    const { dueNs } = this.state
    this.host.call(() => {
      if (dueNs !== undefined) this.host.parts.clock.sleepUntil(dueNs)
    })
  }

  /** When it is due; undefined where it is ready. */
  get dueNs(): bigint | undefined {
    return this.state.dueNs
  }
}

/** Waits until one of them is ready; the indices of those that are. */
export function poll(host: ComponentHost, pollables: readonly Pollable[]): Uint32Array {
  return host.call(() => {
    if (pollables.length === 0) trap('poll of nothing')
    const due = pollables.map(({ dueNs }) => dueNs)
    if (!due.includes(undefined)) {
      const times = due.filter((dueNs) => dueNs !== undefined)
      host.parts.clock.sleepUntil(times.reduce((soonest, dueNs) => (dueNs < soonest ? dueNs : soonest)))
    }
    const needsClock = due.some((dueNs) => dueNs !== undefined)
    const nowNs = needsClock ? host.parts.clock.monotonicNs() : 0n
    const ready: number[] = []
    for (const [index, dueNs] of due.entries()) if (dueNs === undefined || dueNs <= nowNs) ready.push(index)
    return Uint32Array.from(ready)
  })
}

/** Where an input stream reads: the task's standard input, or a file from an offset on. */
export type Source = { readonly kind: 'stdin' } | { readonly kind: 'file'; readonly node: FileNode; offset: number }

/** Files and streams are always ready: what is not there yet is waited for by the read itself. */
export class InputStream extends Resource<Source> {
  read(length: bigint): Result<Uint8Array, StreamError> {
    const source = this.state
    return streamed(this.host, () => readSource(this.host, source, length))
  }

  blockingRead(length: bigint): Result<Uint8Array, StreamError> {
    return this.read(length)
  }

  skip(length: bigint): Result<bigint, StreamError> {
    const source = this.state
    return streamed(this.host, () => BigInt(readSource(this.host, source, length).length))
  }

  blockingSkip(length: bigint): Result<bigint, StreamError> {
    return this.skip(length)
  }

  subscribe(): Pollable {
    return this.host.call(() => new Pollable(this.host, { dueNs: undefined }))
  }

  /** For splicing. */
  take(length: bigint): Uint8Array {
    return readSource(this.host, this.state, length)
  }

  protected override dropped(source: Source): void {
    if (source.kind === 'file') this.host.parts.fileSystem.release(source.node)
  }
}

function readSource({ parts }: ComponentHost, source: Source, length: bigint): Uint8Array {
  if (length === 0n) return new Uint8Array()
  const most = Number(length < BigInt(MAX_READ_BYTES) ? length : BigInt(MAX_READ_BYTES))
  const left = source.kind === 'file' ? Math.max(0, source.node.data.size - source.offset) : 65_536
  const target = new Uint8Array(Math.min(most, left))
  let count: number
  if (source.kind === 'stdin') count = parts.streams.read(target)
  else {
    count = parts.fileSystem.read(source.node, source.offset, target)
    source.offset += count
  }
  if (count === 0) throw CLOSED
  return target.subarray(0, count)
}

/** Where an output stream writes: a standard stream, a file from an offset on, or the end of a file. */
export type Sink =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'file'; readonly node: FileNode; offset: number }
  | { readonly kind: 'append'; readonly node: FileNode }

/** Nothing is buffered: what a write took has been written. */
export class OutputStream extends Resource<Sink> {
  checkWrite(): Result<bigint, StreamError> {
    void this.state
    return streamed(this.host, () => WRITE_PERMIT_BYTES)
  }

  write(contents: Uint8Array): Result<undefined, StreamError> {
    const sink = this.state
    return streamed(this.host, () => writeSink(this.host, sink, contents))
  }

  blockingWriteAndFlush(contents: Uint8Array): Result<undefined, StreamError> {
    return this.write(contents)
  }

  flush(): Result<undefined, StreamError> {
    void this.state
    return streamed(this.host, () => undefined)
  }

  blockingFlush(): Result<undefined, StreamError> {
    return this.flush()
  }

  subscribe(): Pollable {
    return this.host.call(() => new Pollable(this.host, { dueNs: undefined }))
  }

  writeZeroes(length: bigint): Result<undefined, StreamError> {
    const sink = this.state
    return streamed(this.host, () => {
      if (length > WRITE_PERMIT_BYTES) trap('more is written than was permitted')
      for (let left = Number(length); left > 0; left -= ZEROES.length)
        writeSink(this.host, sink, ZEROES.subarray(0, Math.min(left, ZEROES.length)))
      return undefined
    })
  }

  blockingWriteZeroesAndFlush(length: bigint): Result<undefined, StreamError> {
    return this.writeZeroes(length)
  }

  splice(source: InputStream, length: bigint): Result<bigint, StreamError> {
    const sink = this.state
    return streamed(this.host, () => {
      const bytes = source.take(length < SPLICE_BYTES ? length : SPLICE_BYTES)
      writeSink(this.host, sink, bytes)
      return BigInt(bytes.length)
    })
  }

  blockingSplice(source: InputStream, length: bigint): Result<bigint, StreamError> {
    return this.splice(source, length)
  }

  protected override dropped(sink: Sink): void {
    if (sink.kind === 'file' || sink.kind === 'append') this.host.parts.fileSystem.release(sink.node)
  }
}

function writeSink({ parts }: ComponentHost, sink: Sink, bytes: Uint8Array): undefined {
  if (sink.kind === 'stdout' || sink.kind === 'stderr') {
    parts.streams.write(sink.kind, [bytes])
    return
  }
  for (let done = 0; done < bytes.length;) {
    const at = sink.kind === 'file' ? sink.offset : sink.node.data.size
    const count = parts.fileSystem.write(sink.node, at, bytes.subarray(done))
    done += count
    if (sink.kind === 'file') sink.offset += count
  }
}
