import assert from 'node:assert/strict'
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../src/client/connect.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Outcome } from '../../src/protocol/execution.ts'
import { settled } from '../conformance/leftovers.ts'
import { createLastingWorld, type LastingTask, type LastingWorld } from '../fixtures/lasting-executor.ts'
import { scriptedTask, startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'

const DONE: Outcome = { kind: 'exited', code: 0 }
const AWAY_MS = 1500

describe('a provider that stops while tasks go on', function () {
  this.timeout(60_000)
  let world: LastingWorld
  let house: NodeInProcess

  const configOf = (slots: number): string =>
    `capacity: {slots: ${slots}, cpu_cores: 4}\npeers: {share: 1, unknown_share: 1}\n`
  const start = async (): Promise<void> => {
    world = createLastingWorld()
    house = await startNode({ executor: () => world.executor(), config: configOf(2) })
  }
  afterEach(() => house.close())

  const submit = async (client: Client, lines?: string): Promise<RemoteTask> =>
    client.submit({ task: await scriptedTask('lasting', lines) })
  const begun = async (lines?: string): Promise<{ readonly taskId: string; readonly inside: LastingTask }> => {
    const next = world.next()
    const { taskId } = await submit(await house.client(), lines)
    return { taskId, inside: await next }
  }
  const again = async (taskId: string): Promise<RemoteTask> => (await house.client()).task(taskId)
  const failsWith = (task: RemoteTask, code: ErrorCode): Promise<void> =>
    assert.rejects(task.result(), (error) => {
      assert.ok(isSoukError(error, code), String(error))
      return true
    })
  const untilSaid = async (task: RemoteTask, bytes: number): Promise<void> => {
    while ((await task.show()).stdoutBytes < bytes) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const workFolders = async (): Promise<string> => (await readdir(join(house.dir, 'data', 'work'))).join()

  it('goes on with them where they are: every byte once, one attempt, its inputs and its folder there', async () => {
    await start()
    const { taskId, inside } = await begun(
      'outputs: [{path: /out}]\ninputs: [{source: ./hello.wasm, target: /in/data}]',
    )
    inside.say('one ')
    await untilSaid(await again(taskId), 4)
    const before = await (await again(taskId)).show()
    for (const word of ['two ', 'three ', 'four ']) {
      await house.restart()
      // Said while there was a node, and before it heard.
      inside.say(word)
      assert.equal((await (await again(taskId)).show()).state, 'running')
      assert.equal(await readFile(join(inside.dir, 'scratch'), 'utf8'), 'of the executor')
      await access(inside.inputs[0]?.source ?? '')
    }
    assert.deepEqual(world.kept, [[], [inside.dir], [inside.dir], [inside.dir]])
    inside.end(DONE)
    const task = await again(taskId)
    const { receipt, stdout } = await task.result()
    assert.equal(Buffer.from(stdout).toString(), 'one two three four ')
    assert.equal(inside.attached, 4)
    assert.deepEqual([receipt.outcome, receipt.attempts, receipt.stdout.bytes], [DONE, 1, 19])
    const { acceptedAtMs, startedAtMs, finishedAtMs } = receipt.timings
    assert.ok(acceptedAtMs <= startedAtMs && startedAtMs <= (before.startedAtMs ?? 0) + 1000)
    assert.ok(Math.abs(finishedAtMs - startedAtMs - receipt.usage.wallTimeMs) < 500, JSON.stringify(receipt))
    const saved = await task.saveOutputs({ dir: join(house.dir, 'saved'), receipt })
    assert.equal(saved.length, 1)
    await house.restart()
    await settled('scratch folders', workFolders, '')
    assert.deepEqual((await (await again(taskId)).result()).receipt, receipt)
  })

  it('tells of one that ended meanwhile when it did, and how', async () => {
    await start()
    const { taskId, inside } = await begun()
    const restarted = house.restart({ awayMs: AWAY_MS })
    inside.say('last words')
    inside.end({ kind: 'exited', code: 9 })
    const endedAtMs = Date.now()
    await restarted
    const { receipt, stdout } = await (await again(taskId)).result()
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 9 })
    assert.equal(Buffer.from(stdout).toString(), 'last words')
    assert.ok(receipt.timings.finishedAtMs < endedAtMs + AWAY_MS - 500, JSON.stringify(receipt.timings))
  })

  it('counts the time that it is away', async () => {
    await start()
    const { taskId } = await begun('timeouts: {execution: 1s}')
    await house.restart({ awayMs: AWAY_MS })
    const { receipt } = await (await again(taskId)).result()
    assert.deepEqual(receipt.outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok((receipt.usage.overshootMs ?? 0) >= 500, JSON.stringify(receipt.usage))
  })

  it('cancels them after it has come back, and where it went in between', async () => {
    await start()
    const first = await begun()
    await house.restart()
    await (await again(first.taskId)).cancel()
    assert.deepEqual((await (await again(first.taskId)).result()).receipt.outcome, { kind: 'cancelled' })
  })

  it('runs those again of which nothing is left, or settles them as its fault', async () => {
    await start()
    const lost = await begun()
    const repeated = await begun('retry: 1')
    repeated.inside.say('the first time')
    await untilSaid(await again(repeated.taskId), 14)
    world.forget()
    const next = world.next()
    await house.restart()
    await failsWith(await again(lost.taskId), 'PROVIDER_STOPPED')
    const second = await next
    second.say('the second')
    second.end(DONE)
    const { receipt, stdout } = await (await again(repeated.taskId)).result()
    assert.deepEqual([receipt.attempts, Buffer.from(stdout).toString()], [2, 'the second'])
    await settled('scratch folders', workFolders, '')
  })

  it('does not look for one whose folder is gone', async () => {
    await start()
    const { taskId, inside } = await begun()
    await house.node.stop({ drainMs: 0 })
    await rm(inside.dir, { recursive: true })
    await house.restart()
    await failsWith(await again(taskId), 'PROVIDER_STOPPED')
    assert.equal(inside.attached, 1)
  })

  it('gives their places to nobody else, smaller though it may have become', async () => {
    await start()
    const [first, second] = [await begun(), await begun()]
    const waiting = await submit(await house.client())
    await house.restart({ config: configOf(1) })
    const { tasks, capacity } = house.node.status()
    assert.deepEqual([tasks.running, tasks.queued, capacity.used.slots, capacity.total.slots], [2, 1, 2, 1])
    const next = world.next()
    first.inside.end(DONE)
    await (await again(first.taskId)).result()
    assert.equal((await (await again(waiting.taskId)).show()).state, 'queued')
    second.inside.end(DONE)
    await (await again(second.taskId)).result()
    ;(await next).end(DONE)
    assert.deepEqual((await (await again(waiting.taskId)).result()).receipt.outcome, DONE)
  })

  it('settles those that had not begun, and waits for all as long as it is to', async () => {
    await start()
    const { taskId, inside } = await begun()
    const drained = house.restart({ drainMs: 20_000 })
    inside.end(DONE)
    await drained
    assert.equal(inside.attached, 1)
    assert.deepEqual((await (await again(taskId)).result()).receipt.outcome, DONE)

    world.hold()
    const held = await submit(await house.client())
    while ((await held.show()).state !== 'running') await new Promise((resolve) => setTimeout(resolve, 5))
    await house.restart()
    await failsWith(await again(held.taskId), 'PROVIDER_STOPPED')
    await settled('scratch folders', workFolders, '')
  })
})
