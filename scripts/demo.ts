/**
 * `npm run demo [-- --json]`: a provider in one process, a requester in another, on loopback; tasks cross the network,
 * run in a sandbox, and their signed results come back. Nothing is left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createDemoVoice } from './demo-voice.ts'

const root = join(import.meta.dirname, '..')
/** A demo that takes longer is broken. */
const TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 5_000

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const voice = createDemoVoice({ stream: values.json ? process.stderr : process.stdout })
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(TIMEOUT_MS)])
process.exitCode = await demo(signal).catch((error: unknown) => {
  if (!signal.aborted) throw error
  voice.say(`\nEnded early: ${(signal.reason as Error).message}.`)
  return 1
})

async function demo(signal: AbortSignal): Promise<number> {
  const startMs = performance.now()
  const dir = await mkdtemp(join(tmpdir(), 'souk-demo-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))

  const provider = spawn(
    process.execPath,
    [join(root, 'bin', 'souk'), 'up', '--json', '--listen', '/ip4/127.0.0.1/tcp/0'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SOUK_NODE_DATA_DIR: join(dir, 'provider'),
        SOUK_NODE_LOG_LEVEL: 'warn',
        SOUK_SANDBOX_WASM_PREWARM: '2',
      },
    },
  )
  cleanUp.defer(() => end(provider))
  const { multiaddrs, address } = await greetingOf(provider, signal)
  voice.say(`provider  ${address}, process ${provider.pid}: serving on ${multiaddrs[0]}`)

  const args = [join(import.meta.dirname, 'demo-requester.ts'), multiaddrs[0], dir, ...(values.json ? ['--json'] : [])]
  const requester = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  cleanUp.defer(() => end(requester))
  const [code] = (await once(requester, 'exit', { signal })) as [number | null]
  if (code === 0) voice.say(`\nDone in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`)
  return code ?? 1
}

interface Greeting {
  readonly address: string
  readonly multiaddrs: readonly [string, ...string[]]
}

/** The one document that `souk up --json` prints, once it serves. @throws Error with what it said, where it does not */
async function greetingOf(provider: ChildProcess, signal: AbortSignal): Promise<Greeting> {
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
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const inTime = await Promise.race([ended.then(() => true), sleep(STOP_TIMEOUT_MS, false, { ref: false })])
  if (!inTime) child.kill('SIGKILL')
  await ended
}
