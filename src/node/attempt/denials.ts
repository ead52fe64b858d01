import type { SoukError } from '../../protocol/errors.ts'
import type { Denials, RuntimeName, Usage } from '../../protocol/execution.ts'
import type { DeniedTotals } from '../../protocol/node-status.ts'

/** What one run was denied, for the operator. */
export type DeniedRun = Partial<Denials> & {
  /** Its disk was full at its end, in bytes or in inodes. */
  readonly diskFull?: true
}

/** What sandboxes denied to tasks since the node started. */
export interface DenialTally {
  /** Counts what one run was denied, and returns it for the log; undefined if it was denied nothing. */
  note(run: {
    readonly runtime: RuntimeName
    readonly denials: Denials | undefined
    readonly limitsHit: Usage['limitsHit']
  }): DeniedRun | undefined
  /** Counts a task that did not run, if that is because its image was refused. */
  noteFailure(failure: { readonly runtime: RuntimeName; readonly error: SoukError }): void
  /** Per runtime; only runtimes that have denied something, in the order in which they first did. */
  totals(): readonly DeniedTotals[]
}

const NOTHING = { tasks: 0, systemCalls: 0, oomKills: 0, memoryReclaims: 0, pids: 0, fullDisks: 0, images: 0 }
type Count = typeof NOTHING

export function createDenialTally(): DenialTally {
  const byRuntime = new Map<RuntimeName, Count>()
  const add = (runtime: RuntimeName, more: Partial<Count>): void => {
    const sums = { ...(byRuntime.get(runtime) ?? NOTHING) }
    for (const [key, count] of Object.entries({ ...more, tasks: 1 })) sums[key as keyof Count] += count
    byRuntime.set(runtime, sums)
  }
  return {
    note({ runtime, denials, limitsHit }) {
      const diskFull = limitsHit.includes('disk') || limitsHit.includes('inodes')
      const { seccomp, oomKills = 0, pids = 0, memoryReclaims = 0 } = denials ?? {}
      const systemCalls = seccomp?.total ?? 0
      if (systemCalls + oomKills + pids + memoryReclaims === 0 && !diskFull) return undefined
      add(runtime, { systemCalls, oomKills, pids, memoryReclaims, fullDisks: diskFull ? 1 : 0 })
      return diskFull ? { ...denials, diskFull } : denials
    },
    noteFailure({ runtime, error }) {
      if (error.code === 'IMAGE_REFUSED') add(runtime, { images: 1 })
    },
    totals: () => [...byRuntime].map(([runtime, sums]) => ({ runtime, ...sums })),
  }
}
