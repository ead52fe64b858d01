import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Confinement } from '../ports.ts'
import { DESCRIPTOR } from './channel.ts'
import { UNCONFINED } from './child-life.ts'
import type { WasmHost } from './choices.ts'
import { sandboxFailed } from './failures.ts'
import { startConfined, startPlain, type Ended, type HostProcess, type ProgramToStart } from './host-process.ts'
import { OPTIMISING_FLAG } from './module/compile.ts'
import type { ProcessRecords } from './records.ts'
import { readFrames, type Frame } from './reports.ts'
import { sandboxEntry } from './sandbox-entry.ts'
import type { ProgramHolder } from './prepared-programs.ts'

/** Stack of a process that is started without asking for one: V8's own default. */
export const DEFAULT_STACK_BYTES = 984 * 1024
const MAX_HEAP_MEBIBYTES = 256
const START_TIMEOUT_MS = 30_000
const MAX_DIAGNOSTICS_CHARACTERS = 2000

/** A process that runs one task and is then killed, or several of one requester, one after the other. */
export interface SandboxProcess extends ProgramHolder {
  readonly pid: number
  readonly stackBytes: number
  /** Jobs, and the standard input of the task that it has. */
  readonly job: Writable
  /** What it reports after `ready`, over all of its jobs. */
  readonly frames: AsyncGenerator<Frame, void, void>
  readonly ended: Promise<Ended>
  /** The beginning of what Node itself wrote to its standard error: why it died, perhaps. */
  diagnostics(): string
  /** Ends it, and what it may have started in its session. */
  kill(): void
  /** Lets go of its pipes, whoever still holds their other ends. */
  destroy(): void
}

function programOf({ stackBytes, host, confined }: StartOptions): ProgramToStart {
  const { script, reads } = sandboxEntry()
  const args = [
    '--permission',
    ...(confined === undefined ? ['--allow-worker'] : []),
    // To follow links it would have to read the folders above.
    '--preserve-symlinks',
    '--preserve-symlinks-main',
    ...reads.map((folder) => `--allow-fs-read=${join(folder, '*')}`),
    '--no-warnings',
    '--v8-pool-size=2',
    OPTIMISING_FLAG,
    `--max-old-space-size=${MAX_HEAP_MEBIBYTES}`,
    // Any flag that V8 hashes makes it drop its code cache, a quarter of the start; so the default is not said.
    ...(stackBytes === DEFAULT_STACK_BYTES ? [] : [`--stack-size=${Math.floor(stackBytes / 1024)}`]),
    script,
    host,
    ...(confined === undefined ? [UNCONFINED] : []),
  ]
  return { program: process.execPath, args, reads }
}

export interface StartOptions {
  readonly stackBytes: number
  readonly host: WasmHost
  readonly records: ProcessRecords
  /** The native sandbox to start it in, and the most memory that it and its task may have there. */
  readonly confined?: { readonly confinement: Confinement; readonly memoryBytes: number }
}

/**
 * Starts a process and waits until it can take a job (about 50 ms). It has no environment.
 *
 * @throws SoukError EXECUTOR_FAILED
 */
export async function startSandbox(options: StartOptions): Promise<SandboxProcess> {
  const { stackBytes, records, confined } = options
  const program = programOf(options)
  const child = confined === undefined ? startPlain(program) : await startConfined({ ...program, ...confined })
  const { pid, kill } = child
  try {
    records.add(pid)
  } catch (error) {
    kill()
    throw sandboxFailed('it cannot be recorded', error)
  }
  const ended = child.ended.then((end) => {
    records.remove(pid)
    return end
  })
  const diagnostics = collectDiagnostics(child)
  const frames = readFrames(child.output(DESCRIPTOR.reports))
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
    untouched: true,
    compiled: new Set(),
    job: child.input(DESCRIPTOR.job),
    frames,
    ended,
    diagnostics,
    kill,
    destroy: () => child.destroy(),
  }
}

function collectDiagnostics(child: HostProcess): () => string {
  let text = ''
  child.output(DESCRIPTOR.diagnostics).on('data', (chunk: Buffer) => {
    if (text.length < MAX_DIAGNOSTICS_CHARACTERS) text += chunk.toString('utf8')
  })
  return () => text.slice(0, MAX_DIAGNOSTICS_CHARACTERS).trim()
}
