import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DockerTask, Executor, LiveUsage } from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import type { RequestedLimits } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { startEngineProxy, type EngineProxy } from '../fixtures/engine-proxy.ts'

const never = new AbortController().signal
const GPUS = ['0', 'GPU-5a1b2c3d']

describe('what a Docker task asks for, and what is told of it', function () {
  this.timeout(120_000)
  let place: DockerPlace
  let busybox: string
  let plain: Executor<DockerTask>
  let withGpus: Executor<DockerTask>
  let proxy: EngineProxy
  /** DeviceRequests of containers as they were created, just before the engine is told to start them. */
  const requests: unknown[] = []
  let beforeStart = (): Promise<void> => Promise.resolve()
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    busybox = await place.image({ busybox: true })
    proxy = await startEngineProxy({
      socketPath: join(place.launcher.stateDir, 'proxy.sock'),
      engineSocketPath: place.engine.socketPath,
      async beforeStart(id) {
        const { HostConfig } = await place.docker.getContainer(id).inspect()
        requests.push((HostConfig as { DeviceRequests?: unknown }).DeviceRequests ?? undefined)
        await beforeStart()
      },
    })
    cleanUp.defer(() => proxy.close())
    plain = place.executor({ images: [busybox] })
    cleanUp.defer(() => plain.close())
    withGpus = place.executor({ images: [busybox], gpus: GPUS, socketPath: proxy.socketPath })
    cleanUp.defer(() => withGpus.close())
  })
  after(() => cleanUp.disposeAsync())
  beforeEach(() => {
    requests.length = 0
    beforeStart = () => Promise.resolve()
  })

  const run = async (
    task: Partial<DockerTask> & { readonly script?: string },
    options: {
      readonly on?: Executor<DockerTask>
      readonly limits?: RequestedLimits
      readonly onUsage?: (usage: LiveUsage) => void
    } = {},
  ): Promise<{ readonly execution: Execution; readonly said: string }> => {
    const stdout = collector()
    const { script = 'true', ...more } = task
    const execution = await (options.on ?? plain).run({
      task: {
        ...{ runtime: 'docker', image: busybox, env: {}, inputs: [], outputs: [] },
        command: ['sh', '-c', script],
        ...more,
      },
      limits: { ...ROOMY_LIMITS, ...options.limits },
      dir: await place.jobDir(),
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: collector().stream,
      signal: never,
      onStarted: () => {},
      ...(options.onUsage && { onUsage: options.onUsage }),
    })
    return { execution, said: stdout.content().toString() }
  }
  const noDriver = (error: unknown): boolean => {
    assert.ok(isSoukError(error, 'EXECUTOR_FAILED'), String(error))
    assert.deepEqual([error.fault, error.retryable], ['provider', true])
    assert.match(
      error.message,
      /does not give it the GPUs .*could not select device driver "" with capabilities: \[\[gpu\]\]/,
    )
    return true
  }
  const request = (...ids: string[]): unknown => [
    { Driver: '', Count: 0, DeviceIDs: ids, Capabilities: [['gpu']], Options: null },
  ]

  describe('GPUs', () => {
    it('are asked of the engine by their ids, and an engine that has none is a fault of the provider', async () => {
      await assert.rejects(run({ gpus: 2 }, { on: withGpus }), noDriver)
      assert.deepEqual(requests, [request(...GPUS)])
      // They are free again.
      await assert.rejects(run({ gpus: 2 }, { on: withGpus }), noDriver)
      const containers = async (): Promise<string> =>
        (await place.docker.listContainers({ all: true })).map(({ Id }) => Id).join()
      await settled('containers', containers, '')
    })

    it('are each given to one task at a time', async () => {
      const both = Promise.withResolvers<void>()
      beforeStart = () => {
        if (requests.length === 2) both.resolve()
        return both.promise
      }
      // They may end before anybody waits for them.
      const ends = [run({ gpus: 1 }, { on: withGpus }), run({ gpus: 1 }, { on: withGpus })].map((each) =>
        assert.rejects(each, noDriver),
      )
      await both.promise
      // The scheduler waits for one; whoever does not is told that the provider has done wrong.
      await assert.rejects(
        run({ gpus: 1 }, { on: withGpus }),
        (error) => isSoukError(error, 'EXECUTOR_FAILED') && /only 0 are free/.test(error.message),
      )
      await Promise.all(ends)
      assert.deepEqual(
        new Set(requests.map((each) => JSON.stringify(each))),
        new Set(GPUS.map((id) => JSON.stringify(request(id)))),
      )
    })

    it('are refused where there are fewer, and by who has none', async () => {
      for (const [on, gpus, offered] of [
        [withGpus, 3, '2'],
        [plain, 1, '0'],
      ] as const)
        await assert.rejects(run({ gpus }, { on }), (error) => {
          assert.ok(isSoukError(error, 'REFUSED'), String(error))
          const [reason] = error.details.reasons
          assert.deepEqual([reason?.reason, reason?.subject, reason?.offered], ['CAP_ABOVE_OFFER', 'gpus', offered])
          return true
        })
    })

    it('are kept from a task that asks for none, whatever its image and its environment say', async () => {
      const env = { GREETING: 'hello' }
      const { said } = await run({ script: 'echo $GREETING', env }, { on: withGpus })
      assert.equal(said, 'hello\n')
      assert.deepEqual(requests, [undefined])
    })

    it('are no limit that is offered where no container with them starts', async () => {
      const capability = await withGpus.probe(never)
      assert.ok(capability.available, JSON.stringify(capability))
      const found = capability.unproven.find(({ limit }) => limit === 'gpus')
      assert.match(found?.why ?? '', /could not select device driver/)
      assert.ok(
        GPUS.every((id) => requests.some((each) => JSON.stringify(each)?.includes(id))),
        'all of them at once',
      )
    })
  })

  describe('what it uses now', () => {
    it('is told about once a second, of a task that runs so long', async () => {
      const told: (LiveUsage & { readonly atMs: number })[] = []
      await run(
        {
          script:
            'x=$(head -c 5000000 /dev/zero | tr "\\\\0" x); sleep 1000 & (sleep 3.5; kill $!) & while kill -0 $!; do :; done 2>/dev/null',
        },
        { onUsage: (usage) => told.push({ ...usage, atMs: performance.now() }) },
      )
      assert.ok(told.length >= 2, JSON.stringify(told))
      for (const [index, { cpuTimeMs, memoryBytes, pids, atMs }] of told.entries()) {
        const before = told[index - 1]
        if (before !== undefined) {
          assert.ok(atMs - before.atMs >= 900, JSON.stringify(told))
          assert.ok(cpuTimeMs >= before.cpuTimeMs, JSON.stringify(told))
        }
        assert.ok(memoryBytes > 1_000_000 && memoryBytes <= ROOMY_LIMITS.memoryBytes, JSON.stringify(told))
        assert.ok(pids !== undefined && pids >= 2 && pids < 10, JSON.stringify(told))
      }
      assert.ok((told.at(-1)?.cpuTimeMs ?? 0) > 100, JSON.stringify(told))
    })

    it('is told of no task that is over before', async () => {
      const told: LiveUsage[] = []
      await run({}, { onUsage: (usage) => told.push(usage) })
      await sleep(1500)
      assert.deepEqual(told, [])
    })
  })

  describe('what it was denied', () => {
    it('is nothing for a task that does what tasks do', async () => {
      const { denials } = (await run({ script: 'echo hi; ls / | wc -l' })).execution
      assert.deepEqual([denials?.oomKills, denials?.pids, denials?.memoryReclaims ?? 0], [0, 0, 0])
    })

    it('are forks', async () => {
      const { execution } = await run(
        { script: 'for i in 1 2 3 4 5 6; do sleep 1 & done; wait' },
        { limits: { pids: 3 } },
      )
      assert.ok((execution.denials?.pids ?? 0) > 0, JSON.stringify(execution))
      assert.ok(execution.usage.limitsHit.includes('pids'))
    })

    it('is memory', async () => {
      const { execution } = await run(
        { script: 'tail -c 100000000 /dev/zero | wc -c' },
        { limits: { memoryBytes: 16 * 1024 * 1024 } },
      )
      assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'memory' })
      assert.ok((execution.denials?.oomKills ?? 0) >= 1, JSON.stringify(execution))
    })
  })
})
