import { Writable } from 'node:stream'
import { MAX_BODY_BYTES, toInit, WINDOW_BYTES } from './init-frames.ts'

/** The task's standard input, as far as its first process takes it. */
export interface InitStdin {
  readonly stream: Writable
  /** So many bytes in all are used: there is room for more. */
  used(bytes: number): void
  /** Nobody takes any more; what comes is dropped. */
  drop(): void
}

/**
 * @param skipBytes what init has had already, of the same input, from a node that was there before. How much of that it still
 *   holds it says next: until then there may be no room for more.
 */
export function createInitStdin({
  send,
  skipBytes = 0,
}: {
  readonly send: (frame: Buffer) => void
  readonly skipBytes?: number
}): InitStdin {
  let toSkip = skipBytes
  let sent = skipBytes
  let used = Math.max(0, skipBytes - WINDOW_BYTES)
  let dropped = false
  /** A write that waits for room. */
  let goOn: (() => void) | undefined

  const write = (chunk: Buffer, done: () => void): void => {
    let rest = chunk.subarray(Math.min(toSkip, chunk.length))
    toSkip -= chunk.length - rest.length
    const pass = (): void => {
      goOn = undefined
      while (rest.length > 0 && !dropped) {
        const room = Math.min(WINDOW_BYTES - (sent - used), MAX_BODY_BYTES)
        if (room <= 0) {
          goOn = pass
          return
        }
        send(toInit.stdin(rest.subarray(0, room)))
        sent += Math.min(room, rest.length)
        rest = rest.subarray(room)
      }
      done()
    }
    pass()
  }
  return {
    stream: new Writable({
      write: (chunk: Buffer, _encoding, done) => write(chunk, done),
      final(done) {
        send(toInit.stdinEnd())
        done()
      },
    }),
    used(bytes) {
      used = Math.max(used, Math.min(bytes, sent))
      goOn?.()
    },
    drop() {
      dropped = true
      goOn?.()
    },
  }
}
