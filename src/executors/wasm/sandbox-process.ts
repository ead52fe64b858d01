import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { DESCRIPTOR } from './channel.ts'
import { sandboxFailed } from './failures.ts'
import type { ProcessRecords } from './records.ts'
import { readFrames, type Frame } from './reports.ts'

/** Stack of a process that is started without asking for one: V8's own default. */
export const DEFAULT_STACK_BYTES = 984 * 1024
const MAX_HEAP_MEBIBYTES = 256
const START_TIMEOUT_MS = 30_000
const MAX_DIAGNOSTICS_CHARACTERS = 2000

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that runs one task and is then killed. */
export interface SandboxProcess {
  readonly pid: number
  readonly stackBytes: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly job: Writable
  /** What it reports after `ready`. */
  readonly frames: AsyncGenerator<Frame, void, void>
  readonly ended: Promise<Ended>
  /** The beginning of what Node itself wrote to its standard error: why it died, perhaps. */
  diagnostics(): string
  /** Ends it, and what it may have started in its session. */
  kill(): void
  /** Lets go of its pipes, whoever still holds their other ends. */
  destroy(): void
}

/** The library's folder as its importers find it, links and all. */
function libraryFolder(importer: string): string {
  for (let folder = importer; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules/@wasmer/wasi')
    if (existsSync(candidate)) return candidate
    if (folder === dirname(folder)) throw sandboxFailed('@wasmer/wasi is not installed')
  }
}

function commandLine(stackBytes: number): string[] {
  const scripts = dirname(fileURLToPath(import.meta.url))
  const entry = fileURLToPath(new URL(`./child${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
  return [
    '--permission',
    '--allow-worker',
    // To follow links it would have to read the folders above.
    '--preserve-symlinks',
    ...[scripts, libraryFolder(scripts)].map((folder) => `--allow-fs-read=${join(folder, '*')}`),
    '--no-warnings',
    '--v8-pool-size=2',
    `--max-old-space-size=${MAX_HEAP_MEBIBYTES}`,
    // Any flag that V8 hashes makes it drop its code cache, a quarter of the start; so the default is not said.
    ...(stackBytes === DEFAULT_STACK_BYTES ? [] : [`--stack-size=${Math.floor(stackBytes / 1024)}`]),
    entry,
  ]
}

export interface StartOptions {
  readonly stackBytes: number
  readonly records: ProcessRecords
}

/**
 * Starts a process and waits until it can take a job (0.2 s). It has no environment and a session of its own, so
 * that a Ctrl-C meant for the node does not reach it.
 *
 * @throws SoukError EXECUTOR_FAILED
 */
export async function startSandbox({ stackBytes, records }: StartOptions): Promise<SandboxProcess> {
  const stdio = Array.from({ length: DESCRIPTOR.stderr + 1 }, (_, descriptor) =>
    descriptor < DESCRIPTOR.diagnostics ? 'ignore' : 'pipe',
  )
  const child = spawn(process.execPath, commandLine(stackBytes), { cwd: '/', env: {}, stdio, detached: true })
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      if (child.pid !== undefined) records.remove(child.pid)
      resolve({ code, signal })
    })
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  const { pid } = child
  if (pid === undefined) throw sandboxFailed('the process cannot be started')
  try {
    records.add(pid)
  } catch (error) {
    child.kill('SIGKILL')
    throw sandboxFailed('it cannot be recorded', error)
  }
  const diagnostics = collectDiagnostics(child)
  for (const stream of child.stdio) stream?.on('error', () => {}) // a killed process breaks its pipes; its end tells
  const frames = readFrames(readableOf(child, DESCRIPTOR.reports))
  const kill = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return
    try {
      // It leads a process group of its own (`detached`); until it is reaped the number is nobody else's.
      process.kill(-pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL')
    }
  }
  const timer = setTimeout(kill, START_TIMEOUT_MS)
  const first = await frames.next().finally(() => clearTimeout(timer))
  if (first.done === true || first.value.kind !== 'report' || first.value.report.event !== 'ready') {
    kill()
    await ended
    const said =
      first.value?.kind === 'report' && first.value.report.event === 'fault' ? first.value.report.reason : diagnostics()
    throw sandboxFailed('it did not get ready', new Error(said))
  }
  return {
    pid,
    stackBytes,
    stdin: writableOf(child, DESCRIPTOR.stdin),
    stdout: readableOf(child, DESCRIPTOR.stdout),
    stderr: readableOf(child, DESCRIPTOR.stderr),
    job: writableOf(child, DESCRIPTOR.job),
    frames,
    ended,
    diagnostics,
    kill,
    destroy() {
      for (const stream of child.stdio) stream?.destroy()
    },
  }
}

function collectDiagnostics(child: ChildProcess): () => string {
  let text = ''
  readableOf(child, DESCRIPTOR.diagnostics).on('data', (chunk: Buffer) => {
    if (text.length < MAX_DIAGNOSTICS_CHARACTERS) text += chunk.toString('utf8')
  })
  return () => text.slice(0, MAX_DIAGNOSTICS_CHARACTERS).trim()
}

function readableOf(child: ChildProcess, descriptor: number): Readable {
  const stream = child.stdio[descriptor]
  if (stream === null || stream === undefined || !('read' in stream)) throw sandboxFailed('a pipe is missing')
  return stream
}

function writableOf(child: ChildProcess, descriptor: number): Writable {
  const stream = child.stdio[descriptor]
  if (stream === null || stream === undefined || !('write' in stream)) throw sandboxFailed('a pipe is missing')
  return stream
}
