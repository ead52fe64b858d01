import { Buffer } from 'node:buffer'
import type { Receipt } from '../protocol/receipt.ts'
import { encodeStreams, type RunDocument, type Streams } from '../protocol/run-document.ts'
import type { LoadedTask } from './load-task.ts'

/**
 * What `souk run --json` prints, of a task and what came of it. `souk verify` takes it as true where the receipt is.
 */
export function runDocumentOf({
  task,
  result,
}: {
  readonly task: Pick<LoadedTask, 'spec' | 'bytes'>
  readonly result: Streams & { readonly receipt: Receipt }
}): RunDocument {
  const { receipt } = result
  return {
    task: receipt.taskId,
    name: task.spec.name,
    runtime: receipt.isolation.runtime,
    provider: receipt.provider,
    outcome: receipt.outcome,
    usage: receipt.usage,
    limits: receipt.limits,
    isolation: receipt.isolation,
    timings: receipt.timings,
    ...encodeStreams(result),
    outputs: receipt.outputs,
    spec: Buffer.from(task.bytes.buffer, task.bytes.byteOffset, task.bytes.byteLength).toString('utf8'),
    receipt,
  }
}
