import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

/** Tells a person what happens, a line each; steps with the milliseconds since their title. */
export interface DemoVoice {
  say(text: string): void
  title(text: string): void
  step(text: string): void
  /** What a task wrote. */
  output(lines: readonly string[]): void
}

export function createDemoVoice({ stream }: { readonly stream: WriteStream }): DemoVoice {
  let startMs = performance.now()
  const styled = (style: 'bold' | 'dim' | 'cyan', text: string): string => styleText(style, text, { stream })
  const write = (line: string): void => void stream.write(`${line}\n`)
  return {
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
  }
}
