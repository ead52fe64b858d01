/** A provider in a process of its own; `BENCH_RUNS` says what its executor does, `BENCH_PAID` that tasks are paid for. Started by bench-provider.ts. */
import { pino } from 'pino'
import { loadConfig } from '../src/node/config/config.ts'
import { createNode } from '../src/node/create-node.ts'
import { createNoopExecutor } from './noop-executor.ts'
import { openChannels } from './payments.ts'

export interface ProviderStats {
  readonly rssBytes: number
  readonly cpuMs: number
  readonly connections: number
}

const { config } = await loadConfig({ env: process.env })
let payee: string | undefined
const node = await createNode({
  config,
  version: 'bench',
  logger: pino({ level: 'silent' }),
  ...(process.env['BENCH_RUNS'] === 'nothing' && { executors: [createNoopExecutor()] }),
  ...(process.env['BENCH_PAID'] !== undefined && {
    settler: openChannels({ payee: () => (payee ??= node.status().address) }),
  }),
})
// Whoever started it has asked it to stop, or has ended.
process.once('disconnect', () => void node.stop({ drainMs: 0 }))
process.on('message', (message: 'stats' | 'stop') => {
  if (message === 'stop') return process.disconnect()
  const { user, system } = process.cpuUsage()
  process.send?.({
    rssBytes: process.memoryUsage.rss(),
    cpuMs: (user + system) / 1000,
    connections: node.status().connections,
  } satisfies ProviderStats)
})
process.send?.({ multiaddr: node.multiaddrs()[0] })
