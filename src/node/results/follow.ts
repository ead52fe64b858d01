import type { OutputOffsets, OutputStream, TaskEvent } from '../../protocol/events.ts'
import { readOutput } from './output-log.ts'
import { isSettled } from '../journal/task-state.ts'
import type { TrackedTask } from '../journal/tracked-task.ts'

/** Bytes of output in one event. */
const CHUNK_BYTES = 64 * 1024

/**
 * What a follower sees of a task, from now to its end: each change of state, output from `offsets`, and `finished` after the last
 * byte. The output of a new attempt starts from 0. Output of a task that has finished but is not paid is withheld: after paying, its
 * requester follows again from where the output ended.
 */
export async function* followTask(options: {
  readonly task: TrackedTask
  /** Whether a finished task is paid, so that its output may go to its requester. */
  readonly isReleased: (task: TrackedTask) => boolean
  readonly offsets: OutputOffsets
  readonly outputDir: string
  readonly positionOf: (taskId: string) => number | undefined
  readonly nowMs: () => number
  readonly signal: AbortSignal
}): AsyncGenerator<TaskEvent> {
  const { task, signal } = options
  const offsets = { ...options.offsets }
  let shown = ''
  // Whoever joins while a retry waits has offsets into the attempt before it.
  let shownAttempt = task.record.state === 'queued' ? task.record.attempts : 0
  while (!signal.aborted) {
    const { version } = task.changes
    const { record, sizes } = task
    if (record.attempts > shownAttempt && record.startedAtMs !== undefined && record.state !== 'queued') {
      if (shownAttempt > 0) offsets.stdout = offsets.stderr = 0
      shownAttempt = record.attempts
      yield { kind: 'started', atMs: record.startedAtMs, attempt: record.attempts }
    } else if (record.state === 'queued') {
      const event = waitingEvent(options)
      const key = JSON.stringify({ ...event, atMs: 0 })
      if (key !== shown) yield event
      shown = key
    }
    const withheld = isSettled(record) && record.state === 'finished' && !options.isReleased(task)
    let more = false
    for (const stream of ['stdout', 'stderr'] as const satisfies readonly OutputStream[]) {
      const available = sizes[stream] - offsets[stream]
      if (available <= 0 || withheld) continue
      const data = await readOutput({
        dir: options.outputDir,
        taskId: record.taskId,
        stream,
        offset: offsets[stream],
        length: Math.min(available, CHUNK_BYTES),
      })
      // A new attempt may have emptied the file meanwhile: the next round will show it.
      if (data.byteLength === 0) continue
      yield { kind: 'output', stream, offset: offsets[stream], data }
      offsets[stream] += data.byteLength
      more ||= available > data.byteLength
    }
    if (more) continue
    if (isSettled(record) && version === task.changes.version) {
      yield { kind: 'finished', atMs: record.finishedAtMs, result: record.result }
      return
    }
    await task.changes.after(version, { signal })
  }
}

function waitingEvent({
  task,
  positionOf,
  nowMs,
}: {
  readonly task: TrackedTask
  readonly positionOf: (taskId: string) => number | undefined
  readonly nowMs: () => number
}): TaskEvent {
  const { record, preparing } = task
  if (preparing !== undefined) return { kind: 'preparing', atMs: nowMs(), ...preparing }
  return { kind: 'queued', atMs: record.acceptedAtMs, position: positionOf(record.taskId) ?? 0 }
}
