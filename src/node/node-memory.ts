import { systemClock } from './clock.ts'
import type { Config } from './config/config.ts'
import { createFreeAllowance, NO_ALLOWANCE, type FreeAllowance } from './admission/free-allowance.ts'
import { openPeerRecord, type Meeting } from './market/peer-record.ts'

/** What a node remembers of its requesters besides their tasks. */
export interface NodeMemory {
  readonly allowance: FreeAllowance
  /** Called for each event with a requester that is counted. */
  readonly onMeeting: (requester: string, what: Meeting) => void
}

/** For a node whose one requester is its own operator. */
export const NO_MEMORY: NodeMemory = { allowance: NO_ALLOWANCE, onMeeting: () => undefined }

/** @throws SoukError START_FAILED */
export function openNodeMemory({
  config,
  isKnown,
}: {
  readonly config: Config
  readonly isKnown: (peer: string) => boolean
}): NodeMemory & { close(): void } {
  const record = openPeerRecord({ dir: config.node.dataDir })
  const { freeAllowanceWei: perDayWei } = config.pricing
  return {
    allowance: createFreeAllowance({ perDayWei, isKnown, store: record, clock: systemClock }),
    onMeeting: (requester, what) => record.note({ requester, what, atMs: systemClock.nowMs() }),
    close: () => record.close(),
  }
}
