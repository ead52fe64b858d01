import { isatty } from 'node:tty'
import picocolors from 'picocolors'

export type Colors = ReturnType<typeof picocolors.createColors>
/** The reader went away: closed its end of a pipe, or the terminal hung up. */
const GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

type Environment = Readonly<Record<string, string | undefined>>

/** A standard stream cannot be written, and somebody waits for what it was to say: a full disk, say. */
export class UnwritableError extends Error {
  override readonly name = 'UnwritableError'

  constructor({ name, cause }: { readonly name: 'output' | 'error'; readonly cause: Error }) {
    super(`standard ${name} cannot be written: ${cause.message}`, { cause })
  }
}

/** Standard output or error. */
export interface TerminalStream {
  readonly isTTY: boolean
  /** Characters in a line; Infinity where it is no terminal. */
  columns(): number
  readonly colors: Colors
  /** Aborts when whoever read the stream went away; what is written then is dropped. */
  readonly broken: AbortSignal
  /** Resolves when all of it is written. @throws UnwritableError where it cannot be, unless its reader went away. */
  write(data: string | Uint8Array): Promise<void>
}

export interface Terminal {
  readonly stdout: TerminalStream
  readonly stderr: TerminalStream
}

export function createTerminal({ env }: { readonly env: Environment }): Terminal {
  return { stdout: openStream({ fd: 1, env }), stderr: openStream({ fd: 2, env }) }
}

/** NO_COLOR (no-color.org) and FORCE_COLOR, of which the latter wins; else colours on a terminal only. */
export function wantsColors({ env, isTTY }: { readonly env: Environment; readonly isTTY: boolean }): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  if (no !== undefined && no !== '') return false
  return isTTY && term !== 'dumb'
}

function openStream({ fd, env }: { readonly fd: 1 | 2; readonly env: Environment }): TerminalStream {
  const isTTY = isatty(fd)
  const stream = fd === 1 ? process.stdout : process.stderr
  const broken = new AbortController()
  const pending = new Set<PromiseWithResolvers<void>>()
  let failure: Error | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (GONE.has(error.code)) broken.abort()
    else failure = new UnwritableError({ name: fd === 1 ? 'output' : 'error', cause: error })
    for (const write of pending) settle(write)
  })
  function settle(write: PromiseWithResolvers<void>): void {
    pending.delete(write)
    if (failure === undefined) write.resolve()
    else write.reject(failure)
  }
  return {
    isTTY,
    columns: () => (isTTY ? stream.columns || 80 : Infinity),
    colors: picocolors.createColors(wantsColors({ env, isTTY })),
    broken: broken.signal,
    write(data) {
      const write = Promise.withResolvers<void>()
      if (broken.signal.aborted || failure !== undefined || data.length === 0) settle(write)
      else {
        pending.add(write)
        // What fails is settled by the stream's `error`, which comes after this.
        stream.write(data, (error) => {
          if (error === null || error === undefined) settle(write)
        })
      }
      return write.promise
    },
  }
}
