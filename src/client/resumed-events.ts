import { SoukError } from '../protocol/errors.ts'
import type { OutputOffsets, TaskEvent } from '../protocol/events.ts'
import { protocolError } from '../protocol/wire-fields.ts'

/** What a follower needs of {@link file://./patience.ts}. */
export interface Persistence {
  progress(): void
  afterFailure(thrown: unknown): Promise<void>
}

export interface ResumedEventsOptions {
  /** Starts a follow; what it throws, and what its iteration throws, may be passing. */
  readonly open: (offsets: OutputOffsets) => Promise<AsyncIterable<TaskEvent>>
  readonly patience: Persistence
  readonly offsets?: OutputOffsets
}

type Advance = 'show' | 'hide' | 'restart'

/**
 * One task's events over as many follows as it takes. Each new follow starts at the bytes that had come; what it says
 * again is left out. Where a new attempt has begun in between, its output is followed from the start.
 * @throws what `patience` does not bear with; SoukError PROTOCOL_ERROR where output is missing or comes twice
 */
export async function* resumedEvents({
  open,
  patience,
  offsets,
}: ResumedEventsOptions): AsyncGenerator<TaskEvent, void, undefined> {
  const place = new Place(offsets ?? { stdout: 0, stderr: 0 })
  for (;;) {
    try {
      place.beginFollow()
      for await (const event of await open(place.offsets)) {
        const advance = place.advance(event)
        if (advance !== 'hide') {
          patience.progress()
          yield event
        }
        if (event.kind === 'finished') return
        if (advance === 'restart') break
      }
      if (!place.restarting) throw endedEarly()
    } catch (thrown) {
      await patience.afterFailure(thrown)
    }
  }
}

/** How far a task's events have come. */
class Place {
  #stdout: number
  #stderr: number
  #attempt = 0
  /** The last state that was shown, so that a new follow does not show it again. */
  #state = ''
  #startedInFollow = false
  #outputInFollow = false
  restarting = false

  constructor({ stdout, stderr }: OutputOffsets) {
    this.#stdout = stdout
    this.#stderr = stderr
  }

  get offsets(): OutputOffsets {
    return { stdout: this.#stdout, stderr: this.#stderr }
  }

  beginFollow(): void {
    this.#startedInFollow = this.#outputInFollow = this.restarting = false
  }

  advance(event: TaskEvent): Advance {
    switch (event.kind) {
      case 'output':
        return this.#output(event)
      case 'started':
        return this.#started(event.attempt)
      case 'finished':
        return 'show'
      case 'queued':
      case 'preparing': {
        const state = JSON.stringify({ ...event, atMs: 0 })
        if (state === this.#state) return 'hide'
        this.#state = state
        return 'show'
      }
    }
  }

  #output({ stream, offset, data }: Extract<TaskEvent, { readonly kind: 'output' }>): Advance {
    const expected = stream === 'stdout' ? this.#stdout : this.#stderr
    if (offset !== expected) throw protocolError(`${stream} at byte ${offset} came where ${expected} was due`)
    if (stream === 'stdout') this.#stdout += data.byteLength
    else this.#stderr += data.byteLength
    this.#outputInFollow = true
    return 'show'
  }

  #started(attempt: number): Advance {
    const first = !this.#startedInFollow
    this.#startedInFollow = true
    if (attempt === this.#attempt) return 'hide'
    if (attempt < this.#attempt) throw protocolError(`attempt ${attempt} started after ${this.#attempt}`)
    const known = this.#attempt > 0
    this.#attempt = attempt
    this.#state = ''
    // The offsets that the caller came with are of the attempt that it finds, unless output of an earlier one was still there.
    if (!known && !this.#outputInFollow) return 'show'
    const atStart = this.#stdout === 0 && this.#stderr === 0
    this.#stdout = this.#stderr = 0
    // A provider starts anew by itself only where it has told this follow of an attempt before.
    this.restarting = first && !atStart
    return this.restarting ? 'restart' : 'show'
  }
}

function endedEarly(): SoukError<'CONNECTION_LOST'> {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: 'The provider ended the events before the task had ended.',
    details: {},
  })
}
