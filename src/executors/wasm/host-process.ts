import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Confinement } from '../ports.ts'
import { DESCRIPTOR } from './channel.ts'
import { sandboxFailed } from './failures.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process of this host with the pipes of {@link DESCRIPTOR}, however it was started. */
export interface HostProcess {
  readonly pid: number
  /** The node's end of a pipe that the process reads. @throws SoukError EXECUTOR_FAILED when there is none. */
  input(descriptor: number): Writable
  /** The node's end of a pipe that the process writes. @throws SoukError EXECUTOR_FAILED when there is none. */
  output(descriptor: number): Readable
  /** Never rejects. */
  readonly ended: Promise<Ended>
  /** Ends it, and what it may have started. */
  kill(): void
  /** Lets go of its pipes, whoever still holds their other ends. */
  destroy(): void
}

export interface ProgramToStart {
  readonly program: string
  readonly args: readonly string[]
  /** Files and folders of the host that it reads. */
  readonly reads: readonly string[]
}

/**
 * Starts a program as an ordinary process: no environment, working folder `/`, and a session of its own, so that a
 * Ctrl-C meant for the node does not reach it.
 */
export function startPlain({ program, args }: ProgramToStart): HostProcess {
  const stdio = Array.from({ length: DESCRIPTOR.lifeline + 1 }, (_, descriptor) =>
    descriptor < DESCRIPTOR.diagnostics ? 'ignore' : 'pipe',
  )
  const child = spawn(program, args, { cwd: '/', env: {}, stdio, detached: true })
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  const { pid } = child
  if (pid === undefined) throw sandboxFailed('the process cannot be started')
  // A killed process breaks its pipes; its end tells.
  for (const stream of child.stdio) stream?.on('error', () => {})
  return {
    pid,
    input(descriptor) {
      const stream = child.stdio[descriptor]
      if (stream === null || stream === undefined || !('write' in stream)) throw sandboxFailed('a pipe is missing')
      return stream
    },
    output(descriptor) {
      const stream = child.stdio[descriptor]
      if (stream === null || stream === undefined || !('read' in stream)) throw sandboxFailed('a pipe is missing')
      return stream
    },
    ended,
    kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      try {
        // It leads a process group of its own (`detached`); until it is reaped the number is nobody else's.
        process.kill(-pid, 'SIGKILL')
      } catch {
        child.kill('SIGKILL')
      }
    },
    destroy() {
      for (const stream of child.stdio) stream?.destroy()
    },
  }
}

/** Threads of Node and V8 among them. */
const CONFINED_PIDS = 64
const CONFINED_OPEN_FILES = 256

/** Starts a program in the native sandbox: an empty room with nothing in it but what it reads. */
export async function startConfined({
  confinement,
  program,
  args,
  reads,
  memoryBytes,
}: ProgramToStart & { readonly confinement: Confinement; readonly memoryBytes: number }): Promise<HostProcess> {
  const confined = await confinement.start({
    program,
    args: [program, ...args],
    env: {},
    binds: [
      { source: program, target: program, executable: true },
      ...reads.map((path) => ({ source: path, target: path, executable: false })),
    ],
    channels: [
      { descriptor: DESCRIPTOR.job, direction: 'in' },
      { descriptor: DESCRIPTOR.reports, direction: 'out' },
    ],
    limits: { memoryBytes, pids: CONFINED_PIDS, openFiles: CONFINED_OPEN_FILES, diskBytes: 0, inodes: 0 },
  })
  confined.stdin.end()
  confined.stdout.resume()
  const streams = [
    confined.stdin,
    confined.stdout,
    confined.stderr,
    ...confined.inputs.values(),
    ...confined.outputs.values(),
  ]
  for (const stream of streams) stream.on('error', () => {})
  return {
    pid: confined.pid,
    input(descriptor) {
      const stream = confined.inputs.get(descriptor)
      if (stream === undefined) throw sandboxFailed('a pipe is missing')
      return stream
    },
    output(descriptor) {
      const stream = descriptor === DESCRIPTOR.diagnostics ? confined.stderr : confined.outputs.get(descriptor)
      if (stream === undefined) throw sandboxFailed('a pipe is missing')
      return stream
    },
    ended: confined.ended,
    kill: () => confined.kill(),
    destroy: () => confined.destroy(),
  }
}
