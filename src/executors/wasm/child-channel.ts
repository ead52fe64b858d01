import { readSync, writeSync } from 'node:fs'
import {
  DESCRIPTOR,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  MAX_DATA_BYTES,
  MAX_JOB_HEADER_BYTES,
  type JobHeader,
  type Report,
} from './channel.ts'
import type { FileData } from './host/file-data.ts'
import type { FileNode, SymlinkNode } from './host/nodes.ts'
import type { StreamPort } from './host/streams.ts'

const CHUNK_BYTES = 256 * 1024
/** Longer than any path that the node takes, so that cutting here changes nothing. */
const MAX_PATH_CHARACTERS = 8192
/** Content up to here is copied behind its header and written in one go. */
const GATHERED_BYTES = 16 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const gathered = new Uint8Array(FRAME_HEADER_BYTES + GATHERED_BYTES)
const gatheredView = new DataView(gathered.buffer)
const word = new Uint8Array(4)
const wordView = new DataView(word.buffer)

/** Fills `target`, blocking. The node that closes early is gone, and so is the reason to go on. */
function readFully(target: Uint8Array): void {
  for (let done = 0; done < target.length;) {
    const count = readSync(DESCRIPTOR.job, target, done, target.length - done, null)
    if (count === 0) throw new Error('the job ended early')
    done += count
  }
}

/** The next little-endian u32: how long what follows is. */
export function readWord(): number {
  readFully(word)
  return wordView.getUint32(0, true)
}

/** Writes all of it, blocking. */
export function writeFully(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(DESCRIPTOR.reports, bytes, done, bytes.length - done)
}

function writeFrame(kind: number, content: Uint8Array): void {
  gatheredView.setUint32(0, content.length, true)
  gathered[4] = kind
  if (content.length <= GATHERED_BYTES) {
    gathered.set(content, FRAME_HEADER_BYTES)
    writeFully(gathered.subarray(0, FRAME_HEADER_BYTES + content.length))
  } else {
    writeFully(gathered.subarray(0, FRAME_HEADER_BYTES))
    writeFully(content)
  }
}

/** Waits for the next job. @throws Error when the node has closed the channel. */
export function readJobHeader(): JobHeader {
  const bytes = readWord()
  if (bytes > MAX_JOB_HEADER_BYTES) throw new Error(`a job's header has ${bytes} bytes`)
  return JSON.parse(decoder.decode(readBytes(bytes))) as JobHeader
}

export function readBytes(bytes: number): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(bytes)
  readFully(content)
  return content
}

export function receiveInputs(inputs: readonly { readonly bytes: number; readonly data: FileData }[]): void {
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(0, ...inputs.map(({ bytes }) => bytes))))
  for (const { bytes, data } of inputs) {
    for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
      const part = chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - offset))
      readFully(part)
      data.write(offset, part)
    }
  }
}

export function sendReport(report: Report): void {
  writeFrame(FRAME_KIND.report, encoder.encode(JSON.stringify(report)))
}

/** Bytes of what was announced last, or of output, in as many frames as it takes. */
function sendContent(kind: number, content: Uint8Array): void {
  for (let offset = 0; offset < content.length; offset += MAX_DATA_BYTES)
    writeFrame(kind, content.subarray(offset, offset + MAX_DATA_BYTES))
}

export function sendData(content: Uint8Array): void {
  sendContent(FRAME_KIND.data, content)
}

/** Hands over a result file, or says of what kind it is when that cannot be one: links are results on no runtime. */
export function sendResult(fullPath: string, node: FileNode | SymlinkNode): void {
  const path = fullPath.slice(0, MAX_PATH_CHARACTERS)
  if (node.kind === 'symlink') sendReport({ event: 'unfit', path, code: 'SYMLINK' })
  else if (node.links > 1) sendReport({ event: 'unfit', path, code: 'HARD_LINK' })
  else {
    sendReport({ event: 'output', path, bytes: node.data.size })
    for (const piece of node.data.pieces()) sendData(piece)
  }
}

/** The task's standard streams on the channel: blocking, unbuffered. One for each job. */
export class ChannelStreams implements StreamPort {
  #pieceLeft = 0
  #ended = false

  /** Blocks until there is something; 0 is the end. */
  read(target: Uint8Array): number {
    if (target.length === 0 || !this.#nextPiece()) return 0
    const count = readSync(DESCRIPTOR.job, target, 0, Math.min(target.length, this.#pieceLeft), null)
    if (count === 0) this.#ended = true
    this.#pieceLeft -= count
    return count
  }

  /** Writes all of it. */
  write(kind: 'stdout' | 'stderr', content: Uint8Array): void {
    sendContent(FRAME_KIND[kind], content)
  }

  /** Reads past what the task left of its standard input, to where the next job begins. */
  skipInput(): void {
    const rest = new Uint8Array(GATHERED_BYTES)
    while (this.read(rest) > 0);
  }

  #nextPiece(): boolean {
    if (!this.#ended && this.#pieceLeft === 0) {
      this.#pieceLeft = readWord()
      this.#ended = this.#pieceLeft === 0
    }
    return !this.#ended
  }
}
