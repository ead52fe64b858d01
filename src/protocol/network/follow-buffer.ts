import type { TaskEvent } from '../events.ts'
import { protocolError } from '../wire-fields.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

interface Buffered {
  readonly event: TaskEvent
  readonly frameBytes: number
}

/**
 * A follow's events between the stream and who iterates: bounded by the credit that the provider was granted,
 * and granted anew only as they are taken.
 */
export class FollowBuffer {
  readonly #grant: (bytes: number) => void
  readonly #events: Buffered[] = []
  #credit: number = WIRE_LIMITS.followWindowBytes
  #taken = 0
  #end: { readonly reason?: Error } | undefined
  #wake: (() => void) | undefined

  /** @param grant sends the provider so many bytes of new credit */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  /** @throws SoukError PROTOCOL_ERROR where the provider had no credit left */
  push(event: TaskEvent, frameBytes: number): void {
    if (this.#credit <= 0) throw protocolError('an event came beyond the credit of its follow')
    this.#credit -= frameBytes
    this.#events.push({ event, frameBytes })
    this.#wake?.()
  }

  /** Nothing more comes; what was pushed is still handed out, then `reason` is thrown where there is one. */
  end(reason?: Error): void {
    this.#end ??= reason === undefined ? {} : { reason }
    this.#wake?.()
  }

  /** The next event, or undefined after the last. One call at a time. */
  async next(): Promise<TaskEvent | undefined> {
    for (;;) {
      const buffered = this.#events.shift()
      if (buffered !== undefined) {
        this.#give(buffered.frameBytes)
        return buffered.event
      }
      if (this.#end?.reason !== undefined) throw this.#end.reason
      if (this.#end !== undefined) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Grants what was taken, but not for every small event alone. */
  #give(frameBytes: number): void {
    this.#taken += frameBytes
    if (this.#taken < WIRE_LIMITS.followWindowBytes / 2 || this.ended) return
    this.#credit += this.#taken
    this.#grant(this.#taken)
    this.#taken = 0
  }
}
