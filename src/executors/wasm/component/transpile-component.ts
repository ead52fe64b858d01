import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Confinement } from '../../ports.ts'
import { DESCRIPTOR } from '../channel.ts'
import { UNCONFINED } from '../child-life.ts'
import { moduleRefused, sandboxFailed } from '../failures.ts'
import { feedFile } from '../feed.ts'
import { libraryFolder } from '../library-folder.ts'
import { startConfined, startPlain, type HostProcess, type ProgramToStart } from '../host-process.ts'
import type { ProcessRecords } from '../records.ts'
import { BundleBroken, decodeBundle } from './bundle.ts'
import type { ComponentMeters } from './transpile.ts'
import { TranspileAnswers, type TranspileJob } from './transpile-channel.ts'

export interface TranspileOptions {
  /** The component's file, and the length that it was checked to have. */
  readonly component: { readonly source: string; readonly bytes: number }
  readonly meters: ComponentMeters
  /** For jco and the rewriter together. */
  readonly timeoutMs: number
  readonly records: ProcessRecords
  /** The native sandbox to start the process in. */
  readonly confinement?: Confinement | undefined
  readonly signal: AbortSignal
}

/** jco's own heap, and the JavaScript and core modules that it makes. */
const MAX_HEAP_MEBIBYTES = 512
const MAX_JCO_PAGES = 16_384
const PROCESS_BYTES = 2 * 1024 ** 3
const START_TIMEOUT_MS = 30_000
const BACKSTOP_GRACE_MS = 10_000
/** Meters make a module longer, by less than this factor; the JavaScript and what is small comes on top. */
const BUNDLE_BYTES_PER_BYTE = 4
const BUNDLE_EXTRA_BYTES = 48 * 1024 * 1024

/**
 * Transpiles one component in a process of its own, which is killed afterwards. Takes 0.1 s to start it, and 0.1 to
 * 2 s for the component.
 *
 * @returns the bundle that runs it: see {@link decodeBundle}, which has taken it.
 * @throws SoukError MODULE_REFUSED, EXECUTOR_FAILED; the signal's reason when it aborts
 */
export async function transpileComponent(options: TranspileOptions): Promise<Uint8Array> {
  const { component, meters, timeoutMs, records, confinement, signal } = options
  signal.throwIfAborted()
  const program = transpilerProgram({ confined: confinement !== undefined })
  const child =
    confinement === undefined
      ? startPlain(program)
      : await startConfined({ ...program, confinement, memoryBytes: PROCESS_BYTES })
  const onAbort = (): void => child.kill()
  signal.addEventListener('abort', onAbort)
  let timedOut = false
  let timer = setTimeout(() => child.kill(), START_TIMEOUT_MS)
  try {
    records.add(child.pid)
    child.output(DESCRIPTOR.diagnostics).resume()
    const answers = new TranspileAnswers(child.output(DESCRIPTOR.reports))
    await expectReady(answers)
    clearTimeout(timer)
    timer = setTimeout(() => {
      timedOut = true
      child.kill()
    }, timeoutMs)
    await feed(child, component, { componentBytes: component.bytes, meters, backstopMs: timeoutMs + BACKSTOP_GRACE_MS })
    const bundle = await readBundle(answers, BUNDLE_BYTES_PER_BYTE * component.bytes + BUNDLE_EXTRA_BYTES)
    // What cannot be read here is not kept for others either.
    decodeBundle(bundle)
    return bundle
  } catch (error) {
    signal.throwIfAborted()
    if (timedOut) throw moduleRefused(`transpiling the component takes longer than ${timeoutMs} ms`)
    // The process is killed by nobody else, and runs nothing but jco: what it died of is what it was given.
    if (error instanceof BundleBroken) throw moduleRefused('the transpiler did not survive the component')
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    child.kill()
    await child.ended
    child.destroy()
    records.remove(child.pid)
  }
}

async function expectReady(answers: TranspileAnswers): Promise<void> {
  const report = await answers.report().catch((error: unknown) => {
    throw sandboxFailed('the transpiler did not start', error)
  })
  if (report.event !== 'ready')
    throw sandboxFailed('the transpiler did not start', 'reason' in report ? new Error(report.reason) : undefined)
}

async function feed(
  child: HostProcess,
  { source, bytes }: TranspileOptions['component'],
  job: TranspileJob,
): Promise<void> {
  const target = child.input(DESCRIPTOR.job)
  const json = Buffer.from(JSON.stringify(job))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  target.write(Buffer.concat([length, json]))
  await feedFile(target, { source, bytes })
  target.end()
}

async function readBundle(answers: TranspileAnswers, maxBytes: number): Promise<Uint8Array> {
  const report = await answers.report()
  if (report.event === 'refused') throw moduleRefused(report.reason, report.subject)
  if (report.event !== 'bundle')
    throw sandboxFailed(
      'reason' in report ? `the transpiler failed: ${report.reason}` : 'the transpiler says ready twice',
    )
  if (report.bytes > maxBytes) throw moduleRefused(`the component becomes ${report.bytes} bytes when it is transpiled`)
  return answers.bytes(report.bytes)
}

function transpilerProgram({ confined }: { readonly confined: boolean }): ProgramToStart {
  const own = dirname(fileURLToPath(import.meta.url))
  const entry = fileURLToPath(
    new URL(`./transpile-child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
  )
  const jco = libraryFolder('@bytecodealliance/jco-transpile', own)
  const reads = [...new Set([dirname(own), jco, libraryFolder('@bytecodealliance/preview2-shim', jco)])]
  const args = [
    '--permission',
    // What jco stands on starts one when it is loaded.
    '--allow-worker',
    // To follow links it would have to read the folders above.
    '--preserve-symlinks',
    ...reads.map((folder) => `--allow-fs-read=${join(folder, '*')}`),
    '--no-warnings',
    '--v8-pool-size=2',
    `--max-old-space-size=${MAX_HEAP_MEBIBYTES}`,
    `--wasm-max-mem-pages=${MAX_JCO_PAGES}`,
    entry,
    ...(confined ? [] : [UNCONFINED]),
  ]
  return { program: process.execPath, args, reads }
}
