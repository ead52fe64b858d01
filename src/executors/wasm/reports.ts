import type { Readable } from 'node:stream'
import { z } from 'zod'
import { TRAP_NAMES } from '../../protocol/execution.ts'
import { FRAME_HEADER_BYTES, FRAME_KIND, MAX_DATA_BYTES, MAX_REPORT_BYTES, type Report } from './channel.ts'

/** What a sandbox process sent: one report, bytes of what it announced last, or output of the task. */
export type Frame =
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'data' | 'stdout' | 'stderr'; readonly data: Uint8Array }

/** The sandbox process broke the rules of the channel: the task may have got hold of it. */
export class ChannelBroken extends Error {
  override readonly name = 'ChannelBroken'
}

/** Pieces of a frame that wait for the rest of it, each of which is a buffer of its own. */
const MAX_PARTS = 1024

const text = z.string().max(4096)
const count = z.int().nonnegative()
const exportName = z.string().max(MAX_REPORT_BYTES)
const reportSchema: z.ZodType<Report> = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('ready') }),
  z.strictObject({ event: z.literal('received') }),
  z.strictObject({ event: z.literal('refused'), reason: text, subject: text.optional() }),
  z.strictObject({
    event: z.literal('rewritten'),
    facts: z.strictObject({
      initialBytes: count,
      exports: z.strictObject({
        budget: exportName,
        refused: exportName,
        fuel: exportName.optional(),
        depth: exportName.optional(),
      }),
      startExport: exportName.optional(),
    }),
    bytes: count,
  }),
  z.strictObject({ event: z.literal('compiled') }),
  z.strictObject({ event: z.literal('started') }),
  z.strictObject({ event: z.literal('memory'), peakBytes: count }),
  z.strictObject({
    event: z.literal('ended'),
    end: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('exited'), code: count.max(0xffff_ffff) }),
      z.strictObject({ kind: z.literal('trapped'), trap: z.enum(TRAP_NAMES) }),
      z.strictObject({ kind: z.literal('output') }),
      z.strictObject({ kind: z.literal('fuel') }),
    ]),
    cpuTimeMs: count,
    memoryPeakBytes: count,
    limitsHit: z.array(z.enum(['memory', 'disk', 'inodes', 'openFiles'])).max(4),
    fuelUsed: count.optional(),
  }),
  z.strictObject({ event: z.literal('output'), path: z.string().max(MAX_REPORT_BYTES), bytes: count }),
  z.strictObject({
    event: z.literal('unfit'),
    path: z.string().max(MAX_REPORT_BYTES),
    code: z.enum(['SYMLINK', 'HARD_LINK']),
  }),
  z.strictObject({ event: z.literal('complete') }),
  z.strictObject({ event: z.literal('fault'), reason: text }),
])

/**
 * The frames of a sandbox process, at the reader's pace, until its end of the pipe closes.
 *
 * @throws ChannelBroken when a frame is longer than allowed or is not what it should be.
 */
export async function* readFrames(source: Readable): AsyncGenerator<Frame, void, void> {
  let parts: Buffer[] = []
  let gathered = 0
  let needed = FRAME_HEADER_BYTES
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      parts.push(chunk)
      gathered += chunk.length
      // Joined once there is a frame, and not with each piece of it: a process that drips would have the node copy all day.
      if (gathered < needed && parts.length < MAX_PARTS) continue
      let pending = parts.length === 1 ? chunk : Buffer.concat(parts)
      for (
        let length = frameLength(pending);
        length !== undefined && pending.length >= length;
        length = frameLength(pending)
      ) {
        const content = pending.subarray(FRAME_HEADER_BYTES, length)
        const kind = KINDS[pending[4] ?? 0]
        pending = pending.subarray(length)
        yield kind === undefined || kind === 'report'
          ? { kind: 'report', report: parseReport(content) }
          : { kind, data: content }
      }
      parts = pending.length === 0 ? [] : [pending]
      gathered = pending.length
      needed = frameLength(pending) ?? FRAME_HEADER_BYTES
    }
  } catch (error) {
    if (error instanceof ChannelBroken) throw error
    // The process was killed in mid-frame: that is an end like any other.
  }
}

const KINDS = Object.keys(FRAME_KIND) as (keyof typeof FRAME_KIND)[]

function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined
  const kind = bytes[4] ?? 0
  const length = bytes.readUInt32LE(0)
  if (kind >= KINDS.length) throw new ChannelBroken(`a frame of unknown kind ${kind}`)
  if (length > (kind === FRAME_KIND.report ? MAX_REPORT_BYTES : MAX_DATA_BYTES))
    throw new ChannelBroken(`a frame of ${length} bytes`)
  return FRAME_HEADER_BYTES + length
}

function parseReport(content: Buffer): Report {
  let json: unknown
  try {
    json = JSON.parse(content.toString('utf8'))
  } catch {
    throw new ChannelBroken('a report that is not JSON')
  }
  const parsed = reportSchema.safeParse(json)
  if (!parsed.success) throw new ChannelBroken(`a report of another form: ${parsed.error.issues[0]?.message ?? ''}`)
  return parsed.data
}

/** The next `bytes` bytes of data frames. @throws ChannelBroken where something else comes, or too little */
export async function* contentOf(
  frames: AsyncGenerator<Frame, void, void>,
  bytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  for (let left = bytes; left > 0;) {
    const { value: frame } = await frames.next()
    if (frame?.kind !== 'data' || frame.data.length > left || frame.data.length === 0)
      throw new ChannelBroken('a file that is cut short')
    left -= frame.data.length
    yield frame.data
  }
}
