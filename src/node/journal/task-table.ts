import { SoukError } from '../../protocol/errors.ts'
import type { TaskSpec } from '../../protocol/task.ts'
import type { Journal, JournalRecord } from './journal.ts'
import type { LedgerRecord } from './ledger-rows.ts'
import {
  acceptedTask,
  isSettled,
  reduce,
  type AcceptedEvent,
  type LiveTask,
  type SettledTask,
  type TaskEventRecord,
  type TaskRecord,
} from './task-state.ts'
import { trackTask, type TrackedTask } from './tracked-task.ts'

export type LaterEvent = Exclude<TaskEventRecord, AcceptedEvent>

/** How much of settled tasks is kept, over all requesters. */
export interface KeptAmounts {
  readonly results: number
  /** What they take in the journal, and about as much in memory. */
  readonly journaledBytes: number
  /** What they wrote to stdout and stderr. */
  readonly outputBytes: number
}

/**
 * Every task that this node knows, and the only way to change one: an event is first made durable, then applied in memory, then
 * shown to followers.
 */
export interface TaskTable {
  /** @throws SoukError INTERNAL when there is no such task. */
  get(taskId: string): TrackedTask
  find(taskId: string): TrackedTask | undefined
  /** All tasks of one requester, in the order of their acceptance. */
  of(requester: string): readonly TrackedTask[]
  all(): Iterable<TrackedTask>
  /**
   * A new task, and in the same write its first attempt where that begins at once. False when the task, or its nonce,
   * was there before.
   */
  accept(acceptance: {
    readonly event: AcceptedEvent
    /** What `event.spec` says. */
    readonly spec: TaskSpec
    readonly beginsAtMs?: number
    /** What else has to be in that write. */
    readonly records?: readonly LedgerRecord[]
  }): Promise<boolean>
  /**
   * Waits until earlier commits of the task are through, calls `decide` with the task as it is then, and commits the event that it
   * returns, if any. Resolves to whether there was one.
   */
  commit(change: {
    readonly taskId: string
    readonly decide: (record: TaskRecord) => LaterEvent | undefined
  }): Promise<boolean>
  /** A task that the journal had when the node started. */
  restore(task: TrackedTask): void
  /** Counts a task that is being accepted among those waiting, until the returned function is called. */
  join(requester: string): () => void
  /** Tasks that are accepted and have not started, inputs being fetched included. */
  waiting(): number
  waitingOf(requester: string): number
  waitingOfUnknown(): number
  /** How much is kept of settled tasks now. */
  kept(): KeptAmounts
}

export function createTaskTable(options: {
  readonly journal: Journal
  readonly isKnown: (requester: string) => boolean
  /** Called when a task's end is durable, before its followers are told. */
  readonly onSettled: (task: TrackedTask, settled: { readonly before: LiveTask; readonly after: SettledTask }) => void
  readonly onFatal: (error: SoukError) => void
}): TaskTable {
  const tasks = new Map<string, TrackedTask>()
  const byRequester = new Map<string, Set<TrackedTask>>()
  const waitingBy = new Map<string, number>()
  let waiting = 0
  let waitingOfUnknown = 0
  const kept = { results: 0, journaledBytes: 0, outputBytes: 0 }

  /** The output of a settled task does not change any more. */
  function countKept({ record, sizes }: TrackedTask, change: 1 | -1): void {
    if (!isSettled(record)) return
    kept.results += change
    kept.journaledBytes += change * record.journaledBytes
    kept.outputBytes += change * (sizes.stdout + sizes.stderr)
  }

  function countWaiting(requester: string, change: 1 | -1): void {
    waiting += change
    if (!options.isKnown(requester)) waitingOfUnknown += change
    const count = (waitingBy.get(requester) ?? 0) + change
    if (count > 0) waitingBy.set(requester, count)
    else waitingBy.delete(requester)
  }

  function add(task: TrackedTask): void {
    const { taskId, requester } = task.record
    tasks.set(taskId, task)
    const own = byRequester.get(requester) ?? new Set()
    byRequester.set(requester, own.add(task))
    if (task.record.state === 'queued') countWaiting(requester, 1)
    countKept(task, 1)
  }

  function update(task: TrackedTask, next: TaskRecord | undefined): void {
    const { taskId, requester, state } = task.record
    if (state === 'queued' && next?.state !== 'queued') countWaiting(requester, -1)
    if (state !== 'queued' && next?.state === 'queued') countWaiting(requester, 1)
    countKept(task, -1)
    const before = task.record
    if (!isSettled(before) && next !== undefined && isSettled(next)) options.onSettled(task, { before, after: next })
    if (next === undefined) {
      tasks.delete(taskId)
      const own = byRequester.get(requester)
      own?.delete(task)
      if (own?.size === 0) byRequester.delete(requester)
    } else {
      task.record = next
      countKept(task, 1)
    }
    task.changes.notify()
  }

  async function append(events: readonly [TaskEventRecord, ...JournalRecord[]]): Promise<boolean> {
    try {
      const result = await options.journal.append(events)
      return result.appended
    } catch (error) {
      const fatal = SoukError.from(error)
      // A full journal may refuse new tasks. That an accepted task's later event cannot be written is fatal: its end must not be lost.
      if (events[0].kind !== 'accepted' || fatal.code !== 'STORAGE_FULL') options.onFatal(fatal)
      throw fatal
    }
  }

  function get(taskId: string): TrackedTask {
    const task = tasks.get(taskId)
    if (task !== undefined) return task
    throw new SoukError({
      code: 'INTERNAL',
      message: `No task ${taskId}`,
      details: { reason: 'a task of this node is not in its table' },
    })
  }

  return {
    get,
    find: (taskId) => tasks.get(taskId),
    of: (requester) => [...(byRequester.get(requester) ?? [])],
    all: () => tasks.values(),
    async accept({ event, spec, beginsAtMs, records = [] }) {
      const { taskId } = event
      const accepted = acceptedTask(event, spec)
      if (beginsAtMs === undefined) {
        const appended = await append([event, ...records])
        if (appended) add(trackTask(accepted))
        return appended
      }
      const started: LaterEvent = { kind: 'started', taskId, attempt: 1, atMs: beginsAtMs }
      const running = reduce(accepted, started)
      const appended = await append([event, started, ...records])
      if (appended && running !== undefined) add(trackTask(running))
      return appended
    },
    commit({ taskId, decide }) {
      const task = get(taskId)
      const commit = async (): Promise<boolean> => {
        const event = decide(task.record)
        if (event === undefined) return false
        // Before it is written: an impossible event must not reach the journal.
        const next = reduce(task.record, event)
        await append([event])
        update(task, next)
        return true
      }
      const committed = task.lastCommit.then(commit)
      task.lastCommit = committed.catch(() => undefined)
      return committed
    },
    restore: add,
    join(requester) {
      countWaiting(requester, 1)
      let left = false
      return () => {
        if (left) return
        left = true
        countWaiting(requester, -1)
      }
    },
    waiting: () => waiting,
    waitingOf: (requester) => waitingBy.get(requester) ?? 0,
    waitingOfUnknown: () => waitingOfUnknown,
    kept: () => kept,
  }
}

/** How many tasks are in each state; `preparing` are queued ones whose inputs are being fetched. */
export function countStates(
  tasks: Iterable<TrackedTask>,
): Record<'queued' | 'preparing' | 'running' | 'finished' | 'failed', number> {
  const counts = { queued: 0, preparing: 0, running: 0, finished: 0, failed: 0 }
  for (const task of tasks)
    counts[task.preparing !== undefined && !isSettled(task.record) ? 'preparing' : task.record.state] += 1
  return counts
}
