import type { Logger } from 'pino'
import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Clock } from '../clock.ts'
import { outputHolder } from '../journal/holders.ts'
import { removeOutput } from './output-log.ts'
import { isSettled, type SettledTask } from '../journal/task-state.ts'
import type { KeptAmounts, TaskTable } from '../journal/task-table.ts'

export interface RetentionPolicy {
  /** How long a settled task, its output and its result files are kept. */
  readonly resultsMs: number
  /** The most that is kept. Beyond, the requester who has the most loses its oldest results. */
  readonly most: KeptAmounts
}

/** A settled task, as far as keeping it is concerned. */
export interface KeptTask extends Pick<SettledTask, 'taskId' | 'requester' | 'finishedAtMs' | 'journaledBytes'> {
  readonly outputBytes: number
}

const SWEEP_INTERVAL_MS = 10_000
const AMOUNTS = ['results', 'journaledBytes', 'outputBytes'] as const satisfies readonly (keyof KeptAmounts)[]

export interface RetentionOptions {
  readonly tasks: TaskTable
  readonly store: ArtifactStore
  readonly policy: RetentionPolicy
  readonly isKnown: (requester: string) => boolean
  readonly clock: Clock
  readonly outputDir: string
  readonly logger: Logger
}

const amountOf = (task: KeptTask, amount: keyof KeptAmounts): number => (amount === 'results' ? 1 : task[amount])

/**
 * The settled tasks to remove: those that are past their time, oldest first, and then those beyond `policy.most`. The latter are taken
 * from whoever has the most of the amount that is exceeded. All unknown requesters count as one for that, and among them it is again
 * the one with the most, so that nobody loses results because others have many.
 */
export function expiredTasks(options: {
  readonly settled: readonly KeptTask[]
  readonly policy: RetentionPolicy
  readonly isKnown: (requester: string) => boolean
  readonly nowMs: number
}): readonly KeptTask[] {
  const { settled, policy, isKnown, nowMs } = options
  const oldestFirst = settled.toSorted((a, b) => a.finishedAtMs - b.finishedAtMs)
  const isLate = (task: KeptTask): boolean => task.finishedAtMs + policy.resultsMs <= nowMs
  const expired = oldestFirst.filter(isLate)
  const kept = new Set(oldestFirst.filter((task) => !isLate(task)))
  for (const amount of AMOUNTS) {
    for (const task of surplusOf({ kept: [...kept], amount, most: policy.most[amount], isKnown })) {
      kept.delete(task)
      expired.push(task)
    }
  }
  return expired
}

/** A requester's tasks, or a group of requesters, and how much of something they have. */
interface Heap<Member> {
  readonly members: Member[]
  sum: number
}

/** Which of the tasks, given oldest first, have to go so that `most` is not exceeded. */
function surplusOf({
  kept,
  amount,
  most,
  isKnown,
}: {
  readonly kept: readonly KeptTask[]
  readonly amount: keyof KeptAmounts
  readonly most: number
  readonly isKnown: (requester: string) => boolean
}): readonly KeptTask[] {
  let sum = kept.reduce((before, task) => before + amountOf(task, amount), 0)
  if (sum <= most) return []
  const requesters = new Map<string, Heap<KeptTask>>()
  const groups = new Map<string, Heap<Heap<KeptTask>>>()
  const groupOf = (requester: string): string => (isKnown(requester) ? requester : '')
  for (const task of kept) {
    const group = groups.get(groupOf(task.requester)) ?? { members: [], sum: 0 }
    const own = requesters.get(task.requester) ?? { members: [], sum: 0 }
    if (own.members.length === 0) group.members.push(own)
    own.members.push(task)
    own.sum += amountOf(task, amount)
    group.sum += amountOf(task, amount)
    groups.set(groupOf(task.requester), group)
    requesters.set(task.requester, own)
  }
  const surplus: KeptTask[] = []
  while (sum > most) {
    const group = heaviest([...groups.values()])
    const own = heaviest(group?.members ?? [])
    const oldest = own?.members.shift()
    if (group === undefined || own === undefined || oldest === undefined) break
    for (const heap of [group, own]) heap.sum -= amountOf(oldest, amount)
    sum -= amountOf(oldest, amount)
    surplus.push(oldest)
  }
  return surplus
}

/** The one that has most, the first of several. */
function heaviest<One extends { readonly sum: number }>(all: readonly One[]): One | undefined {
  let most: One | undefined
  for (const one of all) if (most === undefined || one.sum > most.sum) most = one
  return most
}

export interface Retention {
  /** Removes results at once if they fill too much of the disk: to be called after adding one. Never rejects. */
  enforce(): Promise<void>
  stop(): void
}

/** Removes what is expired now, and every few seconds from now on. */
export function startRetention(options: RetentionOptions): Retention {
  const { clock, logger, policy, tasks } = options
  let stopped = false
  let disarm: () => void = () => {}
  let sweeping: Promise<void> | undefined

  async function sweepOnce(): Promise<void> {
    try {
      const settled: KeptTask[] = []
      for (const { record, sizes } of tasks.all())
        if (isSettled(record)) settled.push({ ...record, outputBytes: sizes.stdout + sizes.stderr })
      for (const task of expiredTasks({ settled, policy, isKnown: options.isKnown, nowMs: clock.nowMs() })) {
        if (stopped) return
        await remove(task.taskId)
      }
    } catch (error) {
      logger.error({ err: error }, 'removing old results failed')
    }
  }

  /** One at a time: two would remove the same tasks. */
  function sweep(): Promise<void> {
    sweeping ??= sweepOnce().finally(() => {
      sweeping = undefined
    })
    return sweeping
  }

  async function remove(taskId: string): Promise<void> {
    await tasks.commit({ taskId, decide: () => ({ kind: 'removed', taskId, atMs: clock.nowMs() }) })
    options.store.release({ holder: outputHolder(taskId) })
    await removeOutput({ dir: options.outputDir, taskId })
    logger.debug({ taskId }, 'old result removed')
  }

  function arm(): void {
    disarm = clock.setTimeout(() => {
      void sweep().then(() => {
        if (!stopped) arm()
      })
    }, SWEEP_INTERVAL_MS)
  }

  arm()
  return {
    async enforce() {
      const kept = tasks.kept()
      // The number of results is left to the sweep: it may be exceeded for a few seconds, but the disk must not fill up.
      if (stopped || (kept.journaledBytes <= policy.most.journaledBytes && kept.outputBytes <= policy.most.outputBytes))
        return
      await sweeping
      await sweep()
    },
    stop() {
      stopped = true
      disarm()
    },
  }
}
