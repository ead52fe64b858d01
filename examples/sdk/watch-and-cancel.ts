/**
 * Watches a task as it happens, and cancels it. What it had written by then is there, and so is a receipt.
 *
 *   node examples/sdk/watch-and-cancel.ts MULTIADDR
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/connect.ts'
import { taskFromCommandLine } from '../../src/client/load-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { isSoukError } from '../../src/protocol/errors.ts'

const [to = ''] = process.argv.slice(2)
const key = await loadOrCreateKey({ file: join(process.env['SOUK_HOME'] ?? join(homedir(), '.souk'), 'key') })
const task = await taskFromCommandLine({
  wasm: 'programs/primes.wasm',
  baseDir: join(import.meta.dirname, '..'),
  args: ['200000000'],
  limits: { memoryBytes: 256 * 1024 * 1024, wallTimeMs: 60_000 },
})

await using client = await connect({ to, key })
const submitted = await client.submit({ task })

// The events survive a broken connection: they go on at the byte reached.
for await (const event of submitted.events()) {
  if (event.kind === 'output') process.stdout.write(event.data)
  else console.log(event.kind)
  if (event.kind === 'started') await submitted.cancel()
}

// Another process, with the same key, could ask for it by `client.task(taskId)`.
try {
  const { receipt } = await submitted.result()
  console.log(`${receipt.outcome.kind}, after ${receipt.usage.wallTimeMs} ms`)
} catch (error) {
  // A program whose first instruction has not run costs nothing, and has no receipt.
  if (!isSoukError(error, 'CANCELLED')) throw error
  console.log('cancelled before it began')
}
