import PQueue from 'p-queue'
import { shareOf } from '../scheduler/capacity.ts'

/** Transfers at once, over all requesters: each holds a few chunks in memory. */
const TRANSFERS_AT_ONCE = 16
/** Images that are brought in at once, as many as the Docker executor brings (its COMING_AT_ONCE). */
const IMAGES_AT_ONCE = 3

/** Does `transfer` once it is its turn. */
export type TakeTurn = (transfer: () => Promise<void>) => Promise<void>

/**
 * Fetching inputs, one task of a requester at a time and a bounded number of transfers in all, so that a requester with
 * many large inputs, or a slow one, holds back itself first. Requesters that the operator does not know have a share of
 * the transfers together, and of the images that are brought in at once: a crowd of slow ones leaves room for those he knows.
 */
export interface PrepareLanes {
  /** `work` takes a turn for each transfer, and another one for an image, and holds none while it waits for something else. */
  run(options: {
    readonly peer: string
    readonly signal: AbortSignal
    readonly work: (takeTurn: TakeTurn, takeImageTurn: TakeTurn) => Promise<void>
  }): Promise<void>
}

export function createPrepareLanes({
  isKnown,
  unknownShare,
}: {
  readonly isKnown: (peer: string) => boolean
  readonly unknownShare: number
}): PrepareLanes {
  const all = new PQueue({ concurrency: TRANSFERS_AT_ONCE })
  const crowd = new PQueue({ concurrency: shareOf(TRANSFERS_AT_ONCE, unknownShare) })
  const crowdImages = new PQueue({ concurrency: shareOf(IMAGES_AT_ONCE, unknownShare) })
  const lanes = new Map<string, PQueue>()
  return {
    async run({ peer, signal, work }) {
      const lane = lanes.get(peer) ?? new PQueue({ concurrency: 1 })
      lanes.set(peer, lane)
      try {
        const takeTurn: TakeTurn = (transfer) =>
          isKnown(peer) ? all.add(transfer, { signal }) : crowd.add(() => all.add(transfer, { signal }), { signal })
        // Those that he knows wait for nobody here: the executor has its own bound.
        const takeImageTurn: TakeTurn = (bring) => (isKnown(peer) ? bring() : crowdImages.add(bring, { signal }))
        await lane.add(() => work(takeTurn, takeImageTurn), { signal })
      } finally {
        if (lane.size === 0 && lane.pending === 0 && lanes.get(peer) === lane) lanes.delete(peer)
      }
    },
  }
}
