import assert from 'node:assert/strict'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import type { Prepared, PrepareProgress } from '../../src/executors/executor.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { FakeProgram } from '../conformance/fake-executor.ts'
import { scriptedTask, startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'

interface Asked {
  readonly name: string
  readonly signal: AbortSignal
  onProgress(progress: PrepareProgress): void
  readonly bring: PromiseWithResolvers<void>
}

describe('what a task needs of its host besides its inputs', function () {
  this.timeout(60_000)
  let house: NodeInProcess | undefined
  /** Is here already. */
  let there: Set<string>
  let asked: Asked[]
  let waitingForAsked: (() => void) | undefined
  let held: number
  let releases: number

  beforeEach(() => {
    there = new Set()
    asked = []
    held = 0
    releases = 0
  })
  afterEach(async () => {
    await house?.close()
    house = undefined
  })

  const holding = (): Prepared => {
    held += 1
    return {
      release() {
        releases += 1
        held -= 1
      },
    }
  }
  const start = async (programs: Readonly<Record<string, FakeProgram>> = {}, config?: string) => {
    house = await startNode({
      programs,
      ...(config !== undefined && { config }),
      preparation: {
        hold: ({ name }) => (there.has(name) ? holding() : undefined),
        async prepare({ task: { name }, signal, onProgress }) {
          const bring = Promise.withResolvers<void>()
          asked.push({ name, signal, onProgress, bring })
          waitingForAsked?.()
          signal.addEventListener('abort', () => bring.reject(signal.reason as Error), { once: true })
          await bring.promise
          return holding()
        },
      },
    })
    return house
  }
  const submit = async (name: string, lines?: string): Promise<RemoteTask> => {
    assert.ok(house)
    return (await house.client()).submit({ task: await scriptedTask(name, lines) })
  }
  const firstAsked = async (): Promise<Asked> => {
    if (asked.length === 0)
      await new Promise<void>((resolve) => {
        waitingForAsked = resolve
      })
    const [first] = asked
    assert.ok(first)
    return first
  }
  const failsWith = (task: RemoteTask, code: ErrorCode): Promise<void> =>
    assert.rejects(task.result(), (error) => isSoukError(error, code))
  /** The last one is let go of behind the requester's back. */
  const untilNothingHeld = async (): Promise<void> => {
    while (held > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('is brought before it takes a slot, with word of how far it has come, and held until the task is over', async () => {
    const gate = Promise.withResolvers<void>()
    const running = Promise.withResolvers<void>()
    const heldInRun: number[] = []
    there.add('gate')
    await start(
      {
        async gate() {
          running.resolve()
          await gate.promise
          return 0
        },
        async needy() {
          heldInRun.push(held)
          return 0
        },
      },
      'capacity: {slots: 1}',
    )
    const first = await submit('gate')
    await running.promise
    const second = await submit('needy')
    const { name, onProgress, bring } = await firstAsked()
    assert.equal(name, 'needy')
    onProgress({ what: 'image', doneBytes: 3, totalBytes: 10 })
    for await (const event of second.events()) {
      if (event.kind !== 'preparing' || event.totalBytes !== 10) continue
      assert.deepEqual([event.what, event.fetchedBytes], ['image', 3])
      break
    }
    assert.equal((await second.show()).state, 'preparing')
    bring.resolve()
    while ((await second.show()).state !== 'queued') await new Promise((resolve) => setTimeout(resolve, 5))
    gate.resolve()
    await first.result()
    await second.result()
    assert.deepEqual(heldInRun, [1])
    await untilNothingHeld()
    assert.equal(releases, 2)
  })

  it('is not brought where it is here, and is held over another attempt', async () => {
    there.add('flaky')
    let calls = 0
    await start({
      async flaky() {
        calls += 1
        assert.equal(held, 1)
        if (calls === 1) throw flawed()
        return 0
      },
    })
    const { receipt } = await (await submit('flaky', 'retry: 1')).result()
    assert.equal(receipt.attempts, 2)
    await untilNothingHeld()
    assert.deepEqual([asked.length, releases], [0, 1])
  })

  it('ends the task, which never runs, where it cannot be had', async () => {
    let runs = 0
    await start({
      async needy() {
        runs += 1
        return 0
      },
    })
    const task = await submit('needy', 'retry: 3')
    const { bring } = await firstAsked()
    bring.reject(new SoukError({ code: 'IMAGE_REFUSED', message: 'No.', details: { reason: 'no' } }))
    await failsWith(task, 'IMAGE_REFUSED')
    assert.deepEqual([runs, asked.length, held], [0, 1, 0])
  })

  it('is left to the run where this provider has failed in a way that may pass', async () => {
    await start({ needy: async () => 0 })
    const task = await submit('needy')
    const { bring } = await firstAsked()
    bring.reject(flawed())
    assert.deepEqual((await task.result()).receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(held, 0)
  })

  it('is given up with the task: cancelled, or too late', async () => {
    await start({ needy: async () => 0 })
    const cancelled = await submit('needy')
    const { signal } = await firstAsked()
    await cancelled.cancel()
    await failsWith(cancelled, 'CANCELLED')
    assert.ok(signal.aborted)
    asked.splice(0)
    await failsWith(await submit('needy', 'timeouts: {queue: 100ms}'), 'QUEUE_TIMEOUT')
    assert.ok((await firstAsked()).signal.aborted)
    assert.equal(held, 0)
  })

  it('is brought after a restart where the task still waits', async () => {
    const home = await start({ needy: async () => 0 })
    const task = await submit('needy')
    await firstAsked()
    asked.splice(0)
    await home.restart()
    const { bring } = await firstAsked()
    bring.resolve()
    const again = (await home.client()).task(task.taskId)
    assert.deepEqual((await again.result()).receipt.outcome, { kind: 'exited', code: 0 })
  })
})

const flawed = (): SoukError =>
  new SoukError({
    code: 'EXECUTOR_FAILED',
    message: 'The sandbox broke.',
    details: { runtime: 'wasm', reason: 'test' },
  })
