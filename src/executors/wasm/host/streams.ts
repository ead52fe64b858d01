import { fail } from './errno.ts'
import { GuestExit } from './guest-exit.ts'
import { isStackOverflow } from './traps.ts'

/** Where the task's standard streams come from and go to. Both calls block; what they throw is an I/O error for the task. */
export interface StreamPort {
  /** Reads at least one byte; 0 is the end of the input. */
  read(target: Uint8Array): number
  /** Writes all of `content`. */
  write(kind: 'stdout' | 'stderr', content: Uint8Array): void
}

/** Up to here scattered buffers are written as one: a line and its newline arrive together. */
const GATHER_BYTES = 65_536

export interface StreamsOptions {
  readonly port: StreamPort
  /** Both outputs together. */
  readonly outputBytes: number
  /** A read of standard input fills its buffer unless the input ends: how much it gets depends on no pipe. */
  readonly wholeReads?: boolean
}

/** The task's standard streams: blocking, unbuffered, and output only up to its limit. */
export class Streams {
  readonly #port: StreamPort
  readonly #wholeReads: boolean
  #outputLeftBytes: number
  #ended = false

  constructor({ port, outputBytes, wholeReads = false }: StreamsOptions) {
    this.#port = port
    this.#outputLeftBytes = outputBytes
    this.#wholeReads = wholeReads
  }

  /** Blocks until there is something; 0 is the end. */
  read(target: Uint8Array): number {
    let done = this.#readOnce(target)
    if (!this.#wholeReads) return done
    while (done < target.length && !this.#ended) done += this.#readOnce(target.subarray(done))
    return done
  }

  /** Reads into scattered buffers: the first that has room, and where reads are whole those after it too. */
  scatter(parts: readonly Uint8Array[]): number {
    let done = 0
    for (const part of parts) {
      if (part.length === 0) continue
      const count = this.read(part)
      done += count
      if (!this.#wholeReads || count < part.length) break
    }
    return done
  }

  #readOnce(target: Uint8Array): number {
    if (target.length === 0 || this.#ended) return 0
    try {
      const count = this.#port.read(target)
      this.#ended = count === 0
      return count
    } catch (error) {
      return broken(error)
    }
  }

  /** Writes all parts, in one go where they are small; at the limit on output it writes what fits and ends the task. */
  write(kind: 'stdout' | 'stderr', parts: readonly Uint8Array[]): number {
    const total = parts.reduce((sum, part) => sum + part.length, 0)
    for (const part of total <= GATHER_BYTES && parts.length > 1 ? [Buffer.concat(parts)] : parts)
      this.#writeAll(kind, part)
    return total
  }

  #writeAll(kind: 'stdout' | 'stderr', source: Uint8Array): void {
    const kept = source.subarray(0, this.#outputLeftBytes)
    try {
      this.#port.write(kind, kept)
    } catch (error) {
      broken(error)
    }
    this.#outputLeftBytes -= kept.length
    if (kept.length < source.length) throw new GuestExit({ kind: 'output' })
  }
}

/** A stream that fails is the task's to know; a full stack ends it, as everywhere else. */
function broken(error: unknown): never {
  if (isStackOverflow(error)) throw error
  return fail('io')
}
