import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const STOP_TIMEOUT_MS = 10_000

export interface Greeting {
  readonly address: string
  readonly multiaddrs: readonly [string, ...string[]]
}

/** The one document that `souk up --json` prints, once it serves. @throws Error with what it said, where it does not */
export async function greetingOf(provider: ChildProcess, signal: AbortSignal): Promise<Greeting> {
  let log = ''
  provider.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = once(provider, 'close', { signal }).then(() =>
    Promise.reject(new Error(`the provider did not start:\n${log}`)),
  )
  const greeting = new Promise<Greeting>((resolve) => {
    let text = ''
    provider.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.endsWith('\n')) resolve(JSON.parse(text) as Greeting)
    })
  })
  return Promise.race([greeting, ended])
}

/** Asks a process to end, and ends it where it does not. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const inTime = await Promise.race([ended.then(() => true), sleep(STOP_TIMEOUT_MS, false, { ref: false })])
  if (!inTime) child.kill('SIGKILL')
  await ended
}
