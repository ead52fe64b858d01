import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { LimitKey } from '../../src/protocol/limits.ts'
import { NULL_DEVICE, RUNSC, startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { BEHAVIOURS } from './behaviours.ts'
import { COLUMNS, unheldOf, type Column } from './columns.ts'
import { dockerSubject } from './docker-subject.ts'
import { executorConformance, runBehaviour, type ConformanceSubject } from './executor-conformance.ts'
import type { DockerTask } from '../../src/executors/executor.ts'

const column: Column = COLUMNS['docker-runsc']
let place: DockerPlace
let nullOwner: number

executorConformance({
  name: 'docker, runsc',
  column,
  async setup() {
    nullOwner = (await stat(NULL_DEVICE)).uid
    place = await startDockerPlace(RUNSC)
    return dockerSubject(place, { runtime: 'runsc' })
  },
  async teardown() {
    await place.stop()
    assert.equal((await stat(NULL_DEVICE)).uid, nullOwner, `gVisor has changed whose ${NULL_DEVICE} is`)
  },
})

describe('the runtime class runsc', function () {
  this.timeout(120_000)
  let own: DockerPlace
  let subject: ConformanceSubject<DockerTask>

  before(async () => {
    own = await startDockerPlace(RUNSC)
    subject = await dockerSubject(own, { runtime: 'runsc' })
  })
  after(async () => {
    await subject.executor.close()
    await own.stop()
  })

  it('is offered with what holds in it, and without what does not, which the host need not fear', async () => {
    const executor = own.executor({ classes: ['runsc', 'absent'] })
    const capability = await executor.probe(AbortSignal.timeout(100_000))
    await executor.close()
    if (!capability.available) assert.fail(capability.why)
    const [runsc, ...more] = capability.classes ?? []
    assert.deepEqual([runsc?.name, more], ['runsc', []])
    assert.deepEqual(capability.features, ['class:runsc'])
    assert.deepEqual(
      capability.refusedClasses?.map(({ name }) => name),
      ['absent'],
    )
    const { layers, missing, engine } = capability.isolation
    assert.match(engine, /^Docker \d.*, runsc$/)
    assert.ok(layers.includes('gvisor') && layers.includes('seccomp-allow-list'), layers.join())
    assert.ok(!missing.includes('pivot-root') && !layers.includes('pivot-root'))
    const proven = new Set(capability.proven.map(({ limit }) => limit))
    const asked = new Set(BEHAVIOURS.flatMap(({ limits = {} }) => Object.keys(limits) as LimitKey[]))
    assert.deepEqual(
      [...asked].filter((limit) => !proven.has(limit)),
      unheldOf(column),
    )
    assert.deepEqual(capability.backstops, ['pids'])
  })

  for (const limit of unheldOf(column)) {
    it(`refuses a task that asks for ${limit}, before it starts`, async () => {
      const behaviour =
        BEHAVIOURS.find(({ limits }) => limits?.[limit] !== undefined) ?? assert.fail('nothing asks for it')
      await assert.rejects(
        runBehaviour(subject, behaviour),
        (error) => isSoukError(error, 'REFUSED') && error.details.reasons[0]?.subject === limit,
      )
    })
  }

  it('ends a task that makes processes without end, at its own expense, and runs the next', async () => {
    const storm = {
      name: 'storm',
      program: 'fork-until-refused',
      command: ['100000'],
      expected: { outcome: { kind: 'exited', code: 0 } },
    } as const
    const { execution } = await runBehaviour(subject, { ...storm, limits: { memoryBytes: 1024 ** 3 } })
    assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'pids' })
    const next = await runBehaviour(subject, { ...storm, program: 'exit-code', command: ['7'] })
    assert.deepEqual(next.execution.outcome, { kind: 'exited', code: 7 })
  })
})
