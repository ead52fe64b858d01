import type { LimitKey } from '../protocol/limits.ts'

/** How the value of an option is written. */
export type QuantityKind = 'size' | 'duration' | 'count' | 'number'

export interface LimitOption {
  /** As commander writes it; its attribute is {@link LimitOption.attribute}. */
  readonly flags: string
  readonly attribute: string
  readonly kind: QuantityKind
  readonly limit: LimitKey | 'queueTimeoutMs' | 'totalTimeoutMs'
  readonly description: string
}

/** The options that set a limit of the task, in place of what its file says. */
export const LIMIT_OPTIONS: readonly LimitOption[] = [
  {
    flags: '--memory <size>',
    attribute: 'memory',
    kind: 'size',
    limit: 'memoryBytes',
    description: 'memory, such as 128m',
  },
  {
    flags: '--disk <size>',
    attribute: 'disk',
    kind: 'size',
    limit: 'diskBytes',
    description: 'everything that it writes to files',
  },
  {
    flags: '--max-output <size>',
    attribute: 'maxOutput',
    kind: 'size',
    limit: 'outputBytes',
    description: 'standard output and error together',
  },
  { flags: '--stack <size>', attribute: 'stack', kind: 'size', limit: 'stackBytes', description: 'call stack' },
  {
    flags: '--cpu <cores>',
    attribute: 'cpu',
    kind: 'number',
    limit: 'cpuCores',
    description: 'cores at once; fractions count',
  },
  {
    flags: '--cpu-shares <weight>',
    attribute: 'cpuShares',
    kind: 'count',
    limit: 'cpuShares',
    description: 'weight against other tasks; 1024 is the norm',
  },
  { flags: '--pids <count>', attribute: 'pids', kind: 'count', limit: 'pids', description: 'processes and threads' },
  { flags: '--inodes <count>', attribute: 'inodes', kind: 'count', limit: 'inodes', description: 'files and folders' },
  {
    flags: '--open-files <count>',
    attribute: 'openFiles',
    kind: 'count',
    limit: 'openFiles',
    description: 'files open at once',
  },
  {
    flags: '--fuel <count>',
    attribute: 'fuel',
    kind: 'count',
    limit: 'fuel',
    description: 'WebAssembly instructions that it may execute',
  },
  { flags: '--gpus <count>', attribute: 'gpus', kind: 'count', limit: 'gpus', description: 'GPUs, with Docker' },
  {
    flags: '--timeout <time>',
    attribute: 'timeout',
    kind: 'duration',
    limit: 'wallTimeMs',
    description: 'time that it may run, such as 30s',
  },
  {
    flags: '--cpu-timeout <time>',
    attribute: 'cpuTimeout',
    kind: 'duration',
    limit: 'cpuTimeMs',
    description: 'CPU time',
  },
  {
    flags: '--idle-timeout <time>',
    attribute: 'idleTimeout',
    kind: 'duration',
    limit: 'idleTimeMs',
    description: 'time without using any CPU time',
  },
  {
    flags: '--queue-timeout <time>',
    attribute: 'queueTimeout',
    kind: 'duration',
    limit: 'queueTimeoutMs',
    description: 'time that it may wait to start',
  },
  {
    flags: '--total-timeout <time>',
    attribute: 'totalTimeout',
    kind: 'duration',
    limit: 'totalTimeoutMs',
    description: 'all of it, waiting included',
  },
]
