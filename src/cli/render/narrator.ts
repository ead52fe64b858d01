import { formatElapsed } from './quantities.ts'
import type { TerminalStream } from './terminal.ts'

/** Tells on standard error what happens, a line each with the time since the start; progress only on a terminal. */
export interface Narrator {
  say(text: string): void
  /** A line that the next one replaces. */
  progress(text: string): void
  /** What a task writes to standard error, between the lines. */
  write(data: Uint8Array): Promise<void>
  /** Something else is about to be written to the same screen: removes the line of progress, and sees where a line ends. */
  makeWayFor(data: Uint8Array): void
}

const PROGRESS_INTERVAL_MS = 100
const NEWLINE = 0x0a

export interface NarratorOptions {
  readonly stderr: TerminalStream
  readonly quiet: boolean
  /** Milliseconds since the start of the command. */
  readonly nowMs: () => number
}

export function createNarrator({ stderr, quiet, nowMs }: NarratorOptions): Narrator {
  let progressShown = false
  let progressAtMs = -Infinity
  /** Whether what was written last has ended its line. */
  let atLineStart = true

  // Narration that cannot be written is nobody's failure.
  const write = (data: string | Uint8Array): Promise<void> => stderr.write(data).catch(() => undefined)
  const line = (text: string): string => `${stderr.colors.dim(`souk ${formatElapsed(nowMs()).padStart(7)}`)}  ${text}`

  function clear(): void {
    if (progressShown) void write('\r\u001b[K')
    progressShown = false
  }

  function makeWayFor(data: Uint8Array): void {
    clear()
    if (data.length > 0) atLineStart = data.at(-1) === NEWLINE
  }

  return {
    makeWayFor,
    say(text) {
      if (quiet) return
      clear()
      void write(`${atLineStart ? '' : '\n'}${line(text)}\n`)
      atLineStart = true
    },
    progress(text) {
      if (quiet || !stderr.isTTY || nowMs() - progressAtMs < PROGRESS_INTERVAL_MS) return
      progressAtMs = nowMs()
      clear()
      void write(`${atLineStart ? '' : '\n'}${line(text)}`)
      atLineStart = true
      progressShown = true
    },
    async write(data) {
      makeWayFor(data)
      await stderr.write(data)
    },
  }
}
