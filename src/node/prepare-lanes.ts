import PQueue from 'p-queue'

/** Transfers at once, over all requesters: each holds a few chunks in memory. */
const TRANSFERS_AT_ONCE = 16

/**
 * Fetching inputs, one task of a requester at a time and a bounded number in all, so that a requester with
 * many large inputs, or a slow one, holds back itself first.
 */
export interface PrepareLanes {
  run(options: { readonly peer: string; readonly signal: AbortSignal; readonly work: () => Promise<void> }): Promise<void>
}

export function createPrepareLanes(): PrepareLanes {
  const all = new PQueue({ concurrency: TRANSFERS_AT_ONCE })
  const lanes = new Map<string, PQueue>()
  return {
    async run({ peer, signal, work }) {
      const lane = lanes.get(peer) ?? new PQueue({ concurrency: 1 })
      lanes.set(peer, lane)
      try {
        await lane.add(() => all.add(work, { signal }), { signal })
      } finally {
        if (lane.size === 0 && lane.pending === 0 && lanes.get(peer) === lane) lanes.delete(peer)
      }
    },
  }
}
