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

/** The task's standard streams: blocking, unbuffered, and output only up to its limit. */
export class Streams {
  readonly #descriptors: StreamDescriptors
  #outputLeftBytes: number
  #ended = false

  constructor({ descriptors, outputBytes }: { readonly descriptors: StreamDescriptors; readonly outputBytes: number }) {
    this.#descriptors = descriptors
    this.#outputLeftBytes = outputBytes
  }

  /** Blocks until there is something; 0 is the end. */
  read(target: Uint8Array): number {
    if (target.length === 0 || this.#ended) return 0
    try {
      const count = readSync(this.#descriptors.stdin, target)
      this.#ended = count === 0
      return count
    } catch (error) {
      if (codeOf(error) === 'ECONNRESET') return 0
      return fail('io')
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
