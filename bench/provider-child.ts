/** A provider in a process of its own, for benchmarks; started by `startProvider` in provider-process.ts. */
import { pino } from 'pino'
import { loadConfig } from '../src/node/config.ts'
import { createNode } from '../src/node/create-node.ts'
import { createNoopExecutor } from './noop-executor.ts'

export interface ProviderStats {
  readonly rssBytes: number
  readonly cpuMs: number
}

const { config } = await loadConfig({ env: process.env })
const node = await createNode({
  config,
  version: 'bench',
  logger: pino({ level: 'silent' }),
  ...(process.argv[2] === 'noop' && { executors: [createNoopExecutor()] }),
})
const stop = async (): Promise<void> => {
  await node.stop({ drainMs: 0 })
  process.disconnect()
}
process.once('disconnect', () => void node.stop({ drainMs: 0 }))
process.on('message', (message: 'stats' | 'stop') => {
  if (message === 'stop') return void stop()
  const { user, system } = process.cpuUsage()
  process.send?.({ rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 } satisfies ProviderStats)
})
process.send?.({ multiaddr: node.multiaddrs()[0] })
