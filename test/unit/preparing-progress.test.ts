import assert from 'node:assert/strict'
import { followTask } from '../../src/node/results/follow.ts'
import { preparationTeller } from '../../src/node/inputs/preparing-progress.ts'
import { acceptedTask } from '../../src/node/journal/task-state.ts'
import { trackTask } from '../../src/node/journal/tracked-task.ts'
import type { TaskEvent } from '../../src/protocol/events.ts'
import { fakeClock } from '../fixtures/fake-clock.ts'
import { acceptedEvent, taskSpec } from '../fixtures/provider-tasks.ts'

const image = (fetchedBytes: number, totalBytes = 1000) => ({ what: 'image', fetchedBytes, totalBytes }) as const

describe('preparing a task', () => {
  const place = () => {
    const clock = fakeClock()
    const task = trackTask(acceptedTask(acceptedEvent(1), taskSpec()))
    return { clock, task, tell: preparationTeller({ task, clock }) }
  }

  it('is told of at once where it begins, changes or is done, and else a few times a second', () => {
    const { clock, task, tell } = place()
    const told: (number | undefined)[] = []
    const step = (progress: Parameters<typeof tell>[0]): void => {
      const before = task.changes.version
      tell(progress)
      if (task.changes.version > before) told.push(task.preparing?.fetchedBytes)
    }
    step({ what: 'inputs', fetchedBytes: 0, totalBytes: 9 })
    step({ what: 'inputs', fetchedBytes: 1, totalBytes: 9 })
    step(image(0))
    for (let fetchedBytes = 1; fetchedBytes <= 1000; fetchedBytes += 1) {
      clock.advance(1)
      step(image(fetchedBytes))
    }
    step(undefined)
    assert.deepEqual(told, [0, 0, 250, 500, 750, 1000, undefined])
  })

  it('is seen by a follower, with what is fetched', async () => {
    const { task, tell } = place()
    const stop = new AbortController()
    const events = followTask({
      task,
      isReleased: () => true,
      offsets: { stdout: 0, stderr: 0 },
      outputDir: '/nowhere',
      positionOf: () => 0,
      nowMs: () => 7,
      signal: stop.signal,
    })
    const next = async (): Promise<TaskEvent | undefined> => (await events.next()).value ?? undefined
    tell(image(0))
    assert.deepEqual(await next(), { kind: 'preparing', atMs: 7, ...image(0) })
    const waiting = next()
    tell(image(1000))
    assert.deepEqual(await waiting, { kind: 'preparing', atMs: 7, ...image(1000) })
    const queued = next()
    tell(undefined)
    assert.equal((await queued)?.kind, 'queued')
    stop.abort()
    assert.equal(await next(), undefined)
  })
})
