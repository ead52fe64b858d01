import { setTimeout as sleep } from 'node:timers/promises'
import { invalidReceipt } from '../../identity/receipt.ts'
import type { OutputOffsets, TaskEvent, TaskResult } from '../../protocol/events.ts'

/** A provider may have charged the channel with another task meanwhile, whose receipt is being paid just now. */
const DELAYS_MS = [0, 20, 50, 100, 200, 400, 800, 1600] as const

export interface PaidEventsOptions {
  readonly follow: (offsets: OutputOffsets) => AsyncIterable<TaskEvent>
  /** Pays what the task came to; `withheld` where output of it has not come. */
  readonly settle: (end: { readonly result: TaskResult; readonly withheld: boolean }) => Promise<void>
  readonly offsets?: OutputOffsets
  readonly signal: AbortSignal | undefined
}

/**
 * One task's events; what it came to is paid before `finished`, and then output follows that was kept back until then.
 * @throws what `settle` throws; SoukError RECEIPT_INVALID where output is kept back that is paid
 */
export async function* paidEvents({
  follow,
  settle,
  offsets = { stdout: 0, stderr: 0 },
  signal,
}: PaidEventsOptions): AsyncGenerator<TaskEvent, void, undefined> {
  const place = { ...offsets }
  let attempt = 0
  for (const [round, delayMs] of DELAYS_MS.entries()) {
    if (delayMs > 0) await sleep(delayMs, undefined, { ...(signal !== undefined && { signal }) })
    let finished: Extract<TaskEvent, { readonly kind: 'finished' }> | undefined
    for await (const event of follow({ ...place })) {
      if (event.kind === 'started') {
        if (attempt > 0 && event.attempt > attempt) place.stdout = place.stderr = 0
        attempt = event.attempt
      } else if (event.kind === 'output') place[event.stream] = event.offset + event.data.byteLength
      if (event.kind === 'finished') finished = event
      // Its states were told the first time.
      else if (round === 0 || event.kind === 'output') yield event
    }
    if (finished === undefined) return
    const withheld = isWithheld(finished.result, place)
    await settle({ result: finished.result, withheld })
    if (withheld) continue
    yield finished
    return
  }
  throw invalidReceipt(['the provider keeps output back that it was paid for'])
}

function isWithheld(result: TaskResult, place: OutputOffsets): boolean {
  if (result.kind === 'failed' || result.receipt.priceWei === '0') return false
  const { stdout, stderr } = result.receipt
  return place.stdout < stdout.bytes || place.stderr < stderr.bytes
}
