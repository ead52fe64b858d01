/** Peers that connect to one node and stay; started by bench/hub.ts. `BENCH_TO` is its address. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createHost, type NetworkHost } from '../src/protocol/network/host.ts'
import { newKey } from './bench-provider.ts'

const [to = '', count = '0'] = [process.env['BENCH_TO'], process.env['BENCH_PEERS']]
/** A node takes 100 connections a second from one host; there are three processes like this one. */
const PAUSE_MS = 40
const hosts: NetworkHost[] = []
for (let number = 0; number < Number(count); number++) {
  const host = await createHost({ privateKey: newKey().privateKey, listen: [], dialTimeoutMs: 60_000 })
  const connection = await host.connect({ multiaddr: to })
  // Each asks for something once, as a peer that is there for a purpose does.
  await connection.list()
  hosts.push(host)
  await sleep(PAUSE_MS)
}
process.once('message', () => process.disconnect())
process.once('disconnect', () => void Promise.all(hosts.map((host) => host.stop())))
process.send?.({ connected: hosts.length })
