import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunResult } from '../../src/client/collect-result.ts'
import type { Client } from '../../src/client/connect.ts'
import { loadTask } from '../../src/client/load-task.ts'
import { openMarket } from '../../src/client/market/market.ts'
import { runChecked } from '../../src/client/market/run-checked.ts'
import { writeProof } from '../../src/client/market/keep-proofs.ts'
import { runQuorum, type Disagreement, type QuorumCandidate } from '../../src/client/market/quorum.ts'
import type { Executor, Job, WasmTask } from '../../src/executors/executor.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { loadKey } from '../../src/identity/key-file.ts'
import { signReceipt } from '../../src/identity/receipt.ts'
import { startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/estimate-pi.yaml')

/** A provider that charges for a million points and throws a thousand. */
function lazy(honest: Executor<WasmTask>): Executor<WasmTask> {
  return { ...honest, run: (job: Job<WasmTask>) => honest.run({ ...job, task: { ...job.task, command: ['1000'] } }) }
}

interface Verdict {
  readonly kind: string
  readonly decided: boolean
  readonly wrong: readonly string[]
  readonly right: readonly string[]
}

describe('a task that three providers run, one of whom lies', function () {
  this.timeout(240_000)
  let dir: string
  let home: string
  let nodes: readonly NodeInProcess[]
  let clients: readonly Client[]
  let liar: string
  let proofFile: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-quorum-'))
    home = join(dir, 'home')
    await mkdir(home)
    const started: NodeInProcess[] = []
    nodes = started
    for (const number of [0, 1, 2]) {
      const executor = createWasmExecutor({ instanceDir: join(dir, `instance-${number}`), prewarm: 1 })
      started.push(
        await startNode({
          executor: () => (number === 0 ? lazy(executor) : executor),
          config: 'peers: {share: 1, unknown_share: 1}\n',
        }),
      )
    }
    clients = await Promise.all(nodes.map((node) => node.client()))
    liar = clients[0]?.provider ?? ''
  })
  after(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(dir, { recursive: true, force: true })
  })

  const verify = (...args: string[]): Promise<CommandEnd> => souk({ args: ['verify', ...args], home })
  const verdictOf = ({ stdout }: CommandEnd): Verdict => {
    const { documents } = JSON.parse(stdout) as { documents: [Verdict] }
    return documents[0]
  }

  it('comes to what the two others say, and leaves a proof', async () => {
    const task = await loadTask({ file: EXAMPLE })
    const candidates = clients.map((client): QuorumCandidate & { client: Client } => ({
      provider: client.provider,
      client,
    }))
    const disagreements: Disagreement[] = []
    const { result, agreeing } = await runQuorum({
      task,
      providers: 3,
      candidates,
      async runOn({ client }, signal): Promise<RunResult> {
        const submitted = await client.submit({ task, signal })
        return submitted.result({ signal })
      },
      onDisagreement: (disagreement) => void disagreements.push(disagreement),
    })
    assert.deepEqual(
      agreeing.map(({ provider }) => provider),
      clients.slice(1).map(({ provider }) => provider),
    )
    assert.match(Buffer.from(result.stdout).toString(), /3\.14/)
    const [disagreement] = disagreements
    assert.ok(disagreement !== undefined)
    assert.deepEqual(
      disagreement.differing.map(({ provider }) => provider),
      [liar],
    )
    assert.ok(disagreement.differing[0]?.parts.includes('fuelUsed'))
    proofFile = await writeProof({ dir: join(dir, 'proofs'), proof: disagreement.proof })
    // Written once, however often it is found.
    assert.equal(await writeProof({ dir: join(dir, 'proofs'), proof: disagreement.proof }), proofFile)
    assert.equal((await readdir(join(dir, 'proofs'))).length, 1)
  })

  it('is quoted, run and checked as its file says by those that a market finds, and the liar is remembered', async () => {
    const task = await loadTask({
      file: EXAMPLE,
      adjust: (draft) => ({ ...draft, verification: { kind: 'quorum', providers: 3 } }),
    })
    await using market = await openMarket({
      key: keyOf(300),
      findProviders: async () => Promise.resolve(nodes.map(({ node }) => node.multiaddrs()[0] ?? '')),
      recordDir: join(dir, 'record'),
    })
    const files: string[] = []
    const { result, agreeing } = await runChecked({
      market,
      task,
      proofsDir: join(dir, 'market-proofs'),
      onProof: ({ file }) => void files.push(file),
    })
    assert.equal(agreeing.length, 2)
    assert.ok(!agreeing.some(({ provider }) => provider === liar))
    assert.match(Buffer.from(result.stdout).toString(), /3\.14/)
    const saved = await result.task.saveOutputs({ dir: join(dir, 'market-outputs'), receipt: result.receipt })
    assert.equal(saved.length, 1)
    assert.equal(files.length, 1)
    assert.equal(market.record.of(liar)?.disagreements, 1)
    for (const { provider } of agreeing) assert.equal(market.record.of(provider)?.disagreements, 0)
    assert.equal((await verify(files[0] ?? '')).code, 3)
  })

  it('is undecided by the proof alone, and decided by running it again, from files of any name', async () => {
    const offline = await verify(proofFile, '--json')
    assert.equal(offline.code, 3, offline.stderr)
    assert.equal(verdictOf(offline).decided, false)
    const shown = await verify(proofFile)
    assert.equal(shown.code, 3)
    assert.match(
      shown.stdout,
      /disagreement: 3 providers signed 2 different results[\s\S]*decided +no: run the task again with --run/,
    )
    const without = await verify(proofFile, '--run')
    assert.equal(without.code, 2)
    assert.match(without.stderr, /its files are needed, and one is not there: sha256 [0-9a-f]{64}/)
    const inputs = join(dir, 'inputs', 'deeper')
    await mkdir(inputs, { recursive: true })
    await writeFile(
      join(inputs, 'whatever'),
      await readFile(join(import.meta.dirname, '../../examples/programs/estimate-pi.wasm')),
    )
    const decided = await verify(proofFile, '--run', '--inputs', join(dir, 'inputs'), '--json')
    assert.equal(decided.code, 0, decided.stderr)
    assert.deepEqual(verdictOf(decided).wrong, [liar])
    assert.deepEqual(
      verdictOf(decided).right,
      clients.slice(1).map(({ provider }) => provider),
    )
    const told = await verify(proofFile, '--run', '--inputs', join(dir, 'inputs'))
    assert.match(told.stdout, new RegExp(`${liar} was wrong \\(.*fuelUsed\\)`))
  })

  it('is undecided on a host that cannot run it as they did, and no proof once anything in it is changed', async () => {
    const config = join(dir, 'small.yaml')
    await writeFile(config, 'sandbox: {wasm: {timeout: 1s}}\n')
    const inputs = join(import.meta.dirname, '../../examples')
    const small = await verify(proofFile, '--run', '--inputs', inputs, '--config', config, '--json')
    assert.equal(small.code, 3, small.stderr + small.stdout)
    assert.match(small.stdout, /this host could not run it/)
    const text = await readFile(proofFile, 'utf8')
    const changed = join(dir, 'changed.json')
    await writeFile(changed, text.replace(/"fuelUsed":(\d)/, '"fuelUsed":9$1'))
    const refused = await verify(changed)
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /receipt 1: signature is not by provider/)
  })

  it('has one receipt: another one that is fetched later proves that its provider lied', async () => {
    const [, , node] = nodes
    assert.ok(node !== undefined)
    const to = node.node.multiaddrs()[0] ?? ''
    const run = await souk({ args: ['run', '--to', to, EXAMPLE, '--json'], home })
    assert.equal(run.code, 0, run.stderr)
    const { receipt } = JSON.parse(run.stdout) as { receipt: RunResult['receipt'] }
    const again = (): Promise<CommandEnd> => souk({ args: ['tasks', 'result', receipt.taskId, '--to', to], home })
    assert.equal((await again()).code, 0)
    // What the provider would have had to sign to be caught: its own key says otherwise now.
    const key = await loadKey({ file: join(node.dir, 'data', 'key') })
    const { signature: _, ...said } = receipt
    const other = signReceipt({ receipt: { ...said, outcome: { kind: 'exited', code: 1 } }, key })
    await writeFile(join(home, 'souk', 'receipts', `${receipt.taskId}.json`), JSON.stringify(other))
    const caught = await again()
    assert.equal(caught.code, 125)
    assert.match(caught.stderr, /signed another one for the same task before[\s\S]*souk verify /)
    const [name = ''] = await readdir(join(home, 'souk', 'proofs'))
    const proven = await verify(join(home, 'souk', 'proofs', name), '--json')
    assert.equal(proven.code, 0, proven.stderr)
    assert.deepEqual(
      [verdictOf(proven).kind, verdictOf(proven).decided, verdictOf(proven).wrong],
      ['equivocation', true, [key.address]],
    )
    assert.notEqual(key.address, keyOf(101).address)
    assert.equal((await verify(join(home, 'souk', 'proofs', name), '--run')).code, 2)
  })
})
