import type { PreparingProgress, TaskEvent } from '../../protocol/events.ts'
import type { Narrator } from './narrator.ts'
import { counted, formatSize } from './quantities.ts'
import type { TerminalStream } from './terminal.ts'

export interface TaskView {
  readonly stdout: TerminalStream
  readonly narrator: Narrator
  /** Output is not shown as it comes: it is in the document at the end. */
  readonly withoutOutput: boolean
}

/** Shows a task's events as they come: its output, and a line for each change of state. */
export function viewTask({ stdout, narrator, withoutOutput }: TaskView): (event: TaskEvent) => Promise<void> {
  let fetching: PreparingProgress['what'] | undefined
  return async (event) => {
    switch (event.kind) {
      case 'queued':
        return narrator.say(event.position === 0 ? 'queued' : `queued, ${counted(event.position, 'task')} before it`)
      case 'preparing': {
        const { what, fetchedBytes, totalBytes } = event
        const progress = `${formatSize(fetchedBytes)} of ${formatSize(totalBytes)}`
        if (fetching === what)
          narrator.progress(what === 'image' ? `pulling image ${progress}` : `transferred ${progress}`)
        else
          narrator.say(
            `${what === 'image' ? 'pulling its image' : 'transferring its files'}, ${formatSize(totalBytes)}`,
          )
        fetching = what
        return
      }
      case 'started':
        fetching = undefined
        return narrator.say(
          event.attempt === 1 ? 'running' : `running, attempt ${event.attempt}: its output starts anew`,
        )
      case 'output':
        if (withoutOutput) return
        if (event.stream === 'stderr') return narrator.write(event.data)
        if (stdout.isTTY) narrator.makeWayFor(event.data)
        return stdout.write(event.data)
      case 'finished':
        return
    }
  }
}
