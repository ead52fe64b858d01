/**
 * Runs many tasks at once and fetches the files that they leave. Each file is checked against the digest that the
 * provider has signed, and nothing is written outside of the folder.
 *
 *   node examples/sdk/result-files.ts MULTIADDR FOLDER
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { connect } from '../../src/client/connect.ts'
import { taskFromCommandLine } from '../../src/client/load-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'

const [to = '', folder = 'results'] = process.argv.slice(2)
const key = await loadOrCreateKey({ file: join(process.env['SOUK_HOME'] ?? join(homedir(), '.souk'), 'key') })
const texts = ['to be or not to be', 'all the world is a stage', 'what is in a name']

await using client = await connect({ to, key })
await Promise.all(
  texts.map(async (text, index) => {
    const task = await taskFromCommandLine({
      wasm: 'programs/word-count.wasm',
      baseDir: join(import.meta.dirname, '..'),
      stdin: { data: new TextEncoder().encode(text) },
      outputs: [{ path: '/out' }],
    })
    const submitted = await client.submit({ task })
    const { receipt } = await submitted.result()
    for (const { file, bytes } of await submitted.saveOutputs({ dir: join(folder, String(index)), receipt })) {
      console.log(`${file}: ${bytes} bytes`)
    }
  }),
)
