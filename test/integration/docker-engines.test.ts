import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DockerTask } from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { BEHAVIOURS, behaviourIn } from '../conformance/behaviours.ts'
import { dockerSubject } from '../conformance/docker-subject.ts'
import { assertBehaviour, runBehaviour, type ConformanceSubject } from '../conformance/executor-conformance.ts'
import { CRUN, REMAPPED, startDockerPlace, startPodmanPlace, type EnginePlace } from '../fixtures/docker-engine.ts'

/** What differs where users or mounts do. */
const TOUCHED_BY_USERS = [
  'inputs, at absolute paths whose folders exist',
  'inputs cannot be changed',
  'a working folder that is an output',
  'relative paths, from the working folder',
  'outputs: files at any depth, renamed ones, empty ones',
  'disk: writing past the limit fails, sparse files too',
  'inodes: making files past the limit fails',
  'memory: no more than the limit, its output kept',
  'pids: starting more processes fails',
  'CPU time ends a task, its output kept',
  'wall time ends a task that computes, its output kept',
  'cancelling ends a task that computes, its output kept',
]

/** Limits that Docker never holds, and GPUs, of which there are none here. */
const NOT_DOCKERS = ['fuel', 'gpus', 'ioWeight']
const namesOf = (limits: readonly { readonly limit: string }[]): readonly string[] =>
  limits.map(({ limit }) => limit).toSorted()

/** Says which of these can be read, and what is in it, if that is anything. */
const SHOW_MASKED =
  'for f in /proc/interrupts /proc/key-users /proc/kcore /proc/timer_list; do [ -s $f ] || head -c 1 $f; done; echo'

describe('an engine that maps the users of its containers', function () {
  this.timeout(180_000)
  let place: EnginePlace<unknown>
  let subject: ConformanceSubject<DockerTask>

  before(async () => {
    place = await startDockerPlace(REMAPPED)
    subject = await dockerSubject(place)
  })
  after(async () => {
    await subject.executor.close()
    await place.stop()
  })

  it('is named as what it is, with every wall and limit proven', async () => {
    const executor = place.executor({ images: [] })
    const capability = await executor.probe(AbortSignal.timeout(100_000))
    await executor.close()
    if (!capability.available) assert.fail(capability.why)
    assert.equal(capability.isolation.layers[0], 'user-namespace')
    assert.ok(!capability.isolation.missing.includes('user-namespace'))
    assert.deepEqual(namesOf(capability.unproven), NOT_DOCKERS)
  })

  for (const name of TOUCHED_BY_USERS) {
    it(name, async () => {
      const behaviour = BEHAVIOURS.find((each) => each.name === name) ?? assert.fail('no such behaviour')
      assertBehaviour(await runBehaviour(subject, behaviour), behaviourIn(behaviour, 'docker'))
    })
  }

  it('has nobody of this host in it: what a task writes is nobody’s here', async () => {
    assert.equal(await ownerWhileItRuns(subject), 200_000 + 65_534)
  })
})

/** Of the folder that a task writes its results to, on this host. */
async function ownerWhileItRuns({ executor, ...subject }: ConformanceSubject<DockerTask>): Promise<number> {
  const sleeps = BEHAVIOURS.find(({ cancel, program }) => cancel === true && program === 'sleep')
  const found = Promise.withResolvers<number>()
  const looking: typeof executor = {
    ...executor,
    run: (job) =>
      executor.run({
        ...job,
        onStarted() {
          stat(join(job.dir, 'disk', 'o0')).then(({ uid }) => found.resolve(uid), found.reject)
          job.onStarted()
        },
      }),
  }
  await runBehaviour({ ...subject, executor: looking }, { ...(sleeps ?? assert.fail('none')), outputs: ['/out'] })
  return found.promise
}

describe('podman’s service as an engine', function () {
  this.timeout(180_000)
  let place: Awaited<ReturnType<typeof startPodmanPlace>>

  before(async () => {
    place = await startPodmanPlace({ runtime: 'runc' })
  })
  after(() => place.stop())

  it('is named as what it is, and has every wall that it can have', async () => {
    const executor = place.executor({ images: [] })
    const capability = await executor.probe(AbortSignal.timeout(100_000))
    await executor.close()
    if (!capability.available) assert.fail(capability.why)
    assert.match(capability.isolation.engine, /^Podman \d+\.\d+\.\d+, runc \d/)
    assert.ok(capability.isolation.layers.includes('seccomp-allow-list'))
    assert.deepEqual(namesOf(capability.unproven), NOT_DOCKERS)
  })

  it('masks what this host tells in /proc, as other engines do, and gives no room that is not counted', async () => {
    const image = await place.image({ busybox: true })
    const executor = place.executor({ images: [image] })
    const subject: ConformanceSubject<DockerTask> = {
      executor,
      task: (_program, base) => ({ ...base, runtime: 'docker', image }),
      leftovers: () => place.leftovers(),
      jobsDir: await place.jobDir(),
    }
    const shell = (script: string) =>
      runBehaviour(subject, {
        name: script,
        program: '',
        command: ['sh', '-c', script],
        expected: { outcome: { kind: 'exited', code: 0 } },
      })
    assert.equal((await shell(SHOW_MASKED)).stdout.toString(), '\n')
    const filled = await shell(
      'for d in /run /var/tmp; do dd if=/dev/zero of=$d/x bs=64k count=99 2>/dev/null; done; du -k /tmp | tail -1',
    )
    assert.ok(filled.execution.usage.limitsHit.includes('disk'), JSON.stringify(filled.execution.usage))
    await executor.close()
  })

  it('is cleaned up after a node that died', async () => {
    const executor = place.executor({ images: [] })
    const name = `souk-${place.launcher.instance}-0123456789abcdef`
    const image = await place.image({ busybox: true })
    await place.docker.createContainer({
      name,
      Image: image,
      Cmd: ['sleep', '1000'],
      Labels: { 'souk.instance': place.launcher.instance },
      HostConfig: { NetworkMode: 'none', Ulimits: [{ Name: 'nproc', Soft: 1000, Hard: 1000 }] },
    })
    assert.ok((await place.docker.listContainers({ all: true })).length > 0)
    await executor.reap({ signal: new AbortController().signal, keep: [] })
    assert.deepEqual(await place.docker.listContainers({ all: true }), [])
    await executor.close()
  })
})

describe('a runtime that does not work on this host', function () {
  this.timeout(120_000)

  it('is not offered, and says why, while another one is', async () => {
    const hybrid = (await readdir('/sys/fs/cgroup')).includes('unified')
    const { runtimes } = CRUN
    const place = await startDockerPlace({ runtimes: { ...runtimes, broken: { path: '/bin/false' } } })
    try {
      const classes = ['runc', 'broken', ...(hybrid ? ['crun'] : [])]
      const image = await place.image({ busybox: true })
      const executor = place.executor({ images: [image], classes })
      const capability = await executor.probe(AbortSignal.timeout(100_000))
      if (!capability.available) assert.fail(capability.why)
      assert.deepEqual(
        capability.refusedClasses?.map(({ name }) => name),
        classes.slice(1),
      )
      assert.deepEqual(
        capability.classes?.map(({ name }) => name),
        ['runc'],
      )
      assert.ok(capability.features.includes('class:runc') && !capability.features.includes('class:broken'))
      await executor.close()
      const first = place.executor({ images: [image], classes: ['broken', 'runc'] })
      assert.equal((await first.probe(AbortSignal.timeout(60_000))).available, false)
      await first.close()
    } finally {
      await place.stop()
    }
  })

  it('runs nothing for a task that names what is not offered', async () => {
    const place = await startDockerPlace()
    try {
      const subject = await dockerSubject(place)
      const [behaviour = assert.fail('none')] = BEHAVIOURS
      await assert.rejects(
        runBehaviour(
          { ...subject, task: (program, base) => ({ ...subject.task(program, base), runtimeClass: 'runsc' }) },
          behaviour,
        ),
        (error) => isSoukError(error, 'REFUSED') && error.details.reasons[0]?.reason === 'UNKNOWN_CLASS',
      )
      await subject.executor.close()
    } finally {
      await place.stop()
    }
  })
})
