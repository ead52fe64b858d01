import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunResult } from '../../src/client/collect-result.ts'
import type { Client } from '../../src/client/connect.ts'
import { loadTask, type LoadedTask } from '../../src/client/load-task.ts'
import { differencesOf } from '../../src/identity/comparison.ts'
import { checkQuote } from '../../src/identity/quote.ts'
import { verifyReceipt } from '../../src/identity/receipt.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Executor, Job, WasmTask } from '../../src/executors/executor.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { createHost } from '../../src/protocol/network/host.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const POINTS = 10_000_000

const task = (lines = '', points = POINTS): Promise<LoadedTask> =>
  loadTask({
    text: `version: 1
runtime: { type: wasm, module: ./programs/estimate-pi.wasm, deterministic: true }
command: ['${points}']
outputs: [{ path: /out }]
resources: { memory: 16m }
price: { max: 5000 }
${lines}`,
    format: 'yaml',
    baseDir: EXAMPLES,
  })

describe('a provider that answers from its cache', function () {
  this.timeout(120_000)
  let dir: string
  let node: NodeInProcess
  let runs: string[] = []
  const CONFIG = 'peers: {share: 1, unknown_share: 1}\npricing: {wasm: {start: 1000}}\n'

  const counting = (): Executor<WasmTask> => {
    const honest = createWasmExecutor({ instanceDir: join(dir, 'instance'), prewarm: 1 })
    return {
      ...honest,
      run(job: Job<WasmTask>) {
        runs.push(job.requester ?? '')
        return honest.run(job)
      },
    }
  }
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-cache-'))
    node = await startNode({ executor: counting, config: `${CONFIG}cache: {enabled: true, percent: 25}\n` })
  })
  after(async () => {
    await node.close()
    await rm(dir, { recursive: true, force: true })
  })
  beforeEach(() => {
    runs = []
  })

  async function run(client: Client, loaded: LoadedTask, name: string): Promise<RunResult & { readonly pi: Buffer }> {
    const submitted = await client.submit({ task: loaded })
    const result = await submitted.result()
    const saved = join(dir, name)
    await submitted.saveOutputs({ dir: saved, receipt: result.receipt })
    // What came of it is kept before its slot is free, and after its requester has it.
    while (node.node.status().capacity.used.slots > 0) await sleep(5)
    return { ...result, pi: await readFile(join(saved, 'out', 'estimate.json')) }
  }

  it('gives another requester the same bytes sooner, for less, and says so in the receipt', async () => {
    const [one, other] = [await node.client(1), await node.client(2)]
    const first = await run(one, await task(), 'first')
    assert.equal(first.receipt.terms?.cached, undefined)
    assert.equal(first.receipt.priceWei, '1000')
    const second = await run(other, await task(), 'second')
    assert.deepEqual(runs, [one.requester])
    assert.deepEqual(second.pi, first.pi)
    assert.deepEqual(Buffer.from(second.stdout), Buffer.from(first.stdout))
    const { receipt } = second
    assert.deepEqual(verifyReceipt(JSON.parse(JSON.stringify(receipt))), receipt)
    assert.deepEqual(receipt.terms, { rates: first.receipt.terms?.rates, cached: true })
    assert.equal(receipt.priceWei, '250')
    assert.deepEqual(receipt.usage, first.receipt.usage)
    assert.deepEqual(differencesOf(first.receipt, receipt), [])
    assert.equal(receipt.authorization.requester, other.requester)
    const tookMs = receipt.timings.finishedAtMs - receipt.timings.startedAtMs
    assert.ok(tookMs * 2 < first.receipt.usage.wallTimeMs, `${tookMs} of ${first.receipt.usage.wallTimeMs} ms`)
  })

  it('says in a quote what the answer costs, where it has one', async () => {
    const host = await createHost({ privateKey: keyOf(104).privateKey, listen: [] })
    try {
      const connection = await host.connect({ multiaddr: node.node.multiaddrs()[0] ?? '' })
      const percentOf = async ({ bytes }: LoadedTask): Promise<number | undefined> => {
        const { quote } = checkQuote(await connection.quote(bytes))
        assert.ok(quote !== undefined)
        return quote.cachedPercent
      }
      assert.equal(await percentOf(await task()), 25)
      assert.equal(await percentOf(await task('name: never-asked')), undefined)
    } finally {
      await host.stop()
    }
  })

  it('gives nothing to who knows the task and cannot bring its files', async () => {
    const stranger = await node.client(3)
    const { spec, bytes } = await task()
    const submitted = await stranger.submit({ task: { spec, bytes, blobs: new Map() } })
    await assert.rejects(submitted.result(), (error) => isSoukError(error, 'BLOB_UNAVAILABLE'))
    assert.deepEqual(runs, [])
  })

  it('runs what differs in anything: the task, the limits, or that it has not to come out the same', async () => {
    const client = await node.client(1)
    await run(client, await task('', POINTS / 1000), 'points')
    await run(client, await task('name: another', POINTS / 1000), 'named')
    await run(client, await task('timeouts: { execution: 59s }', POINTS / 1000), 'limited')
    const free = await loadTask({
      text: `version: 1\nruntime: { module: ./programs/estimate-pi.wasm }\ncommand: ['1000']\noutputs: [{ path: /out }]\nprice: { max: 5000 }\n`,
      format: 'yaml',
      baseDir: EXAMPLES,
    })
    await run(client, free, 'free')
    await run(client, free, 'free-again')
    assert.equal(runs.length, 5)
    await run(client, await task('name: another', POINTS / 1000), 'named-again')
    assert.equal(runs.length, 5)
  })

  it('does not keep what a time limit ended', async () => {
    const client = await node.client(1)
    const hasty = await task('timeouts: { execution: 1ms }')
    for (const _ of [1, 2]) {
      const submitted = await client.submit({ task: hasty })
      const { receipt } = await submitted.result()
      assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'wallTime' })
    }
    assert.equal(runs.length, 2)
  })

  it('is empty after a restart, and off unless its operator says otherwise', async () => {
    const folder = join(node.dir, 'data', 'result-cache')
    assert.ok((await readdir(folder)).length > 0)
    await node.restart()
    assert.deepEqual(await readdir(folder), [])
    await run(await node.client(1), await task('', 1000), 'restarted')
    await node.restart({ config: CONFIG })
    await assert.rejects(readdir(folder))
    for (const name of ['off', 'off-again']) {
      const { receipt } = await run(await node.client(1), await task('', 1000), name)
      assert.equal(receipt.priceWei, '1000')
    }
    assert.equal(runs.length, 3)
  })
})
