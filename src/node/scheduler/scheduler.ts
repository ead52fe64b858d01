import { SoukError } from '../../protocol/errors.ts'
import {
  demandOf,
  shortagesOf,
  type Blocker,
  type Capacity,
  type CapacitySnapshot,
  type Resources,
} from './capacity.ts'
import type { Clock } from '../clock.ts'
import { DeadlineHeap, type HeapEntry } from './deadline-heap.ts'
import { expiryErrorOf, expiryOf, type LiveTask } from '../journal/task-state.ts'

/** What the scheduler needs to know of a task. */
export type WaitingTask = Pick<
  LiveTask,
  'taskId' | 'requester' | 'limits' | 'acceptedAtMs' | 'queuedAtMs' | 'queueDeadlineMs' | 'totalDeadlineMs'
>

export interface SchedulerOptions {
  readonly capacity: Capacity
  readonly clock: Clock
  /**
   * The task has its slot, cores, memory and disk until `release` is called, which is due when all of them
   * are free again. May be called before `enqueue`, or another task's `release`, returns. Must not throw.
   */
  readonly onStart: (start: { readonly taskId: string; readonly release: () => void }) => void
  /** The task left the queue because a deadline passed; `error` is QUEUE_TIMEOUT or TOTAL_TIMEOUT. Must not throw. */
  readonly onExpired: (expired: { readonly taskId: string; readonly error: SoukError }) => void
  /** How many tasks may start past one that is at the head of its line but too big for what is free. */
  readonly maxBypasses?: number
}

export interface SchedulerSnapshot {
  readonly queued: number
  readonly running: number
  readonly capacity: CapacitySnapshot
}

/**
 * A fair queue: first come, first served within a requester, and round robin between requesters, so that nobody's first task waits for
 * another's thousandth. If a task is too big for what is free, a bounded number of others may start before it (`maxBypasses`). After
 * that, nothing starts before it that would use what it waits for.
 */
export interface Scheduler {
  /** Starts the task now, or queues it. @throws SoukError INTERNAL when it is queued already, or can never run. */
  enqueue(task: WaitingTask): void
  /**
   * Reserves what a task needs if the task could start right now; returns its release, as `onStart` would give it. Undefined if it would
   * have to wait.
   */
  claim(task: Pick<WaitingTask, 'requester' | 'limits'>): (() => void) | undefined
  /** Counts a task that is running already; returns its release, as `onStart` would give it. */
  resume(task: Pick<WaitingTask, 'requester' | 'limits'>): () => void
  /** Takes a task out of the queue; false if it is not there (any more), so that its attempt has to be cancelled instead. */
  cancel(taskId: string): boolean
  /** How many queued tasks are likely to start before this one; undefined when it is not queued. */
  positionOf(taskId: string): number | undefined
  /** The same for a task that this requester would queue now. */
  positionOfNext(requester: string): number
  snapshot(): SchedulerSnapshot
  /** Starts nothing more. Queued tasks stay queued, and may expire. Resolves when nothing runs. */
  drain(): Promise<void>
  /** Starts and expires nothing more. */
  close(): void
}

const DEFAULT_MAX_BYPASSES = 16

interface Entry extends HeapEntry {
  readonly task: WaitingTask
  readonly demand: Resources
  readonly unknown: boolean
  /** How many tasks have started before it since it came to the head of its line. */
  bypasses: number
}

/** A task at the head of its line that cannot start, and what it waits for. */
interface BlockedTask {
  readonly entry: Entry
  readonly blocker: Blocker
}

/**
 * Whether starting `other` would use what a blocked task waits for. Other requesters are not in the way of a task that waits for its own
 * requester's share, nor known ones of a task that waits for the unknown peers' share, nor tasks without GPUs of one that waits for GPUs.
 */
function isInTheWay({ by, gpusAlone }: Blocker, other: Pick<Entry, 'demand' | 'unknown'>): boolean {
  if (by === 'peer' || (by === 'unknownPeers' && !other.unknown)) return false
  return !gpusAlone || other.demand.gpus > 0
}

/** A requester's line: tasks by id, in the order of arrival. */
type Line = Map<string, Entry>

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { capacity, clock, onStart, onExpired, maxBypasses = DEFAULT_MAX_BYPASSES } = options
  const entries = new Map<string, Entry>()
  /** The lines that are not empty, in the order of their turns. */
  const lines = new Map<string, Line>()
  /** Heads of lines that were bypassed `maxBypasses` times, in the order in which that happened: they go before all others. */
  const overdue = new Set<Entry>()
  const deadlines = new DeadlineHeap<Entry>()
  const idle: (() => void)[] = []
  let running = 0
  let stopped = false
  let closed = false
  let dispatching = false
  let dispatchAgain = false
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined

  function remove(entry: Entry): void {
    const { taskId, requester } = entry.task
    entries.delete(taskId)
    const line = lines.get(requester)
    line?.delete(taskId)
    if (line?.size === 0) lines.delete(requester)
    overdue.delete(entry)
    deadlines.remove(entry)
  }

  /**
   * Expires what is due, even if its timer is late, and starts whatever can start. A callback may call this again: then the loop
   * that is under way makes another round.
   */
  function dispatch(): void {
    if (dispatching) {
      dispatchAgain = true
      return
    }
    dispatching = true
    try {
      do {
        dispatchAgain = false
        if (!closed) expire()
        while (startNext());
      } while (dispatchAgain)
    } finally {
      dispatching = false
    }
    arm()
  }

  function startNext(): boolean {
    const { used, total } = capacity.snapshot()
    if (stopped || used.slots >= total.slots) return false
    const blocked: BlockedTask[] = []
    for (const entry of overdue) {
      const blocker = tryStart(entry)
      if (blocker === undefined) return true
      if (blocker.by === 'total' && !blocker.gpusAlone) return false
      blocked.push({ entry, blocker })
    }
    const passed: BlockedTask[] = []
    for (const line of lines.values()) {
      const [entry] = line.values()
      if (entry === undefined || overdue.has(entry) || blocked.some(({ blocker }) => isInTheWay(blocker, entry)))
        continue
      const blocker = tryStart(entry)
      if (blocker === undefined) {
        for (const other of passed) if (isInTheWay(other.blocker, entry)) notePassed(other.entry)
        return true
      }
      passed.push({ entry, blocker })
    }
    return false
  }

  function notePassed(entry: Entry): void {
    entry.bypasses += 1
    if (entry.bypasses >= maxBypasses) overdue.add(entry)
  }

  function tryStart(entry: Entry): Blocker | undefined {
    const { taskId, requester } = entry.task
    const reservation = capacity.reserve({ requester, demand: entry.demand })
    if (!reservation.reserved) return reservation.blocker
    remove(entry)
    const line = lines.get(requester)
    if (line !== undefined) {
      lines.delete(requester)
      lines.set(requester, line)
    }
    onStart({ taskId, release: started(reservation.release) })
    return undefined
  }

  /** Counts a task as running until the returned function is called, which also gives its resources back. */
  function started(giveBack: () => void): () => void {
    running += 1
    let released = false
    return () => {
      if (released) return
      released = true
      running -= 1
      giveBack()
      dispatch()
      if (running === 0) for (const resolve of idle.splice(0)) resolve()
    }
  }

  function expire(): void {
    const nowMs = clock.nowMs()
    for (let entry = deadlines.earliest; entry !== undefined && entry.deadlineMs <= nowMs; entry = deadlines.earliest) {
      remove(entry)
      onExpired({ taskId: entry.task.taskId, error: expiryErrorOf(entry.task, { nowMs }) })
    }
  }

  /** One timer, for the earliest deadline of all; one that fires early is armed anew. */
  function arm(): void {
    const atMs = closed ? undefined : deadlines.earliest?.deadlineMs
    if (timer?.atMs === atMs) return
    timer?.cancel()
    timer = atMs === undefined ? undefined : { atMs, cancel: clock.setTimeout(onTimer, atMs - clock.nowMs()) }
  }

  function onTimer(): void {
    timer = undefined
    dispatch()
  }

  return {
    enqueue(task) {
      const { taskId, requester } = task
      const demand = demandOf(task.limits, capacity.total)
      if (entries.has(taskId) || shortagesOf(demand, capacity.total).length > 0) {
        const reason = entries.has(taskId) ? `task ${taskId} is queued already` : `task ${taskId} can never run here`
        throw new SoukError({
          code: 'INTERNAL',
          message: `Cannot queue: ${reason}`,
          phase: 'queue',
          details: { reason },
        })
      }
      const unknown = !capacity.isKnown(requester)
      const entry: Entry = { task, demand, unknown, bypasses: 0, deadlineMs: expiryOf(task).atMs, heapIndex: -1 }
      entries.set(taskId, entry)
      const line = lines.get(requester)
      if (line === undefined) lines.set(requester, new Map([[taskId, entry]]))
      else line.set(taskId, entry)
      deadlines.add(entry)
      dispatch()
    },
    claim({ requester, limits }) {
      if (stopped || entries.size > 0) return undefined
      const reservation = capacity.reserve({ requester, demand: demandOf(limits, capacity.total) })
      return reservation.reserved ? started(reservation.release) : undefined
    },
    resume: ({ requester, limits }) => started(capacity.take({ requester, demand: demandOf(limits, capacity.total) })),
    cancel(taskId) {
      const entry = entries.get(taskId)
      if (entry === undefined) return false
      remove(entry)
      dispatch()
      return true
    },
    positionOf(taskId) {
      const entry = entries.get(taskId)
      if (entry === undefined) return undefined
      return positionIn(lines, entry.task)
    },
    positionOfNext: (requester) => positionIn(lines, { requester, taskId: '' }),
    snapshot: () => ({ queued: entries.size, running, capacity: capacity.snapshot() }),
    drain() {
      stopped = true
      return running === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))
    },
    close() {
      stopped = true
      closed = true
      arm()
    },
  }
}

/**
 * Assumes that all tasks are of one size, so that lines take turns: each other line starts at most as many tasks before this one as its
 * own line does, and one more if its turn is earlier.
 */
function positionIn(lines: ReadonlyMap<string, Line>, task: Pick<WaitingTask, 'requester' | 'taskId'>): number {
  let before = 0
  for (const id of lines.get(task.requester)?.keys() ?? []) {
    if (id === task.taskId) break
    before += 1
  }
  let position = before
  let ahead = true
  for (const [requester, line] of lines) {
    if (requester === task.requester) ahead = false
    else position += Math.min(line.size, ahead ? before + 1 : before)
  }
  return position
}
