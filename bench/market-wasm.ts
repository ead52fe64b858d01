import { Buffer } from 'node:buffer'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '../src/client/connect.ts'
import { moduleTask, newKey, runMany, runOne, startBenchProvider } from './bench-provider.ts'
import { GREETING, HELLO_MODULE } from './hello-module.ts'

const IN_FLIGHT = 8

/** Tasks that run: hello, world as WebAssembly, of one requester, through the network, in processes that serve it again. */
export async function wasmThroughNetwork({
  dir,
  durationMs,
}: {
  readonly dir: string
  readonly durationMs: number
}): Promise<{ readonly timesMs: readonly number[]; readonly tasksPerSecond: number; readonly inFlight: number }> {
  await mkdir(dir)
  const key = newKey()
  await using cleanUp = new AsyncDisposableStack()
  const provider = await startBenchProvider({ dataDir: join(dir, 'provider'), requester: key.address, runs: 'wasm' })
  cleanUp.defer(() => provider.stop())
  const client = await connect({ to: provider.greeting.multiaddr, key })
  cleanUp.defer(() => client.close())
  const task = await moduleTask({ dir, module: HELLO_MODULE })
  const run = async (): Promise<{ readonly totalMs: number }> => {
    const ran = await runOne(client, task)
    const said = Buffer.from(ran.stdout).toString()
    if (said !== GREETING) throw new Error(`the task said ${JSON.stringify(said)}`)
    return ran
  }
  // Processes start, and have the module.
  await Promise.all(Array.from({ length: IN_FLIGHT }, run))
  return { ...(await runMany({ inFlight: IN_FLIGHT, durationMs, run })), inFlight: IN_FLIGHT }
}
