/**
 * For programs that want a result or an exception: every SoukError says whose fault it is and whether to try again.
 *
 *   node examples/sdk/success-or-exception.ts MULTIADDR
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { completedOrThrow } from '../../src/client/completed-or-throw.ts'
import { connect } from '../../src/client/connect.ts'
import { taskFromCommandLine } from '../../src/client/load-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'

const [to = ''] = process.argv.slice(2)
const key = await loadOrCreateKey({ file: join(process.env['SOUK_HOME'] ?? join(homedir(), '.souk'), 'key') })
const task = await taskFromCommandLine({
  wasm: 'programs/primes.wasm',
  baseDir: join(import.meta.dirname, '..'),
  args: ['200000000'],
  limits: { memoryBytes: 256 * 1024 * 1024, wallTimeMs: 100 },
})

await using client = await connect({ to, key })
try {
  const submitted = await client.submit({ task, signal: AbortSignal.timeout(30_000) })
  const { stdout } = completedOrThrow(await submitted.result({ signal: AbortSignal.timeout(60_000) }))
  process.stdout.write(stdout)
} catch (error) {
  if (isSoukError(error, 'EXECUTION_TIMEOUT'))
    console.log(`too slow: ${error.details.limit} of ${error.details.limitMs} ms`)
  else if (error instanceof SoukError)
    console.log(
      `${error.code}, fault of the ${error.fault}${error.retryable ? ', worth another try' : ''}: ${error.hint}`,
    )
  else throw error
}
