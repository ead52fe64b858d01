/**
 * The process that transpiles one component: it loads jco, gives up its privileges, reads one component, sends one
 * bundle and is killed by the node. jco is WebAssembly made from Rust; what it makes of a hostile component, and
 * how long it takes, is the business of this process alone, which has nothing and may do nothing.
 */
import { readBytes, readWord, writeFully } from '../child-channel.ts'
import { dropPrivileges, startLifeline } from '../child-life.ts'
import { ModuleRefused } from '../module/reader.ts'
import { encodeBundle } from './bundle.ts'
import { loadTranspiler, transpile } from './transpile.ts'
import {
  MAX_REASON_CHARACTERS,
  MAX_REPORT_BYTES,
  type TranspileJob,
  type TranspileReport,
} from './transpile-channel.ts'

const LINGER_MS = 30_000

function send(report: TranspileReport): void {
  const json = Buffer.from(JSON.stringify(report)).subarray(0, MAX_REPORT_BYTES)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  writeFully(Buffer.concat([length, json]))
}

function failed(error: unknown): void {
  const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARACTERS)
  if (error instanceof ModuleRefused)
    send({ event: 'refused', reason, subject: error.subject?.slice(0, MAX_REASON_CHARACTERS) })
  // A stack or an array that a component made too large; jco itself traps where it can do no more.
  else if (error instanceof RangeError || error instanceof WebAssembly.RuntimeError)
    send({ event: 'refused', reason: `the component cannot be transpiled: ${reason}` })
  else send({ event: 'fault', reason })
}

try {
  const lifeline = await startLifeline(new URL(`../lifeline${import.meta.url.slice(-3)}`, import.meta.url))
  await loadTranspiler()
  dropPrivileges()
  send({ event: 'ready' })
  const job = JSON.parse(new TextDecoder().decode(readBytes(readWord()))) as TranspileJob
  lifeline?.postMessage(job.backstopMs)
  const bundle = encodeBundle(transpile(readBytes(job.componentBytes), job.meters))
  send({ event: 'bundle', bytes: bundle.length })
  writeFully(bundle)
} catch (error) {
  failed(error)
}
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LINGER_MS)
process.kill(process.pid, 'SIGKILL')
