import PQueue from 'p-queue'
import { shareOf } from '../scheduler/capacity.ts'

/** Transfers at once, over all requesters: each holds a few chunks in memory. */
const TRANSFERS_AT_ONCE = 16
/** Images that are pulled or unpacked at once: as many as the Docker executor takes (COMING_AT_ONCE in its task-images.ts). */
const IMAGES_AT_ONCE = 3

/** Does `transfer` once it is its turn. */
export type TakeTurn = (transfer: () => Promise<void>) => Promise<void>

/**
 * Bounds how much is fetched at once: one task per requester at a time, so that a slow requester, or one with many large inputs, delays
 * only itself; and a fixed number of transfers over all requesters. Unknown requesters together get only a share of the transfers and
 * of the images that are brought in, so that a crowd of slow strangers leaves room for known ones.
 */
export interface PrepareLanes {
  /**
   * Runs `work` in the peer's lane. It calls `takeTurn` around each transfer and `takeImageTurn` around bringing an image, and must wait
   * for nothing else inside them.
   */
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
        // Known requesters need no bound here, as the executor has its own.
        const takeImageTurn: TakeTurn = (bring) => (isKnown(peer) ? bring() : crowdImages.add(bring, { signal }))
        await lane.add(() => work(takeTurn, takeImageTurn), { signal })
      } finally {
        if (lane.size === 0 && lane.pending === 0 && lanes.get(peer) === lane) lanes.delete(peer)
      }
    },
  }
}
