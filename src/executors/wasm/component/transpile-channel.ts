import type { Readable } from 'node:stream'
import { BundleBroken } from './bundle.ts'

/**
 * What node and transpiling process say to each other. The node writes one job: a little-endian u32, that many bytes
 * of JSON ({@link TranspileJob}), then the component. The process answers with reports: a little-endian u32, that
 * many bytes of JSON; after the report of a bundle come its bytes.
 */
export interface TranspileJob {
  readonly componentBytes: number
  readonly meters: { readonly fuel: boolean; readonly deterministic: boolean }
  /** After this long the process ends itself, should the node not have done it. */
  readonly backstopMs: number
}

export type TranspileReport =
  /** jco is loaded, and the process without privileges: the job may come. */
  | { readonly event: 'ready' }
  | { readonly event: 'refused'; readonly reason: string; readonly subject?: string | undefined }
  | { readonly event: 'bundle'; readonly bytes: number }
  /** The process itself failed. */
  | { readonly event: 'fault'; readonly reason: string }

export const MAX_REASON_CHARACTERS = 500
export const MAX_REPORT_BYTES = 16 * 1024

/** Reads what a transpiling process answers. Throws BundleBroken where that breaks the rules or ends early. */
export class TranspileAnswers {
  readonly #chunks: AsyncIterator<Buffer>
  #pending: Buffer = Buffer.alloc(0)

  constructor(source: Readable) {
    this.#chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  async report(): Promise<TranspileReport> {
    const length = (await this.bytes(4)).readUInt32LE(0)
    if (length > MAX_REPORT_BYTES) throw new BundleBroken(`a report of ${length} bytes`)
    return parseReport(await this.bytes(length))
  }

  async bytes(count: number): Promise<Buffer> {
    const parts = [this.#pending]
    let length = this.#pending.length
    while (length < count) {
      const next = await this.#chunks.next().catch(() => ({ done: true as const, value: undefined }))
      if (next.done === true) throw new BundleBroken('it ended early')
      parts.push(next.value)
      length += next.value.length
    }
    const joined = parts.length === 1 ? this.#pending : Buffer.concat(parts)
    this.#pending = joined.subarray(count)
    return joined.subarray(0, count)
  }
}

function parseReport(content: Buffer): TranspileReport {
  let json: unknown
  try {
    json = JSON.parse(content.toString('utf8'))
  } catch {
    throw new BundleBroken('a report that is no JSON')
  }
  if (typeof json !== 'object' || json === null) throw new BundleBroken('a report of another form')
  const report = new Map<string, unknown>(Object.entries(json))
  const event = report.get('event')
  const bytes = report.get('bytes')
  const subject = report.get('subject')
  const reason = report.get('reason')
  if (event === 'ready') return { event }
  if (event === 'bundle' && typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0)
    return { event, bytes }
  if ((event === 'refused' || event === 'fault') && typeof reason === 'string') {
    const said = reason.slice(0, MAX_REASON_CHARACTERS)
    if (event === 'fault') return { event, reason: said }
    return {
      event,
      reason: said,
      ...(typeof subject === 'string' && { subject: subject.slice(0, MAX_REASON_CHARACTERS) }),
    }
  }
  throw new BundleBroken('a report of another form')
}
