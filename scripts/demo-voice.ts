import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

/** Tells a person what happens, a line each; steps with the milliseconds since their title. */
export interface DemoVoice {
  /** The most characters in a line that does not wrap. */
  readonly width: number
  say(text: string): void
  title(text: string): void
  step(text: string): void
  /** What a task wrote. */
  output(lines: readonly string[]): void
  /** Lines that belong together, the first a heading. */
  table(lines: readonly string[]): void
}

export function createDemoVoice({ stream }: { readonly stream: WriteStream }): DemoVoice {
  let startMs = performance.now()
  const styled = (style: 'bold' | 'dim' | 'cyan', text: string): string => styleText(style, text, { stream })
  const write = (line: string): void => void stream.write(`${line}\n`)
  return {
    width: stream.isTTY ? stream.columns : Infinity,
    say: write,
    title(text) {
      startMs = performance.now()
      write(`\n${styled('bold', text)}`)
    },
    step(text) {
      const elapsed = `${Math.round(performance.now() - startMs)} ms`
      write(`${styled('dim', elapsed.padStart(9))}  ${text}`)
    },
    output(lines) {
      for (const line of lines) write(`${' '.repeat(9)}  ${styled('cyan', `│ ${line}`)}`)
    },
    table([heading = '', ...lines]) {
      write(styled('dim', heading))
      for (const line of lines) write(line)
    },
  }
}
