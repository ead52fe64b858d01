/** What a task can know of time. All in nanoseconds. */
export interface Clock {
  /** The smallest difference that its readings can have. */
  readonly resolutionNs: bigint
  /** Since 1970-01-01 UTC. */
  realtimeNs(): bigint
  /** Since some moment of the past; never goes back. */
  monotonicNs(): bigint
  /** Processor time that the task has used. */
  cpuNs(): bigint
  /** Returns when {@link monotonicNs} has reached `monotonicDueNs`. */
  sleepUntil(monotonicDueNs: bigint): void
}

/** All of this process's clocks are read in microseconds or finer. */
const RESOLUTION_NS = 1000n
/** The longest that one Atomics.wait is given; a longer wait is several. */
const LONGEST_WAIT_MS = 86_400_000

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * The clocks of this process; sleeping blocks its thread. Wall time is that of now, and from here on as even as the
 * monotonic clock: this process may have waited for its task through a suspended night.
 */
export function realClock(): Clock {
  const epochNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  return {
    resolutionNs: RESOLUTION_NS,
    realtimeNs: () => epochNs + process.hrtime.bigint(),
    monotonicNs: () => process.hrtime.bigint(),
    cpuNs() {
      const { user, system } = process.threadCpuUsage()
      return BigInt(user + system) * 1000n
    },
    sleepUntil(monotonicDueNs) {
      for (;;) {
        const leftNs = monotonicDueNs - process.hrtime.bigint()
        if (leftNs <= 0n) return
        Atomics.wait(sleeper, 0, 0, Math.min(Number(leftNs) / 1e6, LONGEST_WAIT_MS))
      }
    },
  }
}

/** 2000-01-01T00:00:00Z: where the time of every deterministic task begins. */
export const VIRTUAL_START_NS = 946_684_800_000_000_000n
/** By this much each reading moves the clock on, so that a task which waits by looking at the time gets there. */
export const VIRTUAL_STEP_NS = 1000n
/** As far as it goes: a time of WASI has 64 bits. */
const LAST_NS = 2n ** 64n - 1n - VIRTUAL_START_NS

/**
 * A clock that is the same on every machine: it moves by {@link VIRTUAL_STEP_NS} with each reading, and by a sleep,
 * which takes no time. All its times are one, but for where they begin.
 */
export function virtualClock(): Clock {
  let elapsedNs = 0n
  const advanceTo = (ns: bigint): bigint => {
    if (ns > elapsedNs) elapsedNs = ns < LAST_NS ? ns : LAST_NS
    return elapsedNs
  }
  const read = (): bigint => advanceTo(elapsedNs + VIRTUAL_STEP_NS)
  return {
    resolutionNs: VIRTUAL_STEP_NS,
    realtimeNs: () => VIRTUAL_START_NS + read(),
    monotonicNs: read,
    cpuNs: read,
    sleepUntil: (monotonicDueNs) => void advanceTo(monotonicDueNs),
  }
}
