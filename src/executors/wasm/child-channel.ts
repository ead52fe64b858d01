import { readSync, writeSync } from 'node:fs'
import {
  DESCRIPTOR,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  MAX_JOB_HEADER_BYTES,
  type JobHeader,
  type Report,
} from './channel.ts'
import type { FileData } from './host/file-data.ts'
import type { FileNode, SymlinkNode } from './host/nodes.ts'

const CHUNK_BYTES = 256 * 1024
/** Longer than any path that the node takes, so that cutting here changes nothing. */
const MAX_PATH_CHARACTERS = 8192

/** Fills `target`, blocking. The node that closes early is gone, and so is the reason to go on. */
function readFully(target: Uint8Array): void {
  for (let done = 0; done < target.length;) {
    const count = readSync(DESCRIPTOR.job, target, done, target.length - done, null)
    if (count === 0) throw new Error('the job ended early')
    done += count
  }
}

function writeFully(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(DESCRIPTOR.reports, bytes, done, bytes.length - done)
}

function writeFrame(kind: number, content: Uint8Array): void {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + content.length)
  new DataView(frame.buffer).setUint32(0, content.length, true)
  frame[4] = kind
  frame.set(content, FRAME_HEADER_BYTES)
  writeFully(frame)
}

export function readJobHeader(): JobHeader {
  const length = new Uint8Array(4)
  readFully(length)
  const bytes = new DataView(length.buffer).getUint32(0, true)
  if (bytes > MAX_JOB_HEADER_BYTES) throw new Error(`a job's header has ${bytes} bytes`)
  const text = new Uint8Array(bytes)
  readFully(text)
  return JSON.parse(new TextDecoder().decode(text)) as JobHeader
}

export function readModule(bytes: number): Uint8Array {
  const module = new Uint8Array(bytes)
  readFully(module)
  return module
}

export function receiveInputs(inputs: readonly { readonly bytes: number; readonly data: FileData }[]): void {
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (const { bytes, data } of inputs) {
    for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
      const part = chunk.subarray(0, Math.min(CHUNK_BYTES, bytes - offset))
      readFully(part)
      data.write(offset, part)
    }
  }
}

export function sendReport(report: Report): void {
  writeFrame(FRAME_KIND.report, new TextEncoder().encode(JSON.stringify(report)))
}

/** Hands over a result file, or says of what kind it is when that cannot be one: links are results on no runtime. */
export function sendResult(fullPath: string, node: FileNode | SymlinkNode): void {
  const path = fullPath.slice(0, MAX_PATH_CHARACTERS)
  if (node.kind === 'symlink') sendReport({ event: 'unfit', path, code: 'SYMLINK' })
  else if (node.links > 1) sendReport({ event: 'unfit', path, code: 'HARD_LINK' })
  else {
    sendReport({ event: 'output', path, bytes: node.data.size })
    for (const piece of node.data.pieces()) writeFrame(FRAME_KIND.data, piece)
  }
}
