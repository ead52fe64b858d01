/**
 * Runs one task at a provider and prints what it wrote.
 *
 *   node examples/sdk/run-a-task.ts MULTIADDR
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/connect.ts'
import { loadTask } from '../../src/client/load-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'

const [to = ''] = process.argv.slice(2)
const key = await loadOrCreateKey({ file: join(process.env['SOUK_HOME'] ?? join(homedir(), '.souk'), 'key') })
const task = await loadTask({ file: join(import.meta.dirname, '../word-count.yaml') })

await using client = await connect({ to, key })
const submitted = await client.submit({ task })
const { receipt, stdout } = await submitted.result()

process.stdout.write(stdout)
console.error(`${JSON.stringify(receipt.outcome)}, signed by ${receipt.provider}`)
