import type { Denials, RuntimeName } from '../protocol/execution.ts'
import type { DeniedTotals } from '../protocol/node-status.ts'

/** What sandboxes denied to tasks since the node started. */
export interface DenialTally {
  /** Counts one run; returns what there is to tell the operator of it, or nothing. */
  note(run: { readonly runtime: RuntimeName; readonly denials: Denials | undefined }): Denials | undefined
  /** Runtimes that denied something, in the order of the first time. */
  totals(): readonly DeniedTotals[]
}

export function createDenialTally(): DenialTally {
  const byRuntime = new Map<RuntimeName, DeniedTotals>()
  return {
    note({ runtime, denials }) {
      if (denials === undefined) return undefined
      const { oomKills, pids } = denials
      const systemCalls = denials.seccomp?.total ?? 0
      if (systemCalls + oomKills + pids === 0) return undefined
      const before = byRuntime.get(runtime)
      byRuntime.set(runtime, {
        runtime,
        tasks: (before?.tasks ?? 0) + 1,
        systemCalls: (before?.systemCalls ?? 0) + systemCalls,
        oomKills: (before?.oomKills ?? 0) + oomKills,
        pids: (before?.pids ?? 0) + pids,
      })
      return denials
    },
    totals: () => [...byRuntime.values()],
  }
}
