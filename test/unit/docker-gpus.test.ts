import assert from 'node:assert/strict'
import fc from 'fast-check'
import { containerFailed } from '../../src/executors/docker/failures.ts'
import { createGpuPool, gpuFailure, type GpuLease } from '../../src/executors/docker/gpus.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'

describe('the GPUs of an operator', () => {
  it('are given to one task at a time, whoever asks in whatever order', () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ giveBack: fc.nat(5), times: fc.integer({ min: 1, max: 2 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = createGpuPool(['0', '1', '2'])
        const held: GpuLease[] = []
        const returned: GpuLease[] = []
        const idsHeld = (): readonly string[] => held.flatMap(({ ids = [] }) => ids)
        for (const one of steps) {
          if ('take' in one) {
            const free = 3 - idsHeld().length
            if (one.take <= free) {
              const lease = pool.take(one.take)
              assert.equal(lease.ids?.length, one.take)
              held.push(lease)
            } else
              assert.throws(
                () => pool.take(one.take),
                (error) => isSoukError(error, one.take > 3 ? 'REFUSED' : 'EXECUTOR_FAILED'),
              )
          } else {
            const [lease] = held.splice(one.giveBack % Math.max(1, held.length), 1)
            for (let times = 0; times < one.times; times += 1) lease?.release()
            // What was given back once is not given back again.
            for (const earlier of returned) earlier.release()
            if (lease !== undefined) returned.push(lease)
          }
          assert.equal(new Set(idsHeld()).size, idsHeld().length)
        }
      }),
    )
  })

  it('stay with containers that an earlier process has left, until they are over', () => {
    const pool = createGpuPool(['0', '1', '2'])
    const kept = pool.keep('souk-a', ['1', 'one-that-was-offered-before'])
    assert.equal(pool.keep('souk-a', ['1']), kept)
    assert.deepEqual(kept.ids, ['1'])
    const others = pool.take(2)
    assert.deepEqual(others.ids, ['0', '2'])
    assert.throws(
      () => pool.take(1),
      (error) => isSoukError(error, 'EXECUTOR_FAILED'),
    )
    kept.release()
    assert.deepEqual(pool.take(1).ids, ['1'])
    kept.release()
    assert.deepEqual(pool.keep('souk-a', ['1']).ids, [], 'another has it now')
  })

  it('are none that a container could be given where he offers none', () => {
    const pool = createGpuPool([])
    assert.equal(pool.take(0).ids, undefined)
    assert.throws(
      () => pool.take(1),
      (error) => {
        assert(isSoukError(error, 'REFUSED'))
        assert.deepEqual(
          error.details.reasons.map(({ reason, subject, asked, offered }) => [reason, subject, asked, offered]),
          [['CAP_ABOVE_OFFER', 'gpus', '1', '0']],
        )
        return true
      },
    )
  })

  it('are said to be missing by an engine that has none, in words that tell the operator what to do', () => {
    for (const words of [
      'could not select device driver "" with capabilities: [[gpu]]',
      'failed to create shim: OCI runtime create failed: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown',
      'nvidia-container-cli: device error: 7: unknown device: unknown',
    ]) {
      const error = gpuFailure(containerFailed(`starting the container: ${words}`))
      assert(isSoukError(error, 'EXECUTOR_FAILED'))
      assert.equal(error.fault, 'provider')
      assert.match(error.message, /does not give it the GPUs that this provider offers/)
      assert.ok(error.message.includes(words))
      assert.match(error.hint, /NVIDIA Container Toolkit/)
    }
    const other = containerFailed('the engine went away')
    assert.equal(gpuFailure(other), other)
    const cancelled = new SoukError({ code: 'CANCELLED', message: 'nvidia-container', details: {} })
    assert.equal(gpuFailure(cancelled), cancelled)
  })
})
