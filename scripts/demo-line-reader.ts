import { StringDecoder } from 'node:string_decoder'
import type { TaskEvent } from '../src/protocol/events.ts'

type OutputEvent = Extract<TaskEvent, { readonly kind: 'output' }>

/** Puts the lines of a task's two streams together again, however they were cut on their way. */
export class LineReader {
  readonly #tell: (line: string) => void
  readonly #begun = new Map<string, { decoder: StringDecoder; text: string }>()

  constructor(tell: (line: string) => void) {
    this.#tell = tell
  }

  push({ stream, data }: OutputEvent): void {
    const begun = this.#begun.get(stream) ?? { decoder: new StringDecoder(), text: '' }
    const lines = (begun.text + begun.decoder.write(Buffer.from(data))).split('\n')
    begun.text = lines.pop() ?? ''
    this.#begun.set(stream, begun)
    for (const line of lines) this.#tell(line)
  }

  /** A last line that nothing ended is a line too. */
  end(): void {
    for (const { text } of this.#begun.values()) if (text !== '') this.#tell(text)
    this.#begun.clear()
  }
}
