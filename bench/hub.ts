import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../src/client/connect.ts'
import { EMPTY_MODULE, moduleTask, newKey, runOne, startBenchProvider } from './bench-provider.ts'
import { startChild } from './child.ts'
import type { ProviderStats } from './provider-child.ts'

/** The peers are in so many processes; in each, one connects after the other. */
const PROCESSES = 3

export interface HubFigures {
  readonly peers: number
  readonly bytesPerPeer: number
  readonly timesMs: readonly number[]
}

/** A node with many peers connected to it, from other processes: what each costs, and how it serves one of them meanwhile. */
export async function peersOnHub({
  dir,
  peers,
  tasks,
  idleMs,
}: {
  readonly dir: string
  readonly peers: number
  readonly tasks: number
  readonly idleMs: number
}): Promise<HubFigures> {
  await mkdir(dir)
  const key = newKey()
  await using cleanUp = new AsyncDisposableStack()
  const provider = await startBenchProvider({ dataDir: join(dir, 'provider'), requester: key.address })
  cleanUp.defer(() => provider.stop())
  const client = await connect({ to: provider.greeting.multiaddr, key })
  cleanUp.defer(() => client.close())
  const task = await moduleTask({ dir, module: EMPTY_MODULE })
  for (let warmUp = 0; warmUp < 5; warmUp++) await runOne(client, task)
  const before = await provider.ask<ProviderStats>('stats')
  const starting = Array.from({ length: PROCESSES }, (_, number) =>
    startChild<{ readonly connected: number }>({
      file: 'hub-peers-child.ts',
      env: {
        BENCH_TO: provider.greeting.multiaddr,
        BENCH_PEERS: String(Math.floor((peers + number) / PROCESSES)),
      },
    }),
  )
  for (const child of starting) cleanUp.defer(async () => (await child.catch(() => undefined))?.stop())
  const children = await Promise.all(starting)
  const timesMs: number[] = []
  for (let index = 0; index < tasks; index++) {
    await sleep(idleMs)
    timesMs.push((await runOne(client, task)).totalMs)
  }
  const after = await provider.ask<ProviderStats>('stats')
  const connected = children.reduce((sum, { greeting }) => sum + greeting.connected, 0)
  // The requester is there before and after.
  if (after.connections !== connected + 1 || connected !== peers)
    throw new Error(`${after.connections} connections of ${peers} peers and one requester are open`)
  return { peers: connected, bytesPerPeer: Math.max(1, (after.rssBytes - before.rssBytes) / connected), timesMs }
}
