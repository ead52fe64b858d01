import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Well below what V8 waits for before it marks its heap; more than what is on its way at a time, so that little of it is kept twice. */
const COLLECT_BYTES = 4 * 1024 * 1024

let collect: (() => void) | undefined
let bytesSince = 0

/**
 * Told of messages whose bytes OpenSSL and the socket put beside V8's heap, each for a moment only, and has the young
 * generation, where they hang, collected every 4 MiB: 1 ms. V8 by itself marks its whole heap, once for each 10 MB or so of
 * them, as what young objects there are takes longer to fill its 32 MiB for the young: for a blob of 128 MiB through two
 * nodes with 25 MiB of heap, some 15 times. Without this it took 1.65 s of CPU time there, with it 1.1 s.
 */
export function passedThrough(bytes: number): void {
  bytesSince += bytes
  if (bytesSince < COLLECT_BYTES) return
  bytesSince = 0
  collect ??= youngCollection()
  collect()
}

/** Node gives it out as documented for --expose-gc; here to one context alone, which nobody else sees. */
function youngCollection(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('globalThis.gc') as NodeJS.GCFunction | undefined
  setFlagsFromString('--no-expose-gc')
  return () => gc?.({ type: 'minor' })
}
