/**
 * `npm run demo [-- --json]`: a provider in one process, a requester in another, on loopback; tasks cross the network,
 * run in sandboxes of WebAssembly, native Linux and Docker, and their signed results come back. Nothing is left behind
 * but what had to be installed, which is said.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askLocalNode } from '../src/cli/local-socket.ts'
import { nodePaths } from '../src/node/config/config.ts'
import type { RuntimeStatus } from '../src/protocol/node-status.ts'
import { buildWasmSandbox, IN_CLONE } from './build-wasm-sandbox.ts'
import { endChild, greetingOf } from './demo-processes.ts'
import { prepareRuntimes } from './demo-runtimes.ts'
import type { DemoRuntimes } from './demo-tasks.ts'
import { createDemoVoice } from './demo-voice.ts'

const root = join(import.meta.dirname, '..')
/** Packages may have to be fetched. */
const PREPARE_TIMEOUT_MS = 15 * 60_000
/** A demo that takes longer is broken. */
const TIMEOUT_MS = 120_000

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const voice = createDemoVoice({ stream: values.json ? process.stderr : process.stdout })
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))
process.exitCode = await demo().catch((error: unknown) => {
  const stopped = interrupted.signal.aborted || (error as Error).name === 'TimeoutError'
  if (!stopped) throw error
  voice.say(`\nEnded early: ${((interrupted.signal.reason ?? error) as Error).message}.`)
  return 1
})

async function demo(): Promise<number> {
  const within = (timeoutMs: number): AbortSignal =>
    AbortSignal.any([interrupted.signal, AbortSignal.timeout(timeoutMs)])
  const dir = await mkdtemp(join(tmpdir(), 'souk-demo-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  await buildWasmSandbox(IN_CLONE)
  const prepared = await prepareRuntimes({ dir, voice, signal: within(PREPARE_TIMEOUT_MS), cleanUp })

  voice.say('provider  starting: it hits each limit of each runtime, to see which of them hold on this machine')
  const startMs = performance.now()
  const signal = within(TIMEOUT_MS)
  const dataDir = join(dir, 'provider')
  const provider = spawn(
    process.execPath,
    [join(root, 'bin', 'souk'), 'up', '--json', '--listen', '/ip4/127.0.0.1/tcp/0'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...prepared.env,
        SOUK_NODE_DATA_DIR: dataDir,
        SOUK_NODE_LOG_LEVEL: 'warn',
        SOUK_SANDBOX_WASM_PREWARM: '2',
      },
    },
  )
  cleanUp.defer(() => endChild(provider))
  const { multiaddrs, address } = await greetingOf(provider, signal)
  voice.say(`provider  ${address}, process ${provider.pid}: serving on ${multiaddrs[0]}`)
  const { runtimes } = await askLocalNode({ socket: nodePaths(dataDir).socket, path: '/status' })
  for (const runtime of runtimes) tellOffer(runtime)
  await writeFile(join(dir, 'runtimes.json'), JSON.stringify(onlyOffered(prepared.runtimes, runtimes)))

  const args = [join(import.meta.dirname, 'demo-requester.ts'), multiaddrs[0], dir, ...(values.json ? ['--json'] : [])]
  const requester = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  cleanUp.defer(() => endChild(requester))
  const [code] = (await once(requester, 'exit', { signal })) as [number | null]
  if (code === 0) voice.say(`\nDone in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`)
  return code ?? 1
}

/** What this provider has proven that it can hold a task of a runtime to, or why there is none. */
function tellOffer(runtime: RuntimeStatus): void {
  const what = runtime.available
    ? `${runtime.isolation.engine}; ${runtime.proven.length} limits hold`
    : `not offered: ${runtime.why}`
  voice.say(`  ${runtime.runtime.padEnd('docker'.length)}  ${what}`)
}

/** A provider may not offer what was prepared: the launcher was never built, say. */
function onlyOffered(prepared: DemoRuntimes, offered: readonly RuntimeStatus[]): DemoRuntimes {
  const offers = (name: string): boolean => offered.some(({ runtime, available }) => runtime === name && available)
  const { native, docker } = prepared
  return {
    ...(native && offers('native') && { native }),
    ...(docker && offers('docker') && { docker }),
  }
}
