import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Executor } from '../../src/executors/executor.ts'
import { probeAll } from '../../src/node/admission/probe-cache.ts'
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
    probeAll({
      subjects: [{ executor, dependsOn: () => Promise.resolve(key) }],
      cacheFile: join(dir, 'kept', 'probes.json'),
      refresh,
    })

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

  it('keeps what it knows of one runtime while another is asked', async () => {
    const native: Executor = { ...counting(), runtime: 'native' }
    await probe(counting())
    await probe(native)
    await probe(counting())
    await probe(native)
    assert.equal(probes, 2)
  })

  it('probes where nobody can tell what the answer depends on, and keeps nothing of it', async () => {
    const subject = { executor: counting(), dependsOn: () => Promise.reject(new Error('no engine answers')) }
    const cacheFile = join(dir, 'kept', 'probes.json')
    await probe(counting())
    await probeAll({ subjects: [subject], cacheFile })
    await probeAll({ subjects: [subject], cacheFile })
    assert.equal(probes, 3)
    await probe(counting())
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
