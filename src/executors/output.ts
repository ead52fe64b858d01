import type { Readable, Writable } from 'node:stream'

/** Standard output and error of one task on their way to their readers, counted and capped together. */
export interface OutputMeter {
  /** Bytes passed on so far; never more than the limit. */
  readonly bytes: number
  /** Whether a reader is slow, so that the task may be waiting for it. */
  readonly blocked: boolean
  /**
   * Passes `source` on to `sink` until it ends, keeping the pace of `sink`, which is left open. Never rejects.
   *
   * @param onKept told how many bytes of `source` `sink` has written, or were discarded, in order.
   */
  pump(stream: {
    readonly source: Readable
    readonly sink: Writable
    readonly onKept?: (bytes: number) => void
  }): Promise<void>
  /** Passes one chunk on, as {@link pump} does; resolves when there is room for the next. */
  pass(output: { readonly chunk: Uint8Array; readonly sink: Writable }): Promise<void>
  /** To be called when the task is dead: the rest, at most what pipes hold, is passed on without waiting for slow readers. */
  release(): void
}

export interface OutputMeterOptions {
  /** Bytes that were passed on before, by the process whose run is resumed: they count towards the limit. 0 where absent. */
  readonly bytesBefore?: number
  /** Both streams together; exactly this many bytes are kept, in the order in which they arrive. */
  readonly limitBytes: number
  /** Called once, with the first byte past the limit; what follows is discarded. */
  onExceeded(): void
}

export function createOutputMeter({ bytesBefore = 0, limitBytes, onExceeded }: OutputMeterOptions): OutputMeter {
  const released = new AbortController()
  let bytes = bytesBefore
  let blocked = 0
  let exceeded = false

  const take = (chunk: Uint8Array): Uint8Array => {
    const kept = chunk.subarray(0, limitBytes - bytes)
    bytes += kept.length
    if (kept.length < chunk.length && !exceeded) {
      exceeded = true
      onExceeded()
    }
    return kept
  }

  const pass = async (
    chunk: Uint8Array,
    { sink, onKept }: { readonly sink: Writable; readonly onKept?: ((bytes: number) => void) | undefined },
  ): Promise<void> => {
    const kept = take(chunk)
    if (kept.length === 0 || !sink.writable) {
      onKept?.(chunk.length)
      return
    }
    const onWritten =
      onKept === undefined
        ? undefined
        : (error?: Error | null): void => {
            if (error === undefined || error === null) onKept(chunk.length)
          }
    if (sink.write(kept, onWritten) || released.signal.aborted) return
    blocked += 1
    await drained(sink, released.signal)
    blocked -= 1
  }

  return {
    get bytes() {
      return bytes
    },
    get blocked() {
      return blocked > 0
    },
    pass: ({ chunk, sink }) => pass(chunk, { sink }),
    async pump({ source, sink, onKept }) {
      try {
        for await (const chunk of source as AsyncIterable<Uint8Array>) await pass(chunk, { sink, onKept })
      } catch {
        // The other end was killed while it wrote: what came before is all there is.
      }
    },
    // A given reason saves making the default DOMException with its stack, which costs as much as all else here.
    release: () => released.abort('the task is dead'),
  }
}

/** Resolves when `stream` takes data again, when it is gone, or when `signal` aborts. */
export function drained(stream: Writable, signal?: AbortSignal): Promise<void> {
  if (!stream.writableNeedDrain || !stream.writable || signal?.aborted === true) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) stream.once(event, done)
    signal?.addEventListener('abort', done, { once: true })
  })
}
