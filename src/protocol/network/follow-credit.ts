import { protocolError } from '../wire-fields.ts'
import { WIRE_BOUNDS } from '../wire-bounds.ts'

/**
 * What a provider may still send of one follow, in bytes of frames. A frame may be sent while any credit is
 * left, so one may overdraw it: a receipt larger than the window is no deadlock.
 */
export class FollowCredit {
  #bytes: number
  #wake: (() => void) | undefined

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  /** @throws SoukError PROTOCOL_ERROR where the follower would have more than the protocol allows. */
  grant(bytes: number): void {
    if (this.#bytes + bytes > WIRE_BOUNDS.followCreditBytes)
      throw protocolError(`a follow has more than ${WIRE_BOUNDS.followCreditBytes} bytes of credit`)
    this.#bytes += bytes
    if (this.#bytes > 0) this.#wake?.()
  }

  spend(bytes: number): void {
    this.#bytes -= bytes
  }

  /** Resolves when there is credit, or when `signal` aborts. One waiter at a time. */
  async available(signal: AbortSignal): Promise<void> {
    while (this.#bytes <= 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const onAbort = (): void => resolve()
      signal.addEventListener('abort', onAbort, { once: true })
      await promise
      signal.removeEventListener('abort', onAbort)
      this.#wake = undefined
    }
  }
}
