import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Client } from '../../src/client/connect.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { SoukError, isSoukError } from '../../src/protocol/errors.ts'
import type { NodeStatus } from '../../src/protocol/node-status.ts'
import type { FakeContext, FakeProgram } from '../conformance/fake-executor.ts'
import { scriptedTask, startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'

/** Runs until it is ended from outside. */
const hang: FakeProgram = ({ signal }) =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(0), { once: true })
  })

const flawed = (): SoukError =>
  new SoukError({
    code: 'EXECUTOR_FAILED',
    message: 'The sandbox broke.',
    details: { runtime: 'wasm', reason: 'test' },
  })

describe('provider', function () {
  this.timeout(60_000)
  let house: NodeInProcess | undefined

  afterEach(async () => {
    await house?.close()
    house = undefined
  })

  async function start(programs: Readonly<Record<string, FakeProgram>>, config?: string): Promise<NodeInProcess> {
    house = await startNode({ programs, ...(config !== undefined && { config }) })
    return house
  }
  const submit = async (client: Client, name: string, lines?: string): Promise<RemoteTask> =>
    client.submit({ task: await scriptedTask(name, lines) })
  const failsWith = (task: RemoteTask, code: ErrorCode): Promise<void> =>
    assert.rejects(task.result(), (error) => {
      assert.ok(isSoukError(error, code), String(error))
      return true
    })
  const untilState = async (task: RemoteTask, state: string): Promise<void> => {
    while ((await task.show()).state !== state) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('keeps what a task had written when it ends it, and what it leaves', async () => {
    const { client } = await start({
      talk: async (context) => {
        await context.stdout('partial ')
        await context.stderr('and this')
        return hang(context)
      },
    })
    const task = await submit(await client(), 'talk', 'timeouts: {execution: 1s}')
    const { receipt, stdout, stderr } = await task.result()
    assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'wallTime' })
    assert.equal(receipt.usage.overshootMs, Math.max(0, receipt.usage.wallTimeMs - 1000))
    assert.equal(Buffer.from(stdout).toString(), 'partial ')
    assert.equal(Buffer.from(stderr).toString(), 'and this')
  })

  it('does not look at what comes after too much that it had to refuse, and takes tasks of others meanwhile', async () => {
    const { client } = await start({ fine: () => Promise.resolve(0) })
    const stranger = await client(1)
    const noTask = { ...(await scriptedTask('fine')), bytes: new Uint8Array(1) }
    const answers = new Set<string>()
    for (let round = 0; round < 50 && !answers.has('refused'); round += 1) {
      const ends = Array.from({ length: 1_500 }, () =>
        stranger.submit({ task: noTask }).then(
          () => 'accepted',
          (thrown: unknown) =>
            isSoukError(thrown, 'REFUSED') ? String(thrown.details.reasons[0]?.subject) : SoukError.from(thrown).code,
        ),
      )
      for (const answer of await Promise.all(ends)) answers.add(answer)
    }
    assert.deepEqual([...answers], ['INVALID_INPUT', 'refused'])
    assert.equal((await (await submit(await client(2), 'fine')).result()).receipt.outcome.kind, 'exited')
  })

  it('cancels what waits, at no cost, and what runs, with a receipt', async () => {
    const { client } = await start({ hang }, 'capacity: {slots: 1}')
    const requester = await client()
    const running = await submit(requester, 'hang')
    await untilState(running, 'running')
    const waiting = await submit(requester, 'hang')
    await waiting.cancel()
    await failsWith(waiting, 'CANCELLED')
    await running.cancel()
    assert.deepEqual((await running.result()).receipt.outcome, { kind: 'cancelled' })
    await running.cancel()
  })

  it('lets go of a task that waited too long: free, and the provider’s fault', async () => {
    const { client } = await start({ hang }, 'capacity: {slots: 1}')
    const requester = await client()
    const running = await submit(requester, 'hang')
    await untilState(running, 'running')
    await failsWith(await submit(requester, 'hang', 'timeouts: {queue: 50ms}'), 'QUEUE_TIMEOUT')
    await failsWith(await submit(requester, 'hang', 'timeouts: {total: 60ms}'), 'TOTAL_TIMEOUT')
  })

  it('ends a running task when its total time is over', async () => {
    const { client } = await start({ hang })
    const { receipt } = await (await submit(await client(), 'hang', 'timeouts: {total: 300ms}')).result()
    assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok((receipt.usage.overshootMs ?? Infinity) < 20_000, JSON.stringify(receipt.usage))
    assert.ok(receipt.timings.finishedAtMs - receipt.timings.acceptedAtMs < 20_000)
  })

  it('runs a task again after its own fault, as often as the task allows, with output anew', async () => {
    let calls = 0
    const { client } = await start({
      flaky: async (context: FakeContext) => {
        calls += 1
        await context.stdout(`attempt ${calls}`)
        if (calls < 3) throw flawed()
        return 0
      },
      broken: async () => {
        throw flawed()
      },
    })
    const requester = await client()
    const { receipt, stdout } = await (await submit(requester, 'flaky', 'retry: 2')).result()
    assert.equal(receipt.attempts, 3)
    assert.equal(Buffer.from(stdout).toString(), 'attempt 3')
    await failsWith(await submit(requester, 'broken', 'retry: 1'), 'EXECUTOR_FAILED')
  })

  it('takes turns between requesters, however many tasks one has queued', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const { client } = await start(
      {
        gate: async () => gate.promise.then(() => 0),
        note: async ({ args }) => {
          order.push(args[0] ?? '')
          return 0
        },
      },
      'capacity: {slots: 1}',
    )
    const greedy = await client(1)
    const modest = await client(2)
    // Brings the program there, so that nobody's queue has to wait for a transfer.
    for (const requester of [greedy, modest]) await (await submit(requester, 'note')).result()
    order.length = 0
    const first = await submit(greedy, 'gate')
    await untilState(first, 'running')
    const tasks: RemoteTask[] = []
    for (let n = 0; n < 5; n += 1) tasks.push(await submit(greedy, 'note', `command: [greedy-${n}]`))
    tasks.push(await submit(modest, 'note', 'command: [modest]'))
    gate.resolve()
    await Promise.all(tasks.map((task) => task.result()))
    assert.ok(order.indexOf('modest') <= 1, order.join(' '))
  })

  it('refuses a requester who is over his share, and all unknown ones together, and takes a known one', async () => {
    const config = 'capacity: {slots: 1}\nqueue: {max_tasks: 4}\npeers: {share: 0.5, unknown_share: 0.75}\n'
    const { client } = await start({ hang }, config)
    const refusalOf = async (number: number): Promise<readonly string[]> => {
      try {
        await submit(await client(number), 'hang')
        return []
      } catch (error) {
        assert.ok(isSoukError(error, 'REFUSED'), String(error))
        return error.details.reasons.map(({ reason }) => reason)
      }
    }
    const running = await submit(await client(1), 'hang')
    await untilState(running, 'running')
    assert.deepEqual(await refusalOf(1), [])
    assert.deepEqual(await refusalOf(1), [])
    assert.deepEqual(await refusalOf(1), ['PEER_OVER_SHARE'])
    assert.deepEqual(await refusalOf(2), [])
    assert.deepEqual(await refusalOf(3), ['UNKNOWN_PEERS_OVER_SHARE'])
  })

  it('stops: refuses new tasks, waits for running ones, ends the rest as its own fault and keeps what waits', async () => {
    const running = Promise.withResolvers<void>()
    const home = await start(
      {
        hang: async (context) => {
          running.resolve()
          return hang(context)
        },
        quick: async () => 0,
      },
      'capacity: {slots: 1}',
    )
    const requester = await home.client()
    const ended = await submit(requester, 'hang')
    await running.promise
    const waiting = await submit(requester, 'quick')
    await home.restart()
    const again = await home.client()
    await failsWith(again.task(ended.taskId), 'PROVIDER_STOPPED')
    assert.deepEqual((await again.task(waiting.taskId).result()).receipt.outcome, { kind: 'exited', code: 0 })
    await home.restart()
    assert.deepEqual(await readdir(join(home.dir, 'data', 'work')), [])
  })

  it('drains: what ends in time ends well', async () => {
    const started = Promise.withResolvers<void>()
    const home = await start({
      pause: async () => {
        started.resolve()
        await new Promise((resolve) => setTimeout(resolve, 300))
        return 7
      },
    })
    const task = await submit(await home.client(), 'pause')
    await started.promise
    await home.restart({ drainMs: 30_000 })
    const requester = await home.client()
    assert.deepEqual((await requester.task(task.taskId).result()).receipt.outcome, { kind: 'exited', code: 7 })
  })

  it('has the results of finished tasks after a restart: receipt, output and files', async () => {
    const home = await start({
      write: async (context) => {
        await context.stdout('out')
        await context.output('/out/file.txt', 'content')
        return 0
      },
    })
    const task = await submit(await home.client(), 'write', 'outputs: [{path: /out}]')
    const first = await task.result()
    await home.restart()
    const requester = await home.client()
    const second = await requester.task(task.taskId).result()
    assert.deepEqual(second.receipt, first.receipt)
    assert.equal(Buffer.from(second.stdout).toString(), 'out')
    const saved = await requester
      .task(task.taskId)
      .saveOutputs({ dir: join(home.dir, 'saved'), receipt: second.receipt })
    assert.equal(saved.length, 1)
  })

  it('forgets the oldest results when it keeps too many', async () => {
    const home = await start({ quick: async () => 0 }, 'retention: {max_results: 2}')
    const requester = await home.client()
    const tasks: RemoteTask[] = []
    for (let n = 0; n < 4; n += 1) {
      const task = await submit(requester, 'quick')
      await task.result()
      tasks.push(task)
    }
    const deadline = Date.now() + 30_000
    while ((await requester.list()).length > 2 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 100))
    const kept = (await requester.list()).map(({ taskId }) => taskId)
    assert.deepEqual(
      kept,
      tasks.slice(2).map(({ taskId }) => taskId),
    )
    await failsWith(requester.task(tasks[0]?.taskId ?? ''), 'NOT_FOUND')
  })

  it('gives a receipt for what has run, whatever room there is for its results', async () => {
    const home = await start(
      {
        write: async (context) => {
          await context.stdout('computed')
          await context.output('/out/small', 'content')
          await context.output('/out/large', 'x'.repeat(600 * 1024))
          return 0
        },
      },
      'storage: {quota: 1m, task_input_limit: 64k}\npeers: {share: 0.5}',
    )
    const task = await submit(await home.client(), 'write', 'outputs: [{path: /out}]\nretry: 3')
    const { receipt, stdout } = await task.result()
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(receipt.attempts, 1)
    assert.equal(Buffer.from(stdout).toString(), 'computed')
    assert.deepEqual(
      receipt.outputs.map((output) => [output.path, 'error' in output ? output.error.code : 'kept']),
      [
        ['/out/large', 'TOO_LARGE'],
        ['/out/small', 'kept'],
      ],
    )
  })

  it('keeps results of unknown requesters within the share that they have together', async () => {
    const home = await start(
      {
        write: async (context) => {
          await context.output('/out/file', context.args[0]?.repeat(300 * 1024) ?? '')
          return 0
        },
      },
      'storage: {quota: 1m, task_input_limit: 64k}\npeers: {share: 0.5, unknown_share: 0.6}',
    )
    const kept: string[] = []
    for (const number of [1, 2, 3]) {
      const task = await submit(await home.client(number), 'write', `command: ['${number}']\noutputs: [{path: /out}]`)
      const { receipt } = await task.result()
      kept.push(...receipt.outputs.map((output) => ('error' in output ? output.error.code : 'kept')))
    }
    assert.deepEqual(kept, ['kept', 'kept', 'TOO_LARGE'])
  })

  it('lets go of old output as soon as there is too much of it', async () => {
    const home = await start(
      {
        talk: async (context) => {
          await context.stdout('x'.repeat(600 * 1024))
          return 0
        },
        quick: async () => 0,
      },
      'storage: {quota: 1m, task_input_limit: 64k}\ncapacity: {slots: 1}',
    )
    const requester = await home.client()
    const tasks: RemoteTask[] = []
    for (const name of ['talk', 'talk', 'quick']) {
      const task = await submit(requester, name)
      await task.result()
      tasks.push(task)
    }
    // The third could not start before the first had gone.
    const kept = (await requester.list()).map(({ taskId }) => taskId)
    assert.deepEqual(
      kept,
      tasks.slice(1).map(({ taskId }) => taskId),
    )
  })

  it('starts again as a smaller machine: a task that it took and can never run now is given up', async () => {
    const running = Promise.withResolvers<void>()
    const home = await start(
      {
        hang: async (context) => {
          running.resolve()
          return hang(context)
        },
        quick: async () => 0,
      },
      'capacity: {slots: 1, memory: 1g}',
    )
    const requester = await home.client()
    await submit(requester, 'hang')
    await running.promise
    const waiting = await submit(requester, 'quick', 'resources: {memory: 512m}')
    await home.restart({ config: 'capacity: {slots: 1, memory: 256m}\nsandbox: {wasm: {memory_limit: 128m}}' })
    const again = await home.client()
    await failsWith(again.task(waiting.taskId), 'INTERNAL')
    assert.deepEqual((await (await submit(again, 'quick', 'resources: {memory: 64m}')).result()).receipt.outcome, {
      kind: 'exited',
      code: 0,
    })
  })

  it('fails a task whose requester does not serve its inputs, as that requester’s fault, and takes them when he does', async () => {
    const home = await start({ read: async ({ input }) => ((await input('/in/data'))?.length === 3_000_000 ? 0 : 1) })
    const loaded = await scriptedTask('read', 'inputs: [{source: ./hello.wasm, target: /in/data}]')
    const data = new Uint8Array(3_000_000).fill(7)
    const sha256 = createHash('sha256').update(data).digest('hex')
    const blob = { sha256, bytes: data.byteLength }
    const spec = { ...loaded.spec, inputs: [{ source: blob, target: '/in/data' }] }
    const task = {
      spec,
      bytes: new TextEncoder().encode(JSON.stringify(spec)),
      blobs: new Map([...loaded.blobs, [sha256, { data }]]),
    }
    const first = await home.client()
    await failsWith(await first.submit({ task: { ...task, blobs: new Map() } }), 'BLOB_UNAVAILABLE')
    const whole = await first.submit({ task })
    assert.deepEqual((await whole.result()).receipt.outcome, { kind: 'exited', code: 0 })
  })

  it('gives back all that a task had, and tells how things stand on its local socket', async () => {
    const home = await start({ quick: async () => 0 })
    await (await submit(await home.client(), 'quick')).result()
    const nothing = { slots: 0, cpuMilliCores: 0, memoryBytes: 0, diskBytes: 0, gpus: 0 }
    const socketPath = join(home.dir, 'data', 'run', 'souk.sock')
    let status = await statusOf(socketPath)
    // The result is there before the scratch folder is gone.
    while (status.capacity.used.slots > 0) status = await statusOf(socketPath)
    assert.deepEqual(status.capacity.used, nothing)
    assert.deepEqual(status.tasks, { queued: 0, preparing: 0, running: 0, finished: 1, failed: 0 })
    assert.equal(status.address, home.node.address)
    assert.equal((await stat(socketPath)).mode & 0o777, 0o600)
  })
})

async function statusOf(socketPath: string): Promise<NodeStatus> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ socketPath, path: '/status' }, resolve).once('error', reject)
  })
  return JSON.parse(Buffer.concat(await response.toArray()).toString()) as NodeStatus
}
