import { z } from 'zod'

/**
 * The limits by which a task can end or be held back. The times, memory of a process, output and fuel end
 * the task ({@link file://./execution.ts} `{kind: 'limit', limit}`); pids, disk, inodes, openFiles and
 * WebAssembly's `memory.grow` make a call fail and are named in `usage.limitsHit`.
 */
export const LIMIT_NAMES = [
  'wallTime',
  'cpuTime',
  'idleTime',
  'memory',
  'pids',
  'disk',
  'inodes',
  'output',
  'openFiles',
  'fuel',
] as const
export type LimitName = (typeof LIMIT_NAMES)[number]

/** The limits that are times: a caller who wants an exception gets `EXECUTION_TIMEOUT` for these. */
export const TIME_LIMITS: ReadonlySet<LimitName> = new Set<LimitName>(['wallTime', 'cpuTime', 'idleTime'])

const positiveInteger = z.int().positive()
/** The most GPUs that a task can ask for: more are in no machine. */
export const MAX_GPUS = 64

/**
 * What a task may use. Sizes are integer bytes, times integer milliseconds.
 *
 * - `cpuCores`: upper bound on cores used at once; fractions allowed.
 * - `cpuShares`: relative weight against other tasks, 1024 is the norm.
 * - `idleTimeMs`: the task ends after this long without using any CPU time.
 * - `memoryBytes`: memory of the task; for WebAssembly linear memory, tables and file-system bytes.
 * - `diskBytes`, `inodes`: everything writable, together.
 * - `outputBytes`: stdout and stderr, together.
 * - `fuel`: metered instructions (WebAssembly).
 * - `gpus`: GPUs that the task has to itself (Docker); a task that does not ask has none.
 *
 * A field that is absent is not limited by souk, either because nobody asked or because the runtime has no
 * such thing; a field that is present is enforced.
 */
export const limitsSchema = z
  .strictObject({
    cpuCores: z.number().positive().max(4096),
    cpuShares: positiveInteger.max(262_144),
    cpuTimeMs: positiveInteger,
    wallTimeMs: positiveInteger,
    idleTimeMs: positiveInteger,
    memoryBytes: positiveInteger,
    stackBytes: positiveInteger,
    diskBytes: z.int().nonnegative(),
    inodes: z.int().nonnegative(),
    outputBytes: z.int().nonnegative(),
    pids: positiveInteger,
    openFiles: positiveInteger,
    ioWeight: positiveInteger.max(10_000),
    fuel: positiveInteger,
    gpus: positiveInteger.max(MAX_GPUS),
  })
  .partial()
  .readonly()

export type LimitKey = keyof z.infer<typeof limitsSchema>

/** Any subset of the limits, as asked for by a task. */
export type RequestedLimits = { readonly [K in LimitKey]?: number }

/** The limits every run has: a provider always bounds these, whatever was asked. */
export const ALWAYS_APPLIED = [
  'wallTimeMs',
  'diskBytes',
  'inodes',
  'outputBytes',
  'openFiles',
] as const satisfies readonly LimitKey[]

/** Every run has these as well, but one in the native runtime's degraded mode on a host that cannot hold it to them. */
export const ALWAYS_BOUNDED = ['cpuCores', 'memoryBytes'] as const satisfies readonly LimitKey[]

/** The limits as applied to one run. */
export type Limits = RequestedLimits & { readonly [K in (typeof ALWAYS_APPLIED)[number]]: number }

/** Limits that bound the cores and the memory, too: an operator's caps, and every run that is not degraded. */
export type BoundedLimits = Limits & { readonly [K in (typeof ALWAYS_BOUNDED)[number]]: number }

/** The order in which limits are shown, hashed and documented. */
export const LIMIT_KEYS = [
  'cpuCores',
  'cpuShares',
  'cpuTimeMs',
  'wallTimeMs',
  'idleTimeMs',
  'memoryBytes',
  'stackBytes',
  'diskBytes',
  'inodes',
  'outputBytes',
  'pids',
  'openFiles',
  'ioWeight',
  'fuel',
  'gpus',
] as const satisfies readonly LimitKey[]
