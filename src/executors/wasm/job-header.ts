import type { BoundedJob, WasmTask } from '../executor.ts'
import type { JobHeader } from './channel.ts'

/** A dead node's process ends itself this long after the task should have been over. */
const BACKSTOP_GRACE_MS = 10_000
/** The longest that a timer takes. */
const MAX_BACKSTOP_MS = 2 ** 31 - 1

/** A job in the words of the sandbox process. */
export function jobHeader({ task, limits }: BoundedJob<WasmTask>): JobHeader {
  const { memoryBytes, diskBytes, inodes, openFiles, outputBytes } = limits
  const workdir = task.workdir ?? '/'
  return {
    args: [task.name, ...task.command],
    // Programs that keep a working folder of their own (Go's, Python's) take it from here.
    env: task.workdir === undefined || 'PWD' in task.env ? task.env : { ...task.env, PWD: workdir },
    workdir,
    moduleBytes: task.module.bytes,
    inputs: task.inputs.map(({ target, bytes }) => ({ target, bytes })),
    outputs: task.outputs.map(({ path }) => path),
    limits: { memoryBytes, diskBytes, inodes, openFiles, outputBytes },
    backstopMs: Math.min(limits.wallTimeMs + BACKSTOP_GRACE_MS, MAX_BACKSTOP_MS),
  }
}
