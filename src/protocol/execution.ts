import { z } from 'zod'
import { LIMIT_NAMES, type LimitKey } from './limits.ts'

/** The runtimes a task can ask for. A provider offers those that its probe has proven. */
export const RUNTIME_NAMES = ['wasm', 'docker', 'native'] as const
export type RuntimeName = (typeof RUNTIME_NAMES)[number]

/** Why a WebAssembly program trapped: the traps of the core specification, and the host's own. */
export const TRAP_NAMES = [
  'unreachable',
  'memoryOutOfBounds',
  'tableOutOfBounds',
  'divideByZero',
  'integerOverflow',
  'invalidConversion',
  'indirectCallTypeMismatch',
  'nullReference',
  'stackOverflow',
  'uncaughtException',
  'other',
] as const
export type TrapName = (typeof TRAP_NAMES)[number]

const count = z.int().nonnegative()
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 digest: 64 lower-case hex digits')

/** How a task that had started ended. */
export const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exited'), code: z.int().min(0).max(0xffff_ffff) }),
  z.strictObject({ kind: z.literal('killed'), signal: z.string().regex(/^SIG[A-Z0-9+-]{1,16}$/) }),
  z.strictObject({ kind: z.literal('trapped'), trap: z.enum(TRAP_NAMES) }),
  z.strictObject({ kind: z.literal('limit'), limit: z.enum(LIMIT_NAMES) }),
  z.strictObject({ kind: z.literal('cancelled') }),
])
export type Outcome = z.infer<typeof outcomeSchema>

/**
 * Measurements that only some runtimes make, and not of every run.
 *
 * - `userTimeMs`, `systemTimeMs`: how `cpuTimeMs` splits into the task's own instructions and the kernel's for it.
 * - `pidsPeak`: most processes and threads at once.
 * - `ioReadBytes`, `ioWriteBytes`: from and to disks; files in memory, and reads that the host's cache serves, do not count.
 * - `contextSwitches`: voluntary and involuntary, of all threads.
 * - `overshootMs`: how far past the time limit that ended it, wall, CPU or idle, the last process died; for CPU time
 *   in CPU time.
 * - `fuelUsed`: instructions of the WebAssembly program, where they were metered.
 */
export const USAGE_DETAILS = [
  'userTimeMs',
  'systemTimeMs',
  'pidsPeak',
  'ioReadBytes',
  'ioWriteBytes',
  'contextSwitches',
  'overshootMs',
  'fuelUsed',
] as const
export type UsageDetail = (typeof USAGE_DETAILS)[number]

const usageDetails = Object.fromEntries(USAGE_DETAILS.map((detail) => [detail, count.optional()])) as {
  [D in UsageDetail]: z.ZodOptional<typeof count>
}

/**
 * What the task used. `limitsHit` names every limit that was met, those that ended the task and those that
 * only made a call fail, in the order of LIMIT_NAMES.
 */
export const usageSchema = z.strictObject({
  wallTimeMs: count,
  cpuTimeMs: count,
  memoryPeakBytes: count,
  outputBytes: count,
  limitsHit: z.array(z.enum(LIMIT_NAMES)),
  ...usageDetails,
})
export type Usage = z.infer<typeof usageSchema>

/**
 * What stood between the task and the host. `layers` are the walls in place, outermost first, in the
 * vocabulary of docs/SECURITY.md; `missing` are those that this runtime has elsewhere but not on this host,
 * and limits that nothing here holds a task to ({@link missingLimit}).
 */
export const isolationSchema = z.strictObject({
  runtime: z.enum(RUNTIME_NAMES),
  engine: z.string().max(200),
  layers: z.array(z.string().max(100)).max(50),
  missing: z.array(z.string().max(200)).max(50),
  reuse: z.enum(['none', 'same-requester']),
})
export type Isolation = z.infer<typeof isolationSchema>

const MISSING_LIMIT = 'limit:'

/** How an isolation's `missing` names a limit that nothing on this host holds a task to. */
export function missingLimit(limit: LimitKey): string {
  return `${MISSING_LIMIT}${limit}`
}

/** The limits that were not enforced on a task, according to its provider. */
export function limitsMissingIn({ missing }: Pick<Isolation, 'missing'>): readonly string[] {
  return missing.filter((item) => item.startsWith(MISSING_LIMIT)).map((item) => item.slice(MISSING_LIMIT.length))
}

/** Why a declared output could not be handed over. It never changes the outcome. */
export const OUTPUT_ERROR_CODES = [
  'MISSING',
  'SYMLINK',
  'NOT_REGULAR',
  'HARD_LINK',
  'UNSAFE_NAME',
  'TOO_LARGE',
  'TOO_MANY',
  'UNREADABLE',
] as const

/** One file of the result: its path inside the sandbox, then its digest and size, or why not. */
export const outputSchema = z.union([
  z.strictObject({ path: z.string(), sha256: sha256Schema, bytes: count }),
  z.strictObject({
    path: z.string(),
    error: z.strictObject({ code: z.enum(OUTPUT_ERROR_CODES), message: z.string() }),
  }),
])
export type Output = z.infer<typeof outputSchema>

/**
 * What the sandbox refused to a task, each as often as it did. The provider's operator sees it; it is no part of a
 * receipt.
 */
export interface Denials {
  /** Denied system calls, and which most, by name; absent where the kernel tells of none. */
  readonly seccomp?: { readonly total: number; readonly calls: Readonly<Record<string, number>> }
  /** Processes that were killed for lack of memory. */
  readonly oomKills: number
  /** Processes and threads that were not started. */
  readonly pids: number
  /**
   * Times that there was no memory left under its limit, so that some had to be taken back for it to go on; absent where
   * the kernel tells of none.
   */
  readonly memoryReclaims?: number
}

/** What one run came to: success and every failure of the task have this one shape. */
export interface Execution {
  readonly outcome: Outcome
  readonly usage: Usage
  readonly isolation: Isolation
  readonly outputs: readonly Output[]
  /** Absent where a runtime does not count it. */
  readonly denials?: Denials
}
