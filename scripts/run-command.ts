import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
  /** Ends the command and all that it started. */
  readonly signal: AbortSignal
  /** The descriptor that takes standard output and error; ours where absent. */
  readonly output?: number
}

export interface CommandResult {
  readonly ok: boolean
  /** Why it is not ok, where the exit code alone does not say. */
  readonly problem?: string
  /** The session that every process of the command belongs to, unless it left for one of its own. */
  readonly session: number
}

/** How long a command may take to end by itself when asked to. */
const GRACE_MS = 5_000

/**
 * Runs a command in a session of its own, without input, and ends the whole session's group
 * when time is over or `signal` aborts.
 */
export async function runCommand(request: Command): Promise<CommandResult> {
  const { command, args, env, timeoutMs, signal, output = 'inherit' } = request
  const child = spawn(command, args, { stdio: ['ignore', output, output], env, detached: true })
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | NodeJS.Signals>()
  child.once('error', reject)
  child.once('exit', (code, by) => resolve(code ?? by ?? 'SIGKILL'))
  const timeout = AbortSignal.timeout(timeoutMs)
  const stop = AbortSignal.any([signal, timeout])
  const onStop = (): void => void endGroup(child.pid, ended)
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  try {
    const end = await ended
    const session = child.pid ?? 0
    if (timeout.aborted) return { ok: false, problem: `not done after ${timeoutMs / 1000} s`, session }
    if (end === 0) return { ok: true, session }
    return { ok: false, problem: typeof end === 'number' ? `exit code ${end}` : `ended by ${end}`, session }
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

async function endGroup(pid: number | undefined, ended: Promise<unknown>): Promise<void> {
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  await Promise.race([ended.catch(() => undefined), sleep(GRACE_MS, undefined, { ref: false })])
  signalGroup(pid, 'SIGKILL')
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
