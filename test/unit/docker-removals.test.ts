import assert from 'node:assert/strict'
import type { DockerEngine } from '../../src/executors/docker/engine.ts'
import { createRemovals } from '../../src/executors/docker/removals.ts'

describe('removals of containers', () => {
  const names = ['souk-me-left', 'souk-me-used', 'souk-me-dead', 'souk-other-left', 'mine']
  let removed: string[]
  /** What an engine says of those that bear the label, and is told to remove. */
  const engine = {
    labelled: async () => names.filter((name) => !removed.includes(name)).map((name) => ({ id: name, names: [name] })),
    stopped: async () => {},
    remove: async (name: string) => void removed.push(name),
  } as unknown as DockerEngine

  beforeEach(() => {
    removed = []
  })

  it('spare what will be gone on with until it is somebody’s own again, however often one looks', async () => {
    const removals = createRemovals({ engine, instance: 'me' })
    removals.own('souk-me-used')
    removals.spare(['souk-me-left'])
    assert.equal(await removals.reap(), 1)
    assert.equal(await removals.reap(), 0)
    assert.deepEqual(removed, ['souk-me-dead'])
    removals.own('souk-me-left')
    assert.equal(await removals.reap(), 0)
    removals.remove('souk-me-left')
    await removals.settled()
    assert.deepEqual(removed, ['souk-me-dead', 'souk-me-left'])
    removed.pop()
    // It was not removed after all.
    assert.equal(await removals.reap(), 1)
    assert.deepEqual(removed, ['souk-me-dead', 'souk-me-left'])
  })
})
