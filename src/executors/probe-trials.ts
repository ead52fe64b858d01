import type { Execution } from '../protocol/execution.ts'
import type { LimitKey, LimitName, Limits, RequestedLimits } from '../protocol/limits.ts'

const MiB = 1024 * 1024

/** One run of the probe program (src/native/launcher/probe/probe.c). */
export interface Attempt {
  readonly command: readonly string[]
  readonly outputs?: readonly { readonly path: string }[]
  readonly limits?: RequestedLimits
  /** Aborts the run as the node's wall clock would. */
  readonly wallTimeMs?: number
}

/** An attempt at one limit. */
export interface Trial extends Attempt {
  readonly limit: LimitKey
  /** What was done and seen, where it held. */
  readonly how: string
  holds(execution: Execution): boolean
}

export interface Verdict {
  readonly limit: LimitKey
  /** What was done and seen. */
  readonly proven?: string
  /** Why it is not. */
  readonly unproven?: string
}

/** Nothing of this is met by a trial of something else. */
export const ROOMY_LIMITS: Limits = {
  cpuCores: 1,
  wallTimeMs: 30_000,
  memoryBytes: 64 * MiB,
  diskBytes: MiB,
  inodes: 100,
  outputBytes: 10_000,
  openFiles: 64,
}

const endedBy =
  (limit: LimitName) =>
  ({ outcome }: Execution): boolean =>
    outcome.kind === 'limit' && outcome.limit === limit
const cleanly = ({ outcome }: Execution): boolean => outcome.kind === 'exited' && outcome.code === 0
const metBy =
  (limit: LimitName) =>
  (execution: Execution): boolean =>
    cleanly(execution) && execution.usage.limitsHit.includes(limit)

const CORES = { cores: 0.1, ms: 400, mostMs: 150 }

/** It hits memory of that much. */
export function memoryTrial(memoryBytes: number): Trial {
  return {
    limit: 'memoryBytes',
    command: ['memory', String(3 * memoryBytes)],
    limits: { memoryBytes },
    holds: endedBy('memory'),
    how: `a program that took ${(3 * memoryBytes) / MiB} MiB was killed at ${memoryBytes / MiB} MiB`,
  }
}

export const TRIALS: readonly Trial[] = [
  {
    limit: 'cpuTimeMs',
    command: ['spin'],
    limits: { cpuTimeMs: 30 },
    holds: endedBy('cpuTime'),
    how: 'a loop without end was killed after 30 ms of CPU time',
  },
  {
    limit: 'wallTimeMs',
    command: ['spin'],
    wallTimeMs: 30,
    holds: endedBy('wallTime'),
    how: 'a loop without end was killed after 30 ms',
  },
  {
    limit: 'idleTimeMs',
    command: ['sleep'],
    limits: { idleTimeMs: 50 },
    holds: endedBy('idleTime'),
    how: 'a program that waited was killed after 50 ms without CPU time',
  },
  memoryTrial(16 * MiB),
  {
    limit: 'pids',
    command: ['fork', '3'],
    limits: { pids: 4 },
    holds: metBy('pids'),
    how: 'making a fifth process failed with EAGAIN',
  },
  {
    limit: 'cpuCores',
    command: ['spin', String(CORES.ms)],
    limits: { cpuCores: CORES.cores },
    holds: (execution) => cleanly(execution) && execution.usage.cpuTimeMs <= CORES.mostMs,
    how: `a loop of ${CORES.ms} ms on ${CORES.cores} cores had at most ${CORES.mostMs} ms of CPU time`,
  },
  {
    limit: 'diskBytes',
    command: ['disk', '65536'],
    limits: { diskBytes: 65_536 },
    holds: metBy('disk'),
    how: 'writing past 64 KiB of files failed',
  },
  {
    limit: 'inodes',
    command: ['inodes', '5'],
    limits: { inodes: 5 },
    holds: metBy('inodes'),
    how: 'making a sixth file failed with ENOSPC',
  },
  {
    limit: 'openFiles',
    command: ['files', '8'],
    limits: { openFiles: 8 },
    holds: cleanly,
    how: 'opening a ninth descriptor failed with EMFILE',
  },
  {
    limit: 'stackBytes',
    command: ['stack', String(2 * MiB)],
    limits: { stackBytes: MiB },
    holds: ({ outcome }) => outcome.kind === 'killed' && outcome.signal === 'SIGSEGV',
    how: 'using 2 MiB of a stack of 1 MiB ended with SIGSEGV',
  },
  {
    limit: 'outputBytes',
    command: ['print'],
    limits: { outputBytes: 1000 },
    holds: (execution) => endedBy('output')(execution) && execution.usage.outputBytes === 1000,
    how: 'a flood of output was cut and ended at 1000 bytes',
  },
]

const SHARES = { heavy: 1024, light: 128, leastRatio: 2.5 }
/** What one has before the other has started counts against the weights: on a busy host that may be a while. */
const SHARES_MS = [400, 1200, 3600] as const

/** How often a trial may show nothing, or its run may fail, before it counts: it shares its host with others, which may be busy. */
export const TRIES = SHARES_MS.length

/** Two programs that compute on one processor, one of which counts for eight of the other; with each try, from 0, for longer. */
export function sharesTrial(tries: number): {
  readonly heavy: Attempt
  readonly light: Attempt
  verdict(heavyMs: number, lightMs: number): Verdict
} {
  const command = ['spin', String(SHARES_MS[Math.min(tries, TRIES - 1)])]
  return {
    heavy: { command, limits: { cpuShares: SHARES.heavy } },
    light: { command, limits: { cpuShares: SHARES.light } },
    verdict(heavyMs, lightMs) {
      const seen = `beside each other, ${SHARES.heavy} shares had ${heavyMs} ms of CPU time and ${SHARES.light} had ${lightMs} ms`
      return heavyMs >= lightMs * SHARES.leastRatio
        ? { limit: 'cpuShares', proven: seen }
        : { limit: 'cpuShares', unproven: seen }
    },
  }
}
