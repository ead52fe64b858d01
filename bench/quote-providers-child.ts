/** `BENCH_PROVIDERS` nodes in one process, each with a folder in `BENCH_DIR`; started by bench/quotes.ts. */
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig } from '../src/node/config/config.ts'
import { createNode, type SoukNode } from '../src/node/create-node.ts'
import { createNoopExecutor } from './noop-executor.ts'

const [dir = '', count = '0'] = [process.env['BENCH_DIR'], process.env['BENCH_PROVIDERS']]
const nodes: SoukNode[] = []
for (let number = 0; number < Number(count); number++) {
  const { config } = await loadConfig({ env: { ...process.env, SOUK_NODE_DATA_DIR: join(dir, String(number)) } })
  const executors = [createNoopExecutor()]
  nodes.push(await createNode({ config, version: 'bench', logger: pino({ level: 'silent' }), executors }))
}
process.once('message', () => process.disconnect())
process.once('disconnect', () => void Promise.all(nodes.map((node) => node.stop({ drainMs: 0 }))))
process.send?.({ multiaddrs: nodes.map((node) => node.multiaddrs()[0]) })
