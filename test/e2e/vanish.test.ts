import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '../../src/client/connect.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const REQUESTER = fileURLToPath(new URL('../fixtures/vanishing-requester.ts', import.meta.url))

describe('a requester that disappears', function () {
  this.timeout(60_000)
  let dir: string
  let provider: ProviderProcess

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-vanish-'))
    provider = await startProvider({ dir })
  })
  after(async () => {
    await provider.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  it('in mid-task fetches the whole result later, in another process, by the task’s id', async () => {
    const keyFile = join(dir, 'requester.key')
    const module = await wasmProgram('pause')
    const taskId = await submitAndVanish({ keyFile, module, to: provider.multiaddr })

    await using client = await connect({ to: provider.multiaddr, key: await loadOrCreateKey({ file: keyFile }) })
    const result = await client.task(taskId).result({ signal: AbortSignal.timeout(30_000) })
    assert.deepEqual(result.receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(Buffer.from(result.stdout).toString(), 'before\nafter\n')
    assert.deepEqual(
      (await client.list()).map((task) => [task.taskId, task.state]),
      [[taskId, 'finished']],
    )
  })
})

/** A requester in a process of its own that is killed as soon as the first output of its task is there. */
async function submitAndVanish(options: {
  readonly keyFile: string
  readonly module: string
  readonly to: string
}): Promise<string> {
  const child = spawn(process.execPath, [REQUESTER, options.to, options.keyFile, options.module], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (!text.includes('\n')) continue
    child.kill('SIGKILL')
    break
  }
  const taskId = text.trim()
  assert.match(taskId, /^0x[0-9a-f]{64}$/)
  return taskId
}
