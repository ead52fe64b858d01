/**
 * A provider of `npm run demo:paid` that lies: `demo-paid-liar.ts CONFIG`. Its node is souk's own; its WebAssembly runs tasks and then writes other
 * digits than they did. Prints one line of JSON once it serves, as `souk up --json` does.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pino } from 'pino'
import { createWasmExecutor } from '../src/executors/wasm/executor.ts'
import type { Executor, WasmTask } from '../src/executors/executor.ts'
import { loadConfig } from '../src/node/config/config.ts'
import { createNode } from '../src/node/create-node.ts'

const { config } = await loadConfig({ file: process.argv[2] ?? '', env: process.env })
const instanceDir = join(config.node.dataDir, 'liar')
await mkdir(instanceDir, { recursive: true })
const node = await createNode({
  config,
  version: 'demo',
  logger: pino({ level: 'silent' }),
  executors: [lying(createWasmExecutor({ instanceDir, prewarm: 1 }))],
})
process.stdout.write(`${JSON.stringify({ address: node.address, multiaddrs: node.multiaddrs() })}\n`)
process.once('SIGTERM', () => void node.stop({ drainMs: 0 }))

/** Every digit is one more than it was. */
function lying(honest: Executor<WasmTask>): Executor<WasmTask> {
  return {
    ...honest,
    run(job) {
      const stdout = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          done(
            null,
            chunk.toString('latin1').replaceAll(/\d/g, (digit) => String((Number(digit) + 1) % 10)),
          )
        },
      })
      const written = new Promise<void>((resolve, reject) => stdout.once('end', resolve).once('error', reject))
      stdout.pipe(job.stdout, { end: false })
      return honest.run({ ...job, stdout }).then(async (execution) => {
        stdout.end()
        await written
        return execution
      })
    },
  }
}
