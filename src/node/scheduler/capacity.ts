import type { Limits } from '../../protocol/limits.ts'

/**
 * Resources of the machine that tasks share. Cores are counted in thousandths, as integers, so that ten tasks of 0.1 cores fill one
 * core exactly.
 */
export interface Resources {
  readonly slots: number
  readonly cpuMilliCores: number
  readonly memoryBytes: number
  readonly diskBytes: number
  /** A GPU serves one task at a time. */
  readonly gpus: number
}

export const RESOURCE_KEYS = [
  'slots',
  'cpuMilliCores',
  'memoryBytes',
  'diskBytes',
  'gpus',
] as const satisfies readonly (keyof Resources)[]

/** Thousandths of a core, rounded up; the floating-point error of a product such as 1.1 × 1000 does not round up. */
export function milliCoresOf(cpuCores: number): number {
  return Math.max(1, Math.ceil(Math.round(cpuCores * 1e6) / 1e3))
}

/**
 * What a task takes while it runs: one slot, and as much of each resource as its limits allow. Where it has no limit, that is `total`,
 * except that it gets no GPU without asking.
 */
export function demandOf(
  limits: Pick<Limits, 'cpuCores' | 'memoryBytes' | 'diskBytes' | 'gpus'>,
  total: Resources,
): Resources {
  return {
    slots: 1,
    cpuMilliCores: limits.cpuCores === undefined ? total.cpuMilliCores : milliCoresOf(limits.cpuCores),
    memoryBytes: limits.memoryBytes ?? total.memoryBytes,
    diskBytes: limits.diskBytes,
    gpus: limits.gpus ?? 0,
  }
}

/** The resources of which `demand` is more than `total`; none if it fits. */
export function shortagesOf(demand: Resources, total: Resources): readonly (keyof Resources)[] {
  return RESOURCE_KEYS.filter((key) => demand[key] > total[key])
}

/** The part of the machine that some requesters may use at once, as a fraction of the whole, above 0 and up to 1. */
export interface Shares {
  /** Any one requester. */
  readonly peer: number
  /** All requesters together that the operator does not know. */
  readonly unknownPeers: number
}

/** What keeps a task from starting now: the whole machine or a share of it is in use; `gpusAlone` if only GPUs are lacking. */
export interface Blocker {
  readonly by: 'total' | 'unknownPeers' | 'peer'
  readonly gpusAlone: boolean
}

export type Reservation =
  | { readonly reserved: true; readonly release: () => void }
  | { readonly reserved: false; readonly blocker: Blocker }

export interface CapacitySnapshot {
  readonly total: Resources
  readonly used: Resources
}

/**
 * Who uses how much of the machine. Shares bound slots, cores, memory, disk and GPUs alike. A requester with nothing running may always
 * run one task, however small the share: otherwise a small machine would serve nobody.
 */
export interface Capacity {
  readonly total: Resources
  isKnown(requester: string): boolean
  /** Takes all of `demand`, or nothing. `release` gives it back; calling it again does nothing. */
  reserve(request: { readonly requester: string; readonly demand: Resources }): Reservation
  /**
   * Takes `demand` for a task that is running already, even if that exceeds the total. Nothing more can be reserved until there is room
   * again.
   */
  take(request: { readonly requester: string; readonly demand: Resources }): () => void
  snapshot(): CapacitySnapshot
}

const NOTHING: Resources = { slots: 0, cpuMilliCores: 0, memoryBytes: 0, diskBytes: 0, gpus: 0 }

const plus = (a: Resources, b: Resources): Resources => ({
  slots: a.slots + b.slots,
  cpuMilliCores: a.cpuMilliCores + b.cpuMilliCores,
  memoryBytes: a.memoryBytes + b.memoryBytes,
  diskBytes: a.diskBytes + b.diskBytes,
  gpus: a.gpus + b.gpus,
})

const minus = (a: Resources, b: Resources): Resources => ({
  slots: a.slots - b.slots,
  cpuMilliCores: a.cpuMilliCores - b.cpuMilliCores,
  memoryBytes: a.memoryBytes - b.memoryBytes,
  diskBytes: a.diskBytes - b.diskBytes,
  gpus: a.gpus - b.gpus,
})

/** A fraction of what can be counted out, at least one of it. */
export function shareOf(total: number, fraction: number): number {
  return Math.max(1, Math.floor(total * fraction))
}

function sharesOf(total: Resources, fraction: number): Resources {
  return {
    slots: shareOf(total.slots, fraction),
    cpuMilliCores: shareOf(total.cpuMilliCores, fraction),
    memoryBytes: shareOf(total.memoryBytes, fraction),
    diskBytes: shareOf(total.diskBytes, fraction),
    gpus: shareOf(total.gpus, fraction),
  }
}

export function createCapacity(options: {
  readonly total: Resources
  readonly shares: Shares
  readonly isKnown: (requester: string) => boolean
}): Capacity {
  const { total, isKnown } = options
  const peerShare = sharesOf(total, options.shares.peer)
  const unknownShare = sharesOf(total, options.shares.unknownPeers)
  let used = NOTHING
  let usedByUnknown = NOTHING
  /** Requesters that have something running, and what: entries go when the last of it is released. */
  const usedBy = new Map<string, Resources>()

  const blocked = (by: Blocker['by'], shortages: readonly (keyof Resources)[]): Blocker | undefined =>
    shortages.length === 0 ? undefined : { by, gpusAlone: shortages.every((key) => key === 'gpus') }
  const beyond = (before: Resources, demand: Resources, share: Resources): readonly (keyof Resources)[] =>
    before.slots > 0 ? shortagesOf(plus(before, demand), share) : []

  const take: Capacity['take'] = ({ requester, demand }) => {
    const unknown = !isKnown(requester)
    used = plus(used, demand)
    usedBy.set(requester, plus(usedBy.get(requester) ?? NOTHING, demand))
    if (unknown) usedByUnknown = plus(usedByUnknown, demand)
    let released = false
    return () => {
      if (released) return
      released = true
      used = minus(used, demand)
      const after = minus(usedBy.get(requester) ?? demand, demand)
      if (after.slots > 0) usedBy.set(requester, after)
      else usedBy.delete(requester)
      if (unknown) usedByUnknown = minus(usedByUnknown, demand)
    }
  }
  return {
    total,
    isKnown,
    reserve({ requester, demand }) {
      const unknown = !isKnown(requester)
      const before = usedBy.get(requester) ?? NOTHING
      const blocker =
        blocked('peer', beyond(before, demand, peerShare)) ??
        (unknown ? blocked('unknownPeers', beyond(usedByUnknown, demand, unknownShare)) : undefined) ??
        blocked('total', shortagesOf(plus(used, demand), total))
      return blocker === undefined
        ? { reserved: true, release: take({ requester, demand }) }
        : { reserved: false, blocker }
    },
    take,
    snapshot: () => ({ total, used }),
  }
}
