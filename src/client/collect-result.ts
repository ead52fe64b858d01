import { SoukError } from '../protocol/errors.ts'
import type { TaskEvent } from '../protocol/events.ts'
import type { Receipt } from '../protocol/receipt.ts'
import type { Streams } from '../protocol/run-document.ts'
import { protocolError } from '../protocol/wire-fields.ts'
import { ByteCollector } from './byte-collector.ts'
import { checkResult, type ExpectedResult } from './check-result.ts'

/** What a task came to, verified. */
export interface RunResult {
  readonly receipt: Receipt
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

export interface CollectOptions {
  /** From `RemoteTask.events()`, or a local provider's `follow`: output from the beginning, `finished` last. */
  readonly events: AsyncIterable<TaskEvent>
  readonly expected: ExpectedResult
  /** The most that stdout and stderr together may take in memory: 64 MiB where absent. */
  readonly maxOutputBytes?: number
  /** Told of every event as it comes; the next one waits until it is done. */
  readonly onEvent?: (event: TaskEvent) => void | Promise<void>
}

const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Gathers a task's output up to its end, and verifies its receipt.
 * @throws SoukError the one that the task failed with; RECEIPT_INVALID; RESOURCE_LIMIT where the output is more than
 *   `maxOutputBytes`; PROTOCOL_ERROR where it is more than the task may write, or the events end early
 */
export async function collectResult(options: CollectOptions): Promise<RunResult> {
  const { events, expected, onEvent, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options
  const allowedBytes = expected.task?.spec.limits.outputBytes ?? Infinity
  const collected = { stdout: new ByteCollector(), stderr: new ByteCollector() }
  for await (const event of events) {
    await onEvent?.(event)
    if (event.kind === 'started') {
      collected.stdout.clear()
      collected.stderr.clear()
    } else if (event.kind === 'output') {
      const bytes = collected.stdout.byteLength + collected.stderr.byteLength + event.data.byteLength
      if (bytes > allowedBytes)
        throw protocolError(`the provider sent more than the ${allowedBytes} bytes that the task may write`)
      if (bytes > maxOutputBytes) throw tooMuch(maxOutputBytes)
      collected[event.stream].append(event.data)
    } else if (event.kind === 'finished') {
      if (event.result.kind === 'failed') throw SoukError.fromJSON(event.result.error)
      const streams = { stdout: collected.stdout.bytes(), stderr: collected.stderr.bytes() }
      throwIfWithheld(event.result.receipt, streams)
      return { ...streams, receipt: checkResult({ receipt: event.result.receipt, streams, expected }) }
    }
  }
  throw protocolError('the events ended before the task had ended')
}

/** What is missing was kept back: the provider was not paid for it, as far as it says. */
function throwIfWithheld({ priceWei, stdout, stderr }: Receipt, streams: Streams): void {
  const complete = streams.stdout.byteLength >= stdout.bytes && streams.stderr.byteLength >= stderr.bytes
  if (priceWei === '0' || complete) return
  throw new SoukError({
    code: 'PAYMENT_REQUIRED',
    message: `The task has finished and costs ${priceWei} wei; the provider keeps its output back until it is paid.`,
    details: { channelId: '', askedWei: priceWei, receivedWei: '0' },
    hint: 'Ask again with the wallet that pays for it.',
  })
}

function tooMuch(maxOutputBytes: number): SoukError<'RESOURCE_LIMIT'> {
  return new SoukError({
    code: 'RESOURCE_LIMIT',
    phase: 'deliver',
    message: `The output is more than the ${maxOutputBytes} bytes that are kept in memory here.`,
    details: { limit: 'output', limitValue: maxOutputBytes },
    hint: 'Read it as it comes, with logs() or events(), or allow more with maxOutputBytes.',
  })
}
