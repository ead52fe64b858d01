import { OUTPUT_ERROR_CODES } from '../protocol/execution.ts'
import { decodeRecords, type Records } from './launcher-records.ts'

/** Frames to and from the launcher: u32 LE length of type and payload, u8 type, payload (src/native/launcher/README.md). */
const FRAME_TYPE = {
  request: 1,
  data: 2,
  end: 3,
  credit: 4,
  kill: 5,
  collect: 6,
  release: 7,
  resize: 8,
  started: 16,
  dataFromTask: 17,
  endFromTask: 18,
  creditForTask: 19,
  report: 20,
  file: 21,
  fileData: 22,
  fileRefused: 23,
  done: 24,
  failed: 25,
} as const

const LENGTH_BYTES = 4
/** Type and payload together. */
export const MAX_FRAME_BYTES = 1024 * 1024
export const MAX_DATA_BYTES = 65_536
/** What either side may send on a channel before it is granted more. */
export const INITIAL_CREDIT_BYTES = 262_144

type OutputErrorCode = (typeof OUTPUT_ERROR_CODES)[number]

/** What the launcher says, besides the bytes of a task's channels. */
export type ControlFrame =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'report'; readonly records: Records }
  /** `utf8` is false where the name on the disk is no UTF-8, and `path` therefore not that name. */
  | { readonly kind: 'file'; readonly bytes: number; readonly path: string; readonly utf8: boolean }
  | { readonly kind: 'fileData'; readonly data: Buffer }
  | { readonly kind: 'fileRefused'; readonly code: OutputErrorCode; readonly path: string; readonly message: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly records: Records }

export type ChannelFrame =
  | { readonly kind: 'data'; readonly channel: number; readonly data: Buffer }
  | { readonly kind: 'end'; readonly channel: number }
  | { readonly kind: 'credit'; readonly channel: number; readonly bytes: number }

export type LauncherFrame = ControlFrame | ChannelFrame

/** The launcher, or whoever sits at its socket, broke the rules. */
export class LauncherProtocolError extends Error {
  override readonly name = 'LauncherProtocolError'
}

/** @throws LauncherProtocolError where the records are more than a frame holds. */
export function encodeRequest(records: Uint8Array): Buffer {
  if (records.length >= MAX_FRAME_BYTES) throw new LauncherProtocolError(`a request of ${records.length} bytes`)
  return Buffer.concat([header(FRAME_TYPE.request, records.length), records])
}

/** The bytes of a DATA frame that come before its content, which is at most {@link MAX_DATA_BYTES} long. */
export function encodeDataHeader(channel: number, contentBytes: number): Buffer {
  return Buffer.concat([header(FRAME_TYPE.data, 1 + contentBytes), Buffer.of(channel)])
}

export function encodeEnd(channel: number): Buffer {
  return Buffer.concat([header(FRAME_TYPE.end, 1), Buffer.of(channel)])
}

export function encodeCredit(channel: number, bytes: number): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + 6)
  frame.writeUInt32LE(6)
  frame[LENGTH_BYTES] = FRAME_TYPE.credit
  frame[LENGTH_BYTES + 1] = channel
  frame.writeUInt32LE(bytes, LENGTH_BYTES + 2)
  return frame
}

export const encodeKill = (): Buffer => header(FRAME_TYPE.kill, 0)
export const encodeCollect = (): Buffer => header(FRAME_TYPE.collect, 0)
export const encodeRelease = (): Buffer => header(FRAME_TYPE.release, 0)

export function encodeResize({ diskBytes, inodes }: { readonly diskBytes: number; readonly inodes: number }): Buffer {
  const caps = Buffer.alloc(16)
  caps.writeBigUInt64LE(BigInt(diskBytes))
  caps.writeBigUInt64LE(BigInt(inodes), 8)
  return Buffer.concat([header(FRAME_TYPE.resize, caps.length), caps])
}

function header(type: number, payloadBytes: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES + 1)
  bytes.writeUInt32LE(payloadBytes + 1)
  bytes[LENGTH_BYTES] = type
  return bytes
}

/** Takes bytes as they come off the socket and hands on whole frames; holds less than one frame. */
export interface FrameDecoder {
  /** @throws LauncherProtocolError where the bytes are no frames; nothing after that can be trusted. */
  push(chunk: Buffer): void
}

/** Frames share memory with the chunks that they came in. */
export function createFrameDecoder(onFrame: (frame: LauncherFrame) => void): FrameDecoder {
  let held: Buffer[] = []
  let heldBytes = 0
  let neededBytes = LENGTH_BYTES

  return {
    push(chunk) {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes < neededBytes) return
      const bytes = held.length === 1 ? chunk : Buffer.concat(held, heldBytes)
      let start = 0
      neededBytes = frameBytes(bytes, start)
      while (bytes.length - start >= neededBytes) {
        onFrame(parseFrame(bytes.subarray(start + LENGTH_BYTES, start + neededBytes)))
        start += neededBytes
        neededBytes = frameBytes(bytes, start)
      }
      heldBytes = bytes.length - start
      held = heldBytes === 0 ? [] : [bytes.subarray(start)]
    },
  }
}

/** How many bytes have to be there from `start` on: a whole frame's, or those of its length. */
function frameBytes(bytes: Buffer, start: number): number {
  if (bytes.length - start < LENGTH_BYTES) return LENGTH_BYTES
  const length = bytes.readUInt32LE(start)
  if (length < 1 || length > MAX_FRAME_BYTES) throw new LauncherProtocolError(`a frame of ${length} bytes`)
  return LENGTH_BYTES + length
}

function parseFrame(frame: Buffer): LauncherFrame {
  const type = frame[0]
  const payload = frame.subarray(1)
  switch (type) {
    case FRAME_TYPE.started:
      return { kind: 'started', pid: numberAt(sized(payload, 8), 0) }
    case FRAME_TYPE.dataFromTask:
      if (payload.length < 1 || payload.length > 1 + MAX_DATA_BYTES)
        throw new LauncherProtocolError(`data of ${payload.length} bytes`)
      return { kind: 'data', channel: payload.readUInt8(0), data: payload.subarray(1) }
    case FRAME_TYPE.endFromTask:
      return { kind: 'end', channel: sized(payload, 1).readUInt8(0) }
    case FRAME_TYPE.creditForTask:
      return { kind: 'credit', channel: sized(payload, 5).readUInt8(0), bytes: payload.readUInt32LE(1) }
    case FRAME_TYPE.report:
      return { kind: 'report', records: parseRecords(payload) }
    case FRAME_TYPE.file:
      return parseFile(payload)
    case FRAME_TYPE.fileData:
      return { kind: 'fileData', data: payload }
    case FRAME_TYPE.fileRefused:
      return parseFileRefused(payload)
    case FRAME_TYPE.done:
      sized(payload, 0)
      return { kind: 'done' }
    case FRAME_TYPE.failed:
      return { kind: 'failed', records: parseRecords(payload) }
    default:
      throw new LauncherProtocolError(`a frame of unknown type ${type}`)
  }
}

function sized(payload: Buffer, bytes: number): Buffer {
  if (payload.length !== bytes) throw new LauncherProtocolError(`a payload of ${payload.length} bytes, not ${bytes}`)
  return payload
}

function numberAt(payload: Buffer, offset: number): number {
  const value = payload.readBigUInt64LE(offset)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new LauncherProtocolError(`the number ${value}`)
  return Number(value)
}

function parseRecords(payload: Buffer): Records {
  const records = decodeRecords(payload)
  if (records === undefined) throw new LauncherProtocolError('records that are cut short or too many')
  return records
}

function parseFile(payload: Buffer): ControlFrame {
  if (payload.length < 9) throw new LauncherProtocolError('a file without a name')
  const name = payload.subarray(8)
  const path = name.toString('utf8')
  return { kind: 'file', bytes: numberAt(payload, 0), path, utf8: Buffer.from(path).equals(name) }
}

function parseFileRefused(payload: Buffer): ControlFrame {
  const [code, path, message, ...rest] = payload.toString('utf8').split('\0', 4)
  const known = OUTPUT_ERROR_CODES.find((each) => each === code)
  if (known === undefined || path === undefined || message === undefined || rest.length > 0)
    throw new LauncherProtocolError('a refusal of another form')
  return { kind: 'fileRefused', code: known, path, message }
}
