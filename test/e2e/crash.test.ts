import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Client } from '../../src/client/connect.ts'
import { taskFromCommandLine, type LoadedTask } from '../../src/client/load-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { descendantsOf, processSet, survivorsIn, type ProcessSet } from '../fixtures/processes.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { assertSettledOnce } from '../fixtures/settled-once.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const ROUNDS = 10
const PER_ROUND = 10
/** In which tasks are submitted, one after the other: each kill meets tasks of every age, some that wait and some yet to come. */
const SUBMIT_MS = 150
/** After which the provider is killed, at the latest. */
const LIFE_MS = 300
const GONE_WITHIN_MS = 30_000

describe('a provider that is killed', function () {
  this.timeout(240_000)
  let dir: string
  let provider: ProviderProcess | undefined
  let client: Client | undefined

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-crash-'))
  })
  after(async () => {
    await client?.close()
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  it(`loses no accepted task, settles none twice and leaves nothing behind, ${ROUNDS} times at random instants`, async () => {
    const config = 'capacity: {slots: 4, cpu_cores: 4}\npeers: {share: 1, unknown_share: 1}\n'
    const tasks = await Promise.all([
      task({ program: 'exit-code', args: ['7'], retry: 0 }),
      task({ program: 'pause', args: ['150'], retry: 0 }),
      task({ program: 'pause', args: ['150'], retry: 10 }),
    ])
    provider = await startProvider({ dir, config })
    const port = Number(/\/tcp\/(\d+)\//.exec(provider.multiaddr)?.[1])
    const key = await loadOrCreateKey({ file: join(dir, 'requester.key') })
    client = await connect({ to: provider.multiaddr, key })

    const accepted: string[] = []
    const sandboxes: ProcessSet[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const submits = Array.from({ length: PER_ROUND }, async (_, index) => {
        await sleep((index * SUBMIT_MS) / PER_ROUND)
        return submit(client, tasks[index % tasks.length])
      })
      // At random within a tenth of its life, each time another: no part of it is left out.
      await sleep((round * LIFE_MS + randomInt(0, LIFE_MS)) / ROUNDS)
      sandboxes.push(await processSet(await descendantsOf(provider.pid)))
      await provider.end('SIGKILL')
      provider = await startProvider({ dir, config, port })
      accepted.push(...(await Promise.all(submits)).filter((taskId) => taskId !== undefined))
    }

    for (const taskId of accepted) {
      try {
        const { receipt } = await client.task(taskId).result({ signal: AbortSignal.timeout(60_000) })
        assert.equal(receipt.outcome.kind, 'exited', `${taskId}: ${JSON.stringify(receipt.outcome)}`)
      } catch (error) {
        assert.ok(isSoukError(error, 'PROVIDER_STOPPED'), `${taskId}: ${(error as Error).stack}`)
      }
    }
    assert.ok(accepted.length >= ROUNDS, `only ${accepted.length} tasks were accepted`)
    await client.close()
    assert.equal(await provider.end('SIGTERM'), 0, provider.log())
    provider = undefined

    assertSettledOnce({ file: join(dir, 'data', 'journal.sqlite'), accepted })
    assert.ok(sandboxes.some(({ size }) => size > 0))
    for (const each of sandboxes)
      assert.deepEqual(await survivorsIn(each, { withinMs: GONE_WITHIN_MS }), [], 'sandbox processes are left')
    assert.deepEqual(await readdir(join(dir, 'data', 'work')).catch(() => []), [], 'scratch folders are left')
  })
})

/** The id of the task once it is accepted for good; undefined where it was not. */
async function submit(client: Client | undefined, task: LoadedTask | undefined): Promise<string | undefined> {
  assert.ok(client !== undefined && task !== undefined)
  const submitted = await client.submit({ task, signal: AbortSignal.timeout(60_000) })
  return submitted.taskId
}

async function task({ program, args, retry }: { program: string; args: string[]; retry: number }): Promise<LoadedTask> {
  const module = await wasmProgram(program)
  return taskFromCommandLine({ wasm: module, baseDir: '/', args, name: program, retry })
}
