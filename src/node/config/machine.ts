import { readFileSync } from 'node:fs'
import { availableParallelism, homedir, totalmem } from 'node:os'
import { cwd } from 'node:process'

/** What the defaults of the configuration, and some of its bounds, follow from. */
export interface Machine {
  readonly cores: number
  /** RAM that this process may use: the machine's, or its control group's where that is less. */
  readonly memoryBytes: number
  /** Stack of a process's first thread: RLIMIT_STACK (getrlimit(2)), Infinity where it is not limited. */
  readonly threadStackBytes: number
  readonly home: string
  readonly cwd: string
}

/** Linux's default, and what is assumed where the limit cannot be read. */
const USUAL_STACK_BYTES = 8 * 1024 * 1024

export function thisMachine(): Machine {
  const constrained = process.constrainedMemory()
  return {
    cores: availableParallelism(),
    memoryBytes: constrained > 0 ? Math.min(totalmem(), constrained) : totalmem(),
    threadStackBytes: stackLimit(),
    home: homedir(),
    cwd: cwd(),
  }
}

/** The soft limit, in bytes, from /proc/self/limits (proc_pid_limits(5)). */
function stackLimit(): number {
  try {
    const soft = /^Max stack size\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    if (soft === 'unlimited') return Number.POSITIVE_INFINITY
    return soft === undefined ? USUAL_STACK_BYTES : Number(soft)
  } catch {
    return USUAL_STACK_BYTES
  }
}
