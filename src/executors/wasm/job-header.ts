import type { BoundedJob, WasmTask } from '../executor.ts'
import type { JobHeader, JobProgram } from './channel.ts'
import { depthOf } from './module/meters.ts'

/** A dead node's process ends itself this long after the task should have been over. */
const BACKSTOP_GRACE_MS = 10_000
/** The longest that a timer takes. */
const MAX_BACKSTOP_MS = 2 ** 31 - 1

/** Whether a task's instructions are counted: where it is held to a number of them, or where they are to be the same everywhere. */
export function isMetered({ task, limits }: BoundedJob<WasmTask>): boolean {
  return limits.fuel !== undefined || task.deterministic !== undefined
}

/** A job in the words of the sandbox process. */
export function jobHeader({
  job,
  program,
  reusable,
  stackBytes,
}: {
  readonly job: BoundedJob<WasmTask>
  readonly program: JobProgram
  readonly reusable: boolean
  /** Of the process. */
  readonly stackBytes: number
}): JobHeader {
  const { task, limits } = job
  const { memoryBytes, diskBytes, inodes, openFiles, outputBytes, fuel } = limits
  const workdir = task.workdir ?? '/'
  return {
    args: [task.name, ...task.command],
    // Programs that keep a working folder of their own (Go's, Python's) take it from here.
    env: task.workdir === undefined || 'PWD' in task.env ? task.env : { ...task.env, PWD: workdir },
    workdir,
    program,
    metered: isMetered(job),
    ...(task.deterministic !== undefined && {
      deterministic: { ...task.deterministic, depthBytes: depthOf(stackBytes) },
    }),
    inputs: task.inputs.map(({ target, bytes }) => ({ target, bytes })),
    outputs: task.outputs.map(({ path }) => path),
    limits: { memoryBytes, diskBytes, inodes, openFiles, outputBytes, ...(fuel !== undefined && { fuel }) },
    backstopMs: Math.min(limits.wallTimeMs + BACKSTOP_GRACE_MS, MAX_BACKSTOP_MS),
    reusable,
  }
}
