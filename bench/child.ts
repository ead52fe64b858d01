import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A child of this process that talks over IPC. It ends by itself when this process does. */
export interface Child<Greeting> {
  /** The first thing it said. */
  readonly greeting: Greeting
  /** Sends a message and resolves to the next one that comes back. */
  ask<T>(message: string): Promise<T>
  /** Asks it to stop, and resolves when it has ended; may be called again. */
  stop(): Promise<void>
}

/**
 * Starts `bench/FILE` with the flags of this process, so that `node --cpu-prof bench/run.ts market` profiles both.
 * @throws Error where it ends before its first message
 */
export async function startChild<Greeting>(options: {
  readonly file: string
  readonly env?: Readonly<Record<string, string>>
}): Promise<Child<Greeting>> {
  const child = fork(join(import.meta.dirname, options.file), {
    env: { ...process.env, ...options.env },
    serialization: 'advanced',
  })
  const ended = once(child, 'exit')
  const greeting = await nextMessage<Greeting>(child, ended)
  return {
    greeting,
    ask<T>(message: string) {
      child.send(message)
      return nextMessage<T>(child, ended)
    },
    async stop() {
      if (child.connected) child.send('stop')
      await ended
    },
  }
}

async function nextMessage<T>(child: ChildProcess, ended: Promise<unknown[]>): Promise<T> {
  const message = once(child, 'message') as Promise<[T]>
  const early = ended.then(([code]) => Promise.reject(new Error(`the child ended with ${String(code)}`)))
  early.catch(() => undefined)
  const [value] = await Promise.race([message, early])
  return value
}
