import assert from 'node:assert/strict'
import { createHash, randomInt } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildProgram } from '../../scripts/build-programs.ts'
import { makeImage } from '../../scripts/docker-images.ts'
import { startOwnDockerEngine, type OwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import type { RunResult } from '../../src/client/collect-result.ts'
import { connect, type Client } from '../../src/client/connect.ts'
import { loadTask } from '../../src/client/load-task.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { settled } from '../conformance/leftovers.ts'
import { engineContents, mountsBelow, runningContainers, tasksInContainers } from '../fixtures/left-on-host.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'

const ROUNDS = 5
/** Longer than any test leaves a task alone, but for the one that means to. */
const REATTACH = '2m'
const DONE = { kind: 'exited', code: 5 }
/** For how long nobody is there after the end of a task. */
const AWAY_MS = 2000
/** For a machine that has other things to do as well. */
const LATE_MS = 60_000

/** What `count` writes to each stream. */
const numbers = (last: number, of: (number: number) => boolean): string =>
  Array.from({ length: last }, (_, index) => index + 1)
    .filter(of)
    .map((number) => `${number}\n`)
    .join('')
const counted = (last: number): { readonly stdout: string; readonly stderr: string } => ({
  stdout: numbers(last, (number) => number % 3 !== 0),
  stderr: numbers(last, (number) => number % 3 === 0),
})
const texts = ({ stdout, stderr }: RunResult): { readonly stdout: string; readonly stderr: string } => ({
  stdout: Buffer.from(stdout).toString(),
  stderr: Buffer.from(stderr).toString(),
})

describe('a container that its node goes away from', function () {
  this.timeout(300_000)
  let dir: string
  let engine: OwnDockerEngine
  let image: string
  let provider: ProviderProcess
  let client: Client
  let port = 0

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-reattach-'))
    engine = await startOwnDockerEngine()
    const file = join(import.meta.dirname, '../fixtures/reattach/tick.c')
    const { source } = await buildProgram({ file, runtime: 'docker' })
    image = await makeImage({
      socketPath: engine.socketPath,
      programs: [{ source, path: '/bin/tick' }],
      changes: ['ENTRYPOINT ["/bin/tick"]'],
    })
    await up()
    client = await connect({ to: provider.multiaddr, key: await loadOrCreateKey({ file: join(dir, 'requester.key') }) })
  })
  after(async () => {
    await client.close()
    assert.equal(await provider.end('SIGTERM'), 0, provider.log())
    await settled('containers', async () => (await engineContents(engine.socketPath)).containers.join(), '')
    assert.deepEqual(await mountsBelow(dir), [])
    await engine.stop()
    await rm(dir, { recursive: true, force: true })
  })
  afterEach(async () => {
    await settled('scratch folders', async () => (await readdir(join(dir, 'data', 'work'))).join(), '')
  })

  /** Starts the node, where it was before. */
  const up = async (reattach = REATTACH): Promise<void> => {
    const docker = { enabled: true, timeout: '1h', socket: engine.socketPath, images: [image], reattach }
    const sandbox = { idle_timeout: '1h', wasm: { enabled: false }, docker }
    const config =
      `capacity: {slots: 4, cpu_cores: 4, memory: 2g}\npeers: {share: 1, unknown_share: 1}\n` +
      `timeouts: {drain: 100ms}\nsandbox: ${JSON.stringify(sandbox)}\n`
    provider = await startProvider({ dir, config, port })
    port = Number(/\/tcp\/(\d+)\//.exec(provider.multiaddr)?.[1])
  }
  const submit = async (command: readonly string[], changes: object = {}): Promise<RemoteTask> => {
    const text = JSON.stringify({ version: 1, name: 'tick', runtime: { type: 'docker', image }, command, ...changes })
    return client.submit({ task: await loadTask({ text, format: 'json', baseDir: dir }) })
  }
  /** Follows from the beginning to the end, over every break. */
  const follow = (task: RemoteTask): Promise<RunResult> => {
    const result = task.result({ signal: AbortSignal.timeout(240_000) })
    result.catch(() => {})
    return result
  }
  const untilSaid = async (task: RemoteTask): Promise<void> => {
    const deadline = Date.now() + LATE_MS
    while ((await task.show()).stdoutBytes === 0) {
      assert.ok(Date.now() < deadline, provider.log())
      await sleep(10)
    }
  }
  it(`goes on, with every line once, however often the node is killed: up to ${ROUNDS} times, at random instants`, async () => {
    const task = await submit(['count', '300', '60'], { outputs: [{ path: '/out' }] })
    const result = follow(task)
    await untilSaid(task)
    let killed = 0
    // On a busy machine a node takes as long to start as the task to end.
    for (; killed < ROUNDS && (await task.show()).state === 'running'; killed += 1) {
      await sleep(randomInt(0, 1200))
      await provider.end('SIGKILL')
      await sleep(randomInt(0, 300))
      await up()
    }
    assert.ok(killed >= 2, `killed ${killed} times`)
    const ended = await result
    assert.deepEqual(texts(ended), counted(300))
    const { receipt } = ended
    assert.deepEqual([receipt.outcome, receipt.attempts], [DONE, 1], provider.log())
    assert.ok(receipt.usage.wallTimeMs >= 300 * 60, JSON.stringify(receipt.usage))
    const { acceptedAtMs, startedAtMs, finishedAtMs } = receipt.timings
    assert.ok(acceptedAtMs <= startedAtMs && finishedAtMs - startedAtMs >= 300 * 60, JSON.stringify(receipt.timings))
    assert.ok(Math.abs(finishedAtMs - startedAtMs - receipt.usage.wallTimeMs) < 2000, JSON.stringify(receipt))
    const { stdout } = counted(300)
    assert.deepEqual(receipt.stdout, {
      sha256: createHash('sha256').update(stdout).digest('hex'),
      bytes: Buffer.byteLength(stdout),
    })
    await task.saveOutputs({ dir: join(dir, 'saved'), receipt })
    assert.equal(await readFile(join(dir, 'saved/out/last'), 'utf8'), '300')
  })

  it('reads the rest of its input', async () => {
    const input = Array.from({ length: 60_000 }, (_, index) => `${index}\n`).join('')
    await writeFile(join(dir, 'input.txt'), input)
    const task = await submit(['copy', '2000', '30'], { stdin: { file: './input.txt' } })
    const result = follow(task)
    for (let round = 0; round < 3; round += 1) {
      if (round === 0) await untilSaid(task)
      await sleep(randomInt(0, 1000))
      await provider.end('SIGKILL')
      await up()
    }
    const ended = await result
    assert.equal(texts(ended).stdout, input)
    assert.deepEqual(ended.receipt.outcome, DONE)
  })

  it('is left alone by a node that stops in order', async () => {
    const task = await submit(['count', '150', '80'])
    const result = follow(task)
    await untilSaid(task)
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await provider.end('SIGTERM'), 0, provider.log())
      assert.equal((await runningContainers(engine.socketPath)).length >= 1, true, 'the container has ended')
      await up()
      if (round === 0) assert.equal((await task.show()).state, 'running')
    }
    const ended = await result
    assert.deepEqual(texts(ended), counted(150))
    assert.deepEqual([ended.receipt.outcome, ended.receipt.attempts], [DONE, 1])
  })

  it('may come to its end meanwhile, which is told as it was', async () => {
    const task = await submit(['count', '60', '20'], { outputs: [{ path: '/out' }] })
    await untilSaid(task)
    await provider.end('SIGKILL')
    await settled('what runs in containers', async () => (await tasksInContainers(engine.socketPath)).join(), '')
    await sleep(AWAY_MS)
    const backAtMs = Date.now()
    await up()
    const ended = await follow(task)
    assert.deepEqual(texts(ended), counted(60))
    const { receipt } = ended
    assert.deepEqual(receipt.outcome, DONE)
    const { startedAtMs, finishedAtMs } = receipt.timings
    for (const ms of [receipt.usage.wallTimeMs, finishedAtMs - startedAtMs])
      assert.ok(ms >= 60 * 20 && ms < backAtMs - startedAtMs - AWAY_MS / 2, JSON.stringify(receipt))
    assert.equal(receipt.outputs.length, 1)
  })

  it('does not wait for ever: it ends, and the task with it, or is run again', async () => {
    await provider.end('SIGTERM')
    await up('2s')
    const lost = await submit(['count', '2000', '50'])
    const repeated = await submit(['count', '60', '100'], { retry: 1 })
    await Promise.all([untilSaid(lost), untilSaid(repeated)])
    await provider.end('SIGKILL')
    await settled('containers that run', async () => (await runningContainers(engine.socketPath)).join(), '')
    await up()
    await assert.rejects(follow(lost), (error) => isSoukError(error, 'PROVIDER_STOPPED'))
    const ended = await follow(repeated)
    assert.deepEqual([ended.receipt.outcome, ended.receipt.attempts], [DONE, 2])
    assert.deepEqual(texts(ended), counted(60))
  })

  it('has no more wall time for that', async () => {
    const task = await submit(['count', '2000', '50'], { timeouts: { execution: '3s' } })
    await untilSaid(task)
    await provider.end('SIGKILL')
    await sleep(5000)
    await up()
    const { receipt } = await follow(task)
    assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'wallTime' })
    assert.deepEqual(receipt.usage.limitsHit, ['wallTime'])
  })

  it('is cancelled when the node is back, and says no more than it may from the beginning on', async () => {
    const cancelled = await submit(['count', '2000', '50'])
    const noisy = await submit(['count', '2000', '10'], { resources: { output: '1k' } })
    await Promise.all([untilSaid(cancelled), untilSaid(noisy)])
    await provider.end('SIGKILL')
    await up()
    await cancelled.cancel()
    assert.deepEqual((await follow(cancelled)).receipt.outcome, { kind: 'cancelled' })
    const { receipt, stdout, stderr } = await follow(noisy)
    assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'output' })
    assert.equal(stdout.length + stderr.length, 1024)
  })
})
