import { readSync, writeSync } from 'node:fs'
import { fail } from './errno.ts'
import { GuestExit } from './guest-exit.ts'

/** The descriptors of this process on which the task's standard streams are. */
export interface StreamDescriptors {
  readonly stdin: number
  readonly stdout: number
  readonly stderr: number
}

/** Up to here scattered buffers are written as one: a line and its newline arrive together. */
const GATHER_BYTES = 65_536

const codeOf = (thrown: unknown): string | undefined =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined

export interface StreamsOptions {
  readonly descriptors: StreamDescriptors
  /** Both outputs together. */
  readonly outputBytes: number
  /** A read of standard input fills its buffer unless the input ends: how much it gets depends on no pipe. */
  readonly wholeReads?: boolean
}

/** The task's standard streams: blocking, unbuffered, and output only up to its limit. */
export class Streams {
  readonly #descriptors: StreamDescriptors
  readonly #wholeReads: boolean
  #outputLeftBytes: number
  #ended = false

  constructor({ descriptors, outputBytes, wholeReads = false }: StreamsOptions) {
    this.#descriptors = descriptors
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
      const count = readSync(this.#descriptors.stdin, target)
      this.#ended = count === 0
      return count
    } catch (error) {
      if (codeOf(error) !== 'ECONNRESET') return fail('io')
      this.#ended = true
      return 0
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
    const length = Math.min(source.length, this.#outputLeftBytes)
    for (let done = 0; done < length;) {
      try {
        const count = writeSync(this.#descriptors[kind], source, done, length - done)
        done += count
        this.#outputLeftBytes -= count
      } catch (error) {
        fail(codeOf(error) === 'EPIPE' ? 'pipe' : 'io')
      }
    }
    if (length < source.length) throw new GuestExit({ kind: 'output' })
  }
}
