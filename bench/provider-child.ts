/** A provider in a process of its own, with an executor that returns at once; started by market.ts. */
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
  executors: [createNoopExecutor()],
})
// Whoever started it has asked it to stop, or has ended.
process.once('disconnect', () => void node.stop({ drainMs: 0 }))
process.on('message', (message: 'stats' | 'stop') => {
  if (message === 'stop') return process.disconnect()
  const { user, system } = process.cpuUsage()
  process.send?.({ rssBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 } satisfies ProviderStats)
})
process.send?.({ multiaddr: node.multiaddrs()[0] })
