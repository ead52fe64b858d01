import { PassThrough, Writable, type Readable } from 'node:stream'

/** Standard output and error of a container, taken apart. */
export interface OutputFrames {
  /** Takes the bytes of an attached connection; slow when those who read `stdout` and `stderr` are. */
  readonly sink: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Both streams end where these bytes come; whatever else comes before is passed on. */
  endAt(nonce: Uint8Array): void
  /** Whether both have ended there. */
  marked(): boolean
}

/** https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach */
const HEADER_BYTES = 8
const STREAMS = { stdin: 0, stdout: 1, stderr: 2 } as const

/**
 * Takes Docker's frames apart: a byte that names the stream, three that are zero, a length of four (big-endian), and
 * the data. Data is passed on as it comes, so a frame may be of any length. Ending `sink` ends both streams; a frame
 * of another kind destroys it with an error.
 */
export function createOutputFrames(): OutputFrames {
  const outputs = { [STREAMS.stdout]: createEnding(), [STREAMS.stderr]: createEnding() }
  const header = Buffer.alloc(HEADER_BYTES)
  let headerBytes = 0
  let current = createDiscard()
  let left = 0

  const takeHeader = (chunk: Buffer): Buffer => {
    const taken = chunk.copy(header, headerBytes)
    headerBytes += taken
    if (headerBytes === HEADER_BYTES) {
      headerBytes = 0
      left = header.readUInt32BE(4)
      const stream = header[0]
      if (stream === STREAMS.stdout || stream === STREAMS.stderr) current = outputs[stream]
      else throw new Error(`a frame of stream ${stream}`)
    }
    return chunk.subarray(taken)
  }
  const take = async (chunk: Buffer): Promise<void> => {
    let rest = chunk
    while (rest.length > 0) {
      if (left === 0) {
        rest = takeHeader(rest)
        continue
      }
      const data = rest.subarray(0, left)
      left -= data.length
      rest = rest.subarray(data.length)
      await current.write(data)
    }
  }
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      take(chunk).then(() => done(), done)
    },
    destroy(error, done) {
      for (const output of Object.values(outputs)) output.end()
      done(error)
    },
    final(done) {
      for (const output of Object.values(outputs)) output.end()
      done()
    },
  })
  return {
    sink,
    stdout: outputs[STREAMS.stdout].stream,
    stderr: outputs[STREAMS.stderr].stream,
    endAt(nonce) {
      for (const output of Object.values(outputs)) output.endAt(nonce)
    },
    marked: () => Object.values(outputs).every((output) => output.marked()),
  }
}

interface Ending {
  readonly stream: Readable
  /** Resolves when there is room for more, or nobody who wants it. */
  write(data: Buffer): Promise<void>
  endAt(nonce: Uint8Array): void
  marked(): boolean
  end(): void
}

const createDiscard = (): Pick<Ending, 'write'> => ({ write: () => Promise.resolve() })

/** A stream that can be told by which last bytes it ends. */
function createEnding(): Ending {
  const stream = new PassThrough()
  let nonce: Buffer | undefined
  /** What may be the beginning of the nonce. */
  let held: Buffer = Buffer.alloc(0)
  let marked = false

  const push = async (data: Buffer): Promise<void> => {
    if (data.length === 0 || !stream.writable || stream.write(data)) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) stream.off(event, done)
        resolve()
      }
      for (const event of ['drain', 'close', 'error']) stream.once(event, done)
    })
  }
  return {
    stream,
    async write(data) {
      if (nonce === undefined) return push(data)
      const all = Buffer.concat([held, data])
      const kept = Math.max(0, all.length - nonce.length)
      held = all.subarray(kept)
      marked = held.equals(nonce)
      if (marked) held = Buffer.alloc(0)
      await push(all.subarray(0, kept))
      if (marked) stream.end()
    },
    endAt(bytes) {
      nonce = Buffer.from(bytes)
    },
    marked: () => marked,
    end() {
      if (stream.writable) stream.end(held)
      held = Buffer.alloc(0)
    },
  }
}
