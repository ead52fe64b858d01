import type { OutputOffsets, TaskEvent, TaskSummary } from '../protocol/events.ts'

export type OutputEvent = Extract<TaskEvent, { readonly kind: 'output' }>

export interface TaskLogsOptions {
  readonly show: (options: { readonly signal?: AbortSignal }) => Promise<TaskSummary>
  readonly events: (options: {
    readonly offsets?: OutputOffsets
    readonly signal?: AbortSignal
  }) => AsyncIterable<TaskEvent>
  readonly follow?: boolean
  readonly offsets?: OutputOffsets
  readonly signal?: AbortSignal
}

/** A task's output from the offsets: all there is now, or, with `follow`, up to its end. */
export async function* taskLogs({
  show,
  events,
  follow = false,
  ...options
}: TaskLogsOptions): AsyncGenerator<OutputEvent, void, undefined> {
  const { offsets = { stdout: 0, stderr: 0 } } = options
  const wanted = follow ? undefined : await show(options)
  const left = wanted && { stdout: wanted.stdoutBytes - offsets.stdout, stderr: wanted.stderrBytes - offsets.stderr }
  const isDone = (): boolean => left !== undefined && left.stdout <= 0 && left.stderr <= 0
  if (isDone()) return
  for await (const event of events(options)) {
    // What was there has been replaced by a new attempt's output.
    if (wanted !== undefined && event.kind === 'started' && event.attempt > wanted.attempts) return
    if (event.kind !== 'output') continue
    yield event
    if (left === undefined) continue
    left[event.stream] -= event.data.byteLength
    if (isDone()) return
  }
}
