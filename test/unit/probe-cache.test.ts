import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Executor } from '../../src/executors/executor.ts'
import { probeAll } from '../../src/node/probe-cache.ts'
import { createFakeExecutor } from '../conformance/fake-executor.ts'

describe('probe cache', () => {
  let dir: string
  let probes: number
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-probes-'))
    probes = 0
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const counting = (available = true): Executor => {
    const executor = createFakeExecutor()
    return {
      ...executor,
      async probe(signal) {
        probes += 1
        return available ? executor.probe(signal) : { runtime: 'wasm', available: false, why: 'not today' }
      },
    }
  }
  const probe = (executor: Executor, key = 'settings', refresh = false) =>
    probeAll({ executors: [executor], cacheFile: join(dir, 'kept', 'probes.json'), key, refresh })

  it('probes once for the same host and settings', async () => {
    const first = await probe(counting())
    assert.deepEqual(await probe(counting()), first)
    assert.equal(probes, 1)
    assert.deepEqual(await readdir(join(dir, 'kept')), ['probes.json'])
  })

  it('probes again when a setting changes, and when it is told to', async () => {
    await probe(counting())
    await probe(counting(), 'other settings')
    assert.equal(probes, 2)
    await probe(counting(), 'other settings', true)
    assert.equal(probes, 3)
  })

  it('keeps no failure: what was unavailable is looked at again', async () => {
    await probe(counting(false))
    const [capability] = await probe(counting())
    assert.equal(capability?.available, true)
    assert.equal(probes, 2)
  })

  it('takes a damaged file for none', async () => {
    await probe(counting())
    await writeFile(join(dir, 'kept', 'probes.json'), '{"key":')
    await probe(counting())
    assert.equal(probes, 2)
  })
})
