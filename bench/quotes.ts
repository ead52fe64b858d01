import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHost } from '../src/protocol/network/host.ts'
import { EMPTY_MODULE, moduleTask, newKey } from './bench-provider.ts'
import { startChild } from './child.ts'

/** From asking so many providers at once, over connections that are kept, to the last one's quote. */
export async function quotesOfMany({
  dir,
  providers,
  rounds,
  idleMs,
}: {
  readonly dir: string
  readonly providers: number
  readonly rounds: number
  readonly idleMs: number
}): Promise<{ readonly timesMs: readonly number[]; readonly providers: number }> {
  await mkdir(dir)
  await using cleanUp = new AsyncDisposableStack()
  const child = await startChild<{ readonly multiaddrs: readonly string[] }>({
    file: 'quote-providers-child.ts',
    env: {
      BENCH_DIR: join(dir, 'providers'),
      BENCH_PROVIDERS: String(providers),
      SOUK_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0',
    },
  })
  cleanUp.defer(() => child.stop())
  const host = await createHost({ privateKey: newKey().privateKey, listen: [] })
  cleanUp.defer(() => host.stop())
  const { multiaddrs } = child.greeting
  const connections = await Promise.all(multiaddrs.map((multiaddr) => host.connect({ multiaddr })))
  const { bytes } = await moduleTask({ dir, module: EMPTY_MODULE })
  const timesMs: number[] = []
  for (let round = -3; round < rounds; round++) {
    await sleep(idleMs)
    const startMs = performance.now()
    await Promise.all(connections.map((connection) => connection.quote(bytes)))
    // The first ones open the streams.
    if (round >= 0) timesMs.push(performance.now() - startMs)
  }
  return { timesMs, providers: connections.length }
}
