import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import type { Descriptor } from '../oci-documents.ts'
import { withRetries, type Answer } from './exchange.ts'
import { RegistryProblem, RegistryTrouble } from './registry-errors.ts'
import type { RegistrySession } from './session.ts'

/** A try that came no further than this counts as one that failed: a registry cannot keep us with a byte now and then. */
const PROGRESS_BYTES = 1024 * 1024
/** How often the whole of a blob may come, by a registry that does not go on where it was. */
const MAX_TIMES = 4

/**
 * A blob into a new file, held against its digest and length while it comes. What broke off goes on where it was, where
 * the registry can do that.
 *
 * @param options.onBytes how many came, fewer than 0 where it has to begin anew.
 * @throws RegistryProblem, RegistryTrouble; errors of the file system; the signal's reason. The file is left as it is.
 */
export async function fetchBlob({
  session,
  blob: { digest, size },
  file,
  onBytes,
}: {
  readonly session: RegistrySession
  readonly blob: Pick<Descriptor, 'digest' | 'size'>
  readonly file: string
  readonly onBytes: (bytes: number) => void
}): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    const sink = new BlobSink({ handle, digest, size, onBytes })
    // There is nothing to ask for in an empty one.
    if (size > 0)
      await withRetries(session, async (progress) => {
        const before = sink.furthest
        const what = `its blob ${digest}`
        try {
          await sink.take(await session.get({ path: `blobs/${digest}`, what, from: sink.received }))
        } catch (thrown) {
          if (sink.furthest - before >= PROGRESS_BYTES) progress()
          throw thrown
        }
      })
    sink.check()
  } finally {
    await handle.close()
  }
}

class BlobSink {
  readonly #handle: FileHandle
  readonly #digest: string
  readonly #size: number
  readonly #onBytes: (bytes: number) => void
  #hash: Hash = createHash('sha256')
  /** All that came, what had to come again included. */
  #takenBytes = 0
  /** Bytes that are in the file and in the hash. */
  received = 0
  /** The most that ever were. */
  furthest = 0

  constructor(options: {
    readonly handle: FileHandle
    readonly digest: string
    readonly size: number
    readonly onBytes: (bytes: number) => void
  }) {
    this.#handle = options.handle
    this.#digest = options.digest
    this.#size = options.size
    this.#onBytes = options.onBytes
  }

  async take(answer: Answer): Promise<void> {
    try {
      this.#begin(answer)
    } catch (thrown) {
      await answer.discard()
      throw thrown
    }
    for await (const chunk of answer.chunks()) {
      if (this.received + chunk.byteLength > this.#size)
        throw new RegistryProblem(`the registry sends more than the ${this.#size} bytes of its blob ${this.#digest}`)
      this.#takenBytes += chunk.byteLength
      if (this.#takenBytes > this.#size * MAX_TIMES)
        throw new RegistryProblem(`the registry begins with its blob ${this.#digest} again and again`)
      await writeAll({ handle: this.#handle, chunk, position: this.received })
      this.#hash.update(chunk)
      this.received += chunk.byteLength
      this.furthest = Math.max(this.furthest, this.received)
      this.#onBytes(chunk.byteLength)
    }
    if (this.received < this.#size) throw new RegistryTrouble('broke off', { answered: true })
  }

  #begin({ status, headers }: Answer): void {
    const rest = this.#size - this.received
    const range = /^bytes (\d{1,16})-\d{1,16}\/(?:\d{1,16}|\*)$/.exec(headers.get('content-range') ?? '')
    const goesOn = status === 206 && range !== null && Number(range[1]) === this.received
    if (status === 206 && !goesOn)
      throw new RegistryProblem('the registry gives another part of a blob than it was asked for')
    const expected = goesOn ? rest : this.#size
    const length = headers.get('content-length')
    if (length !== null && length !== String(expected))
      throw new RegistryProblem(`its blob ${this.#digest} is of another length than its manifest says (${this.#size})`)
    if (!goesOn) this.#startOver()
  }

  #startOver(): void {
    this.#onBytes(-this.received)
    this.received = 0
    this.#hash = createHash('sha256')
  }

  check(): void {
    const digest = `sha256:${this.#hash.digest('hex')}`
    if (digest !== this.#digest) throw new RegistryProblem(`the registry gives ${digest} for its blob ${this.#digest}`)
  }
}

async function writeAll({
  handle,
  chunk,
  position,
}: {
  readonly handle: FileHandle
  readonly chunk: Uint8Array
  readonly position: number
}): Promise<void> {
  for (let at = 0; at < chunk.byteLength;) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.byteLength - at, position + at)
    at += bytesWritten
  }
}
