import { z } from 'zod'
import type { TaskEvent, TaskResult } from './events.ts'
import {
  OutputStream,
  Preparation,
  type Finished as FinishedMessage,
  type Preparing,
  type TaskEvent as TaskEventMessage,
} from './messages.js'
import { receiptSchema } from './receipt.ts'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { errorFromMessage, errorToMessage } from './wire-error.ts'
import { bytesOfJson, checked, jsonOfBytes, oneOf, protocolError, required, safeInteger } from './wire-fields.ts'

const attemptSchema = z.int().positive()

export function eventToMessage(event: TaskEvent): TaskEventMessage {
  switch (event.kind) {
    case 'queued':
      return { queued: { atMs: event.atMs, position: event.position } }
    case 'preparing':
      return { preparing: preparingToMessage(event) }
    case 'started':
      return { started: { atMs: event.atMs, attempt: event.attempt } }
    case 'output':
      checkChunk(event.data)
      return {
        output: {
          stream: event.stream === 'stdout' ? OutputStream.STDOUT : OutputStream.STDERR,
          offset: event.offset,
          data: event.data as Uint8Array<ArrayBuffer>,
        },
      }
    case 'finished':
      return { finished: { atMs: event.atMs, ...resultToFields(event.result) } }
  }
}

export function eventFromMessage(message: TaskEventMessage): TaskEvent {
  const kind = oneOf('event', message, ['queued', 'preparing', 'started', 'output', 'finished'])
  if (kind === 'output') {
    const { stream, offset, data } = required('event.output', message.output)
    checkChunk(data)
    safeInteger('output.offset + data', offset + data.byteLength)
    return {
      kind,
      stream: stream === OutputStream.STDERR ? 'stderr' : 'stdout',
      offset: safeInteger('output.offset', offset),
      data,
    }
  }
  const atMs = safeInteger(`${kind}.at_ms`, required(`event.${kind}`, message[kind]).atMs)
  switch (kind) {
    case 'queued':
      return { kind, atMs, position: required('event.queued', message.queued).position }
    case 'preparing': {
      const { fetchedBytes, totalBytes, what } = required('event.preparing', message.preparing)
      return {
        kind,
        atMs,
        what: what === Preparation.IMAGE ? 'image' : 'inputs',
        fetchedBytes: safeInteger('preparing.fetched_bytes', fetchedBytes),
        totalBytes: safeInteger('preparing.total_bytes', totalBytes),
      }
    }
    case 'started':
      return {
        kind,
        atMs,
        attempt: checked('started.attempt', attemptSchema, required('event.started', message.started).attempt),
      }
    case 'finished':
      return { kind, atMs, result: resultFromMessage(required('event.finished', message.finished)) }
  }
}

function preparingToMessage({
  atMs,
  what,
  fetchedBytes,
  totalBytes,
}: Extract<TaskEvent, { readonly kind: 'preparing' }>): Preparing {
  return { atMs, fetchedBytes, totalBytes, what: what === 'image' ? Preparation.IMAGE : Preparation.INPUTS }
}

function resultToFields(result: TaskResult): Omit<FinishedMessage, 'atMs'> {
  return result.kind === 'receipt'
    ? { receipt: bytesOfJson('receipt', result.receipt, WIRE_BOUNDS.receiptBytes) }
    : { error: errorToMessage(result.error) }
}

/** The form only: whether the provider signed the receipt is for identity to say. */
function resultFromMessage(message: FinishedMessage): TaskResult {
  if (oneOf('finished', message, ['receipt', 'error']) === 'error') {
    return { kind: 'failed', error: errorFromMessage(required('finished.error', message.error)) }
  }
  const json = jsonOfBytes('receipt', required('finished.receipt', message.receipt), WIRE_BOUNDS.receiptBytes)
  return { kind: 'receipt', receipt: checked('receipt', receiptSchema, json) }
}

function checkChunk(data: Uint8Array): void {
  const { outputChunkBytes } = WIRE_BOUNDS
  if (data.byteLength === 0 || data.byteLength > outputChunkBytes) {
    throw protocolError(`output.data has ${data.byteLength} bytes, not 1 to ${outputChunkBytes}`)
  }
}
