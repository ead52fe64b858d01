import type { Refusal } from '../../protocol/refusals.ts'
import type { LimitKey, BoundedLimits } from '../../protocol/limits.ts'
import type { WasmTask } from '../executor.ts'
import { invalidTask, throwIfRefused } from '../run-failures.ts'
import { moduleRefused } from './failures.ts'

/** What this runtime can hold a task to, beyond what its probe hits; `unenforceable` are no limits of this runtime. */
export interface WasmBounds {
  readonly stackBytes: { readonly min: number; readonly max: number }
  /** Whether a task can be run so that it comes out the same everywhere. */
  readonly deterministic: boolean
  /** Whether components are run: the other host knows WASI preview 1 alone. */
  readonly components: boolean
  readonly unenforceable: readonly { readonly limit: LimitKey; readonly why: string }[]
}

/** Limits that WebAssembly tasks cannot be held to. */
export const UNENFORCEABLE: WasmBounds['unenforceable'] = [
  { limit: 'cpuShares', why: 'its process is started before the task is known' },
  { limit: 'ioWeight', why: 'its process is started before the task is known' },
  { limit: 'gpus', why: 'WASI has no devices' },
]

/** Refuses, before anything is started, a task that cannot be run as it asks. Throws SoukError. */
export function checkTask({
  task,
  limits,
  bounds,
  maxModuleBytes,
}: {
  readonly task: WasmTask
  readonly limits: BoundedLimits
  readonly bounds: WasmBounds
  readonly maxModuleBytes: number
}): void {
  if (task.module.bytes > maxModuleBytes) {
    throw moduleRefused(`it has ${task.module.bytes} bytes; this provider takes ${maxModuleBytes}`)
  }
  const inputBytes = task.inputs.reduce((sum, input) => sum + input.bytes, 0)
  if (inputBytes > limits.memoryBytes) {
    throw invalidTask(
      'inputs',
      `they have ${inputBytes} bytes, and a WebAssembly task's files count as its memory, which is ${limits.memoryBytes}`,
    )
  }
  const folders = ['/tmp', task.workdir ?? '/', ...task.outputs.map((output) => output.path)]
  for (const { target } of task.inputs) {
    const folder = folders.find((path) => path === target || path.startsWith(`${target}/`))
    if (folder !== undefined)
      throw invalidTask('inputs', `the target ${target} is, or lies above, the folder ${folder}`)
  }
  const refusals = unmet(limits, bounds)
  if (task.deterministic !== undefined && !bounds.deterministic)
    refusals.push({
      reason: 'FEATURE_UNPROVEN',
      message: 'A WebAssembly task cannot be deterministic on the host that this provider has chosen for it.',
      subject: 'runtime.deterministic',
    })
  throwIfRefused(refusals)
}

function unmet(limits: BoundedLimits, { stackBytes, unenforceable }: WasmBounds): Refusal[] {
  const refusals: Refusal[] = []
  for (const { limit, why } of unenforceable) {
    if (limits[limit] !== undefined)
      refusals.push({
        reason: 'CAP_UNPROVEN',
        message: `WebAssembly tasks cannot be held to ${limit}: ${why}.`,
        subject: limit,
      })
  }
  if (limits.cpuCores < 1)
    refusals.push({
      reason: 'CAP_UNPROVEN',
      message: 'A WebAssembly task cannot be held to less than one core.',
      subject: 'cpuCores',
      asked: String(limits.cpuCores),
      offered: '1',
    })
  const asked = limits.stackBytes
  if (asked !== undefined && (asked < stackBytes.min || asked > stackBytes.max)) {
    refusals.push({
      reason: asked > stackBytes.max ? 'CAP_ABOVE_OFFER' : 'CAP_UNPROVEN',
      message: `A WebAssembly task's stack is between ${stackBytes.min} and ${stackBytes.max} bytes here.`,
      subject: 'stackBytes',
      asked: String(asked),
      offered: String(asked > stackBytes.max ? stackBytes.max : stackBytes.min),
    })
  }
  return refusals
}
