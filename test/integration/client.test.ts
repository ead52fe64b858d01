import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Client, type ConnectOptions } from '../../src/client/connect.ts'
import { taskFromCommandLine, type CommandLineTask, type LoadedTask } from '../../src/client/load-task.ts'
import { runDocumentOf } from '../../src/client/run-document.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { TaskEvent } from '../../src/protocol/events.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { keyOf, requesterKey } from '../fixtures/receipts.ts'
import { startTcpProxy, type TcpProxy } from '../fixtures/tcp-proxy.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const key = requesterKey
const CONFIG = 'peers: {share: 1, unknown_share: 1}\n'

describe('the SDK, with a provider in another process', function () {
  this.timeout(60_000)
  let dir: string
  let provider: ProviderProcess
  let proxy: TcpProxy
  let client: Client

  const taskOf = async (
    program: string,
    options: Omit<CommandLineTask, 'wasm' | 'baseDir'> = {},
  ): Promise<LoadedTask> => taskFromCommandLine({ wasm: await wasmProgram(program), baseDir: dir, ...options })
  const connected = (options: Partial<ConnectOptions> = {}): Promise<Client> =>
    connect({ to: proxy.multiaddr, key, ...options })

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-sdk-'))
    provider = await startProvider({ dir: join(dir, 'provider'), config: CONFIG })
  })
  after(async () => {
    await provider.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })
  beforeEach(async () => {
    proxy = await startTcpProxy({ to: provider.multiaddr })
    client = await connected()
  })
  afterEach(async () => {
    await client.close()
    await proxy.close()
  })

  it('runs a task and brings back a result that verifies', async () => {
    const task = await taskOf('args', { args: ['a b', 'ü'] })
    const submitted = await client.submit({ task })
    const result = await submitted.result()
    assert.equal(Buffer.from(result.stdout).toString(), '[a b]\n[ü]\n')
    assert.deepEqual(result.receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(result.receipt.provider, provider.address)
    verifyDocument(JSON.parse(JSON.stringify(runDocumentOf({ task, result }))))
    assert.equal((await submitted.show()).state, 'finished')
    assert((await client.list()).some(({ taskId }) => taskId === submitted.taskId))
  })

  it('gives the same result to whoever asks again, by the task’s id', async () => {
    const { taskId } = await client.submit({ task: await taskOf('streams') })
    const first = await client.task(taskId).result()
    const again = await client.task(taskId).result()
    assert.deepEqual(again, first)
    assert.equal(Buffer.from(again.stderr).toString(), 'to stderr\n')
  })

  it('tells nobody else of it', async () => {
    const { taskId } = await client.submit({ task: await taskOf('streams') })
    await using stranger = await connected({ key: keyOf(99) })
    await assert.rejects(stranger.task(taskId).result(), (thrown) => isSoukError(thrown, 'NOT_FOUND'))
    assert.deepEqual(await stranger.list(), [])
  })

  it('gives all output, of many tasks at once, byte for byte', async () => {
    const inputs = Array.from({ length: 4 }, () => randomBytes(300_000))
    await Promise.all(
      inputs.map(async (data) => {
        const submitted = await client.submit({ task: await taskOf('cat', { stdin: { data } }) })
        const { stdout } = await submitted.result()
        assert(data.equals(stdout))
      }),
    )
  })

  it('goes on at the byte reached when the connection breaks', async () => {
    const data = randomBytes(2_000_000)
    const submitted = await client.submit({ task: await taskOf('cat', { stdin: { data } }) })
    let bytes = 0
    const breaks = [400_000, 1_000_000, 1_500_000]
    const { stdout } = await submitted.result({
      onEvent(event) {
        if (event.kind !== 'output') return
        bytes += event.data.byteLength
        if (bytes < (breaks[0] ?? Infinity)) return
        breaks.shift()
        proxy.cut()
      },
    })
    assert.deepEqual(breaks, [])
    assert(proxy.connections > 1)
    assert(data.equals(stdout))
    assert.equal(bytes, data.byteLength)
  })

  it('serves the rest of an input after the connection broke', async () => {
    const data = randomBytes(8_000_000)
    const submitted = await client.submit({ task: await taskOf('cat', { stdin: { data } }) })
    proxy.cut()
    const { stdout } = await submitted.result()
    assert(data.equals(stdout))
    assert(proxy.connections > 1)
  })

  it('finds a task whose acceptance was never heard of, and does not submit it twice', async () => {
    await using other = await connected({ key: keyOf(50) })
    const task = await taskOf('streams')
    // Opens the stream, which needs answers as well.
    await other.list()
    proxy.answers = 'drop'
    const submitting = other.submit({ task })
    // The provider tells in its log that it has the task; the requester cannot have heard of it.
    const accepted = (): number => provider.log().split(keyOf(50).address).length - 1
    while (accepted() === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    proxy.answers = 'pass'
    proxy.cut()
    const submitted = await submitting
    assert.deepEqual(
      (await other.list()).map(({ taskId }) => taskId),
      [submitted.taskId],
    )
    assert.equal((await submitted.result()).receipt.outcome.kind, 'exited')
    assert.equal(accepted(), 1)
  })

  it('submits again where the provider never got the task', async () => {
    await using other = await connected({ key: keyOf(51) })
    await other.list()
    proxy.requests = 'drop'
    const submitting = other.submit({ task: await taskOf('streams') })
    await new Promise((resolve) => setTimeout(resolve, 200))
    proxy.requests = 'pass'
    proxy.cut()
    const { taskId } = await submitting
    assert.deepEqual(
      (await other.list()).map((task) => task.taskId),
      [taskId],
    )
  })

  it('gives up with CONNECTION_LOST where the provider stays away', async () => {
    const away = await startTcpProxy({ to: provider.multiaddr })
    await using other = await connect({ to: away.multiaddr, key, reconnectTimeoutMs: 300 })
    const { taskId, result } = await other.submit({ task: await taskOf('pause', { args: ['20000'] }) })
    const waiting = result({
      onEvent: async (event) => {
        if (event.kind === 'output') await away.close()
      },
    })
    await assert.rejects(waiting, (thrown) => isSoukError(thrown, 'CONNECTION_LOST'))
    await client.task(taskId).cancel()
    assert.deepEqual((await client.task(taskId).result()).receipt.outcome, { kind: 'cancelled' })
  })

  it('says why it cannot connect', async () => {
    await assert.rejects(connected({ to: provider.multiaddr.replace(/\/p2p\/.*/, '') }), (thrown) =>
      isSoukError(thrown, 'INVALID_INPUT'),
    )
    const closed = provider.multiaddr.replace(/\/tcp\/\d+/, '/tcp/1')
    await assert.rejects(
      connected({ to: closed }),
      (thrown) => isSoukError(thrown, 'UNREACHABLE') && /refused/.test(thrown.message),
    )
    const other = '16Uiu2HAm3FpBCJhZn3xCBz7yGqGWzRZTwfGoCP7rRPbLkBYC7h7M'
    await assert.rejects(connected({ to: provider.multiaddr.replace(/[^/]+$/, other) }), (thrown) =>
      isSoukError(thrown, 'UNREACHABLE'),
    )
  })

  it('ends a wait when its signal aborts, and the task goes on', async () => {
    const submitted = await client.submit({ task: await taskOf('pause', { args: ['20000'] }) })
    const abort = new AbortController()
    const waiting = submitted.result({
      signal: abort.signal,
      onEvent(event) {
        if (event.kind === 'output') abort.abort(new Error('not that long'))
      },
    })
    await assert.rejects(waiting, /not that long/)
    assert.equal((await submitted.show()).state, 'running')
    await submitted.cancel()
    const { receipt, stdout } = await submitted.result()
    assert.deepEqual(receipt.outcome, { kind: 'cancelled' })
    assert.equal(Buffer.from(stdout).toString(), 'before\n')
  })

  it('gives the output so far, or all of it to the end', async () => {
    const submitted = await client.submit({ task: await taskOf('pause', { args: ['3000'] }) })
    for await (const event of submitted.events()) if (event.kind === 'output') break
    const textOf = async (logs: AsyncIterable<TaskEvent & { kind: 'output' }>): Promise<string> => {
      let text = ''
      for await (const { data } of logs) text += Buffer.from(data).toString()
      return text
    }
    assert.equal(await textOf(submitted.logs()), 'before\n')
    assert.equal(await textOf(submitted.logs({ offsets: { stdout: 7, stderr: 0 } })), '')
    assert.equal(await textOf(submitted.logs({ follow: true, offsets: { stdout: 3, stderr: 0 } })), 'ore\nafter\n')
  })

  it('saves the files of a result', async () => {
    const submitted = await client.submit({
      task: await taskOf('write-outputs', { args: ['/out'], outputs: [{ path: '/out' }] }),
    })
    const { receipt } = await submitted.result()
    const to = join(dir, 'saved')
    const saved = await submitted.saveOutputs({ dir: to, receipt })
    assert.deepEqual(saved.map(({ path }) => path).sort(), [
      '/out/nested/deep.txt',
      '/out/nothing',
      '/out/plain.txt',
      '/out/report',
    ])
    assert.equal(await readFile(join(to, 'out/nested/deep.txt'), 'utf8'), 'deep\n')
    assert.deepEqual(await submitted.saveOutputs({ dir: to, receipt }), saved)
  })

  it('refuses a task for the provider’s reasons, all of them', async () => {
    const submitting = client.submit({
      task: await taskOf('streams', { limits: { memoryBytes: 2 ** 40, outputBytes: 2 ** 40 } }),
    })
    await assert.rejects(submitting, (thrown) => {
      assert(isSoukError(thrown, 'REFUSED'))
      const subjects = new Set(
        thrown.details.reasons.filter(({ reason }) => reason === 'CAP_ABOVE_OFFER').map(({ subject }) => subject),
      )
      assert(subjects.has('memoryBytes') && subjects.has('outputBytes'), [...subjects].join())
      return true
    })
  })

  it('lets a task be for any provider, where it is free', async () => {
    const submitted = await client.submit({ task: await taskOf('streams'), anyProvider: true })
    const { receipt } = await submitted.result()
    assert.match(receipt.authorization.provider, /^0x0{40}$/)
    assert.equal(receipt.provider, provider.address)
  })

  it('sees a task through the death of its provider', async () => {
    const port = Number(/\/tcp\/(\d+)\//.exec(provider.multiaddr)?.[1])
    const submitted = await client.submit({ task: await taskOf('pause', { args: ['1000'], retry: 1 }) })
    const attempts: number[] = []
    let killed = false
    const { receipt, stdout } = await submitted.result({
      async onEvent(event) {
        if (event.kind === 'started') attempts.push(event.attempt)
        if (event.kind !== 'output' || killed) return
        killed = true
        await provider.end('SIGKILL')
        provider = await startProvider({ dir: join(dir, 'provider'), config: CONFIG, port })
      },
    })
    assert.deepEqual(attempts, [1, 2])
    assert.equal(receipt.attempts, 2)
    assert.equal(Buffer.from(stdout).toString(), 'before\nafter\n')
  })
})
