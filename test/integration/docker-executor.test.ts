import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { LEAST } from '../../src/executors/docker/task-checks.ts'
import { StopReason, type DockerTask, type Executor, type Job } from '../../src/executors/executor.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import type { RequestedLimits } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'

const never = new AbortController().signal

describe('the Docker executor', function () {
  this.timeout(120_000)
  let place: DockerPlace
  let busybox: string
  let executor: Executor<DockerTask>
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    busybox = await place.image({ busybox: true, files: { '/etc/greeting': 'of the image\n' } })
    executor = place.executor({ images: [busybox] })
    cleanUp.defer(() => executor.close())
  })
  after(() => cleanUp.disposeAsync())

  const run = async (
    task: Partial<DockerTask>,
    options: {
      readonly on?: Executor<DockerTask>
      readonly limits?: RequestedLimits
      readonly signal?: AbortSignal
      readonly stdout?: Job<DockerTask>['stdout']
    } = {},
  ): Promise<{ readonly execution: Execution; readonly said: string }> => {
    const [stdout, stderr] = [collector(), collector()]
    const execution = await (options.on ?? executor).run({
      task: { runtime: 'docker', image: busybox, command: ['true'], env: {}, inputs: [], outputs: [], ...task },
      limits: { ...ROOMY_LIMITS, ...options.limits },
      dir: await place.jobDir(),
      stdin: Readable.from([]),
      stdout: options.stdout ?? stdout.stream,
      stderr: stderr.stream,
      signal: options.signal ?? never,
      onStarted: () => {},
    })
    return { execution, said: stdout.content().toString() + stderr.content().toString() }
  }
  const shell = (script: string): Partial<DockerTask> => ({ command: ['sh', '-c', script] })
  const refusedAs =
    (code: ErrorCode, pattern: RegExp) =>
    (error: unknown): boolean => {
      assert.ok(isSoukError(error, code), String(error))
      assert.match(`${error.message} ${error.hint}`, pattern)
      return true
    }
  /** The container that runs; a task may be heard before the engine lists it. */
  const listed = async (): Promise<string> => {
    const ids = async (): Promise<readonly string[]> => (await place.docker.listContainers()).map(({ Id }) => Id)
    await settled('containers', async () => String((await ids()).length), '1')
    return (await ids())[0] ?? ''
  }
  /** Runs a task until it has said a line; `end` ends it by a cancellation. */
  const running = async (
    task: Partial<DockerTask>,
    on?: Executor<DockerTask>,
  ): Promise<{ readonly done: Promise<unknown>; end(): Promise<void> }> => {
    const stop = new AbortController()
    const stdout = collector()
    const done = run(task, { signal: stop.signal, stdout: stdout.stream, ...(on && { on }) })
    await Promise.race([stdout.firstLine, done])
    return {
      done,
      async end() {
        stop.abort(new StopReason('cancelled'))
        await done
      },
    }
  }

  describe('a container', () => {
    it('has every wall that a task may find, while it runs', async () => {
      const task = await running({
        ...shell('echo ready; sleep 1000'),
        env: { GREETING: 'hello' },
        workdir: '/workdir/here',
        outputs: [{ path: '/out' }],
      })
      const id = await listed()
      const { Config, HostConfig, Name } = await place.docker.getContainer(id).inspect()
      await task.end()
      assert.match(Name, new RegExp(`^/souk-${place.launcher.instance}-[0-9a-f]{16}$`))
      assert.equal(Config.User, '65534:65534')
      assert.deepEqual(Config.Labels, { 'souk.instance': place.launcher.instance })
      assert.deepEqual(Config.Healthcheck?.Test, ['NONE'])
      assert.deepEqual([Config.Tty, Config.OpenStdin, Config.AttachStdout], [false, false, false])
      assert.deepEqual(
        (Config.Env ?? []).filter((entry) => !entry.startsWith('PATH=')),
        [],
        'what the task is told is not the engine’s to know',
      )
      assert.equal(HostConfig.NetworkMode, 'none')
      assert.equal(HostConfig.Privileged, false)
      assert.equal(HostConfig.ReadonlyRootfs, true)
      assert.deepEqual([HostConfig.CapAdd, HostConfig.CapDrop], [null, ['ALL']])
      assert.deepEqual([HostConfig.PidMode, HostConfig.IpcMode, HostConfig.UTSMode], ['', 'none', ''])
      assert.deepEqual([HostConfig.UsernsMode, HostConfig.Devices, HostConfig.GroupAdd], ['', null, null])
      assert.equal((HostConfig as { CgroupnsMode?: string }).CgroupnsMode, 'private')
      const [noNewPrivileges, seccomp = ''] = HostConfig.SecurityOpt as string[]
      assert.equal(noNewPrivileges, 'no-new-privileges')
      assert.equal(
        (JSON.parse(seccomp.replace(/^seccomp=/, '')) as { defaultAction: string }).defaultAction,
        'SCMP_ACT_ERRNO',
      )
      assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap], [ROOMY_LIMITS.memoryBytes, ROOMY_LIMITS.memoryBytes])
      assert.equal(HostConfig.NanoCpus, 1e9)
      assert.deepEqual(HostConfig.RestartPolicy?.Name, 'no')
      assert.equal(HostConfig.LogConfig?.Type, 'none')
      const ulimits = Object.fromEntries((HostConfig.Ulimits ?? []).map(({ Name: name, Hard }) => [name, Hard]))
      assert.deepEqual(ulimits, {
        core: 1,
        fsize: ROOMY_LIMITS.diskBytes,
        memlock: 65_536,
        nice: 0,
        nofile: 64,
        rtprio: 0,
      })
      const mounts = (HostConfig.Mounts ?? []).map(({ Target, ReadOnly }) => `${ReadOnly ? 'ro' : 'rw'} ${Target}`)
      assert.deepEqual(mounts.toSorted(), [
        'ro /dev/souk',
        'ro /dev/souk-init',
        'rw /dev/shm',
        'rw /out',
        'rw /tmp',
        'rw /workdir/here',
      ])
    })

    it('is read-only, without rights, alone', async () => {
      const { said } = await run(
        shell(
          'touch /x; touch /dev/x; grep -E "Cap(Eff|Bnd)|NoNewPrivs|Seccomp:" /proc/self/status; ls /sys/class/net /proc/self/fd; ps | wc -l',
        ),
      )
      assert.match(said, /touch: \/x: Read-only file system/)
      assert.match(said, /touch: \/dev\/x: Permission denied/)
      assert.match(said, /CapEff:\s+0{16}\nCapBnd:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2/)
      assert.match(said, /\/sys\/class\/net:\nlo\n/)
    })

    it('has a first process that the task can neither end nor look into, and that listens to nobody else', async () => {
      const { execution, said } = await run(
        shell('kill -9 1; kill -STOP 1; cat /proc/1/environ; ls /proc/1/fd; echo > /proc/1/oom_score_adj; echo alive'),
      )
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      assert.match(said, /^alive$/m)
      assert.match(said, /\/proc\/1\/environ.*Permission denied/)
      assert.match(said, /\/proc\/1\/fd.*Permission denied/)
      assert.match(said, /\/proc\/1\/oom_score_adj.*Permission denied/)
    })

    it('keeps a working folder that the image has as it is, and makes one that it has not', async () => {
      const there = await run({ ...shell('pwd; cat greeting; touch x'), workdir: '/etc' })
      assert.match(there.said, /^\/etc\nof the image\n.*Read-only file system/)
      const made = await run({ ...shell('pwd; touch x && ls'), workdir: '/data/work' })
      assert.equal(made.said, '/data/work\nx\n')
    })

    it('counts /tmp and shared memory together', async () => {
      const script = 'head -c 60000 /dev/zero > /tmp/a; head -c 60000 /dev/zero > /dev/shm/b; wc -c < /dev/shm/b'
      const { execution, said } = await run(shell(script), { limits: { diskBytes: 100_000 } })
      assert.match(said, /^[34]\d{4}\n/)
      assert.deepEqual(execution.usage.limitsHit, ['disk'])
    })
  })

  describe('the end of a task', () => {
    it('tells a death by a signal from an exit code that looks like one', async () => {
      assert.deepEqual((await run(shell('kill -SEGV $$'))).execution.outcome, { kind: 'killed', signal: 'SIGSEGV' })
      assert.deepEqual((await run(shell('exit 139'))).execution.outcome, { kind: 'exited', code: 139 })
    })

    it('is that of its memory where the kernel took only a child', async () => {
      const { execution } = await run(shell('dd if=/dev/zero of=/dev/null bs=200M count=1; echo went on; sleep 1000'))
      assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'memory' })
      assert.equal(execution.usage.memoryPeakBytes, ROOMY_LIMITS.memoryBytes)
    })

    it('is that of its memory also where files have taken all of it, and nothing is left for the first process', async () => {
      const { execution } = await run(shell('head -c 300000000 /dev/zero > /tmp/big; echo went on; sleep 1000'), {
        limits: { diskBytes: 512 * 1024 * 1024, memoryBytes: 16 * 1024 * 1024 },
      })
      assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'memory' })
    })

    it('comes at once, and takes what was left behind with it', async () => {
      const { execution, said } = await run(shell('sleep 1000 & setsid sleep 1000 & echo left'))
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      assert.equal(said, 'left\n')
    })

    it('keeps output to the last byte', async () => {
      const { said } = await run(shell('head -c 700000 /dev/zero | tr "\\0" x; echo; echo end'))
      assert.equal(said.length, 700_005)
      assert.ok(said.endsWith('x\nend\n'))
    })

    it('is nobody’s fault but the host’s where somebody kills the container', async () => {
      const task = await running(shell('echo ready; sleep 1000'))
      await place.docker.getContainer(await listed()).kill()
      await assert.rejects(
        task.done,
        (error) => isSoukError(error, 'EXECUTOR_FAILED') && error.fault === 'provider' && error.retryable,
      )
    })

    it('is one for each of many that run beside each other', async () => {
      const runs = Array.from({ length: 8 }, (_none, index) => run(shell(`echo ${index}; exit ${index}`)))
      for (const [index, { execution, said }] of (await Promise.all(runs)).entries()) {
        assert.deepEqual(execution.outcome, { kind: 'exited', code: index })
        assert.equal(said, `${index}\n`)
      }
    })

    it('is an error of the requester where there is no such program, and costs nothing', async () => {
      await assert.rejects(run({ command: ['nothing-like-it'] }), refusedAs('INVALID_INPUT', /no such program/))
      await assert.rejects(run({ command: ['/etc/greeting'] }), refusedAs('INVALID_INPUT', /may not be executed/))
      await assert.rejects(run({ command: [] }), refusedAs('INVALID_INPUT', /command/))
    })
  })

  describe('limits', () => {
    for (const [limit, least] of Object.entries(LEAST)) {
      it(`let a task run with the least of ${limit}: ${least}`, async () => {
        const { execution } = await run({}, { limits: { [limit]: least } })
        assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      })
      it(`refuse less than that of ${limit}`, async () => {
        const less = limit === 'cpuCores' ? least / 2 : least - 1
        await assert.rejects(
          run({}, { limits: { [limit]: less } }),
          refusedAs('REFUSED', new RegExp(`${limit} of at least`)),
        )
      })
    }

    it('are all proven by hitting them, but for those that Docker does not have', async () => {
      const capability = await executor.probe(never)
      assert.ok(capability.available, JSON.stringify(capability))
      assert.deepEqual(
        capability.unproven.map(({ limit }) => limit),
        ['gpus', 'ioWeight', 'fuel'],
      )
      assert.match(capability.isolation.engine, /^Docker \d+\.\d+.*, runc \d/)
      assert.ok(capability.isolation.layers.includes('seccomp-allow-list'))
      assert.deepEqual(capability.features, [`image:${busybox}`])
      const openFiles = capability.proven.find(({ limit }) => limit === 'openFiles')?.max ?? 0
      const { execution } = await run({}, { limits: { openFiles } })
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      const images = await place.docker.listImages({ all: true })
      assert.ok(!JSON.stringify(images).includes('souk-probe'), 'its image is gone')
    })
  })

  describe('images', () => {
    it('are refused by a tag, with the line that pins them', async () => {
      const all = place.executor({ images: ['busybox'] })
      await assert.rejects(
        run({ image: 'busybox:latest' }, { on: all }),
        refusedAs('IMAGE_REFUSED', /docker image inspect --format '\{\{\.Id\}\}' busybox:latest/),
      )
      await all.close()
    })

    it('are refused where the operator does not allow them, and where the engine does not have them', async () => {
      const missing = `sha256:${'0'.repeat(64)}`
      const closed = place.executor({ images: [missing] })
      await assert.rejects(run({}, { on: closed }), refusedAs('IMAGE_REFUSED', /does not allow/))
      await assert.rejects(run({ image: missing }, { on: closed }), refusedAs('IMAGE_REFUSED', /does not have it/))
      await closed.close()
    })

    it('have their volumes capped like everything else, and no part in the result', async () => {
      const image = await place.image({
        busybox: true,
        changes: ['VOLUME /data', 'VOLUME /out/inner', 'LABEL souk.instance=other'],
      })
      const on = place.executor({ images: [image] })
      const { execution, said } = await run(
        {
          ...shell(
            'head -c 9000000 /dev/zero > /data/big; wc -c < /data/big; rm /data/big; touch /data/x /out/inner/y; echo z > /out/z',
          ),
          image,
          outputs: [{ path: '/out' }],
        },
        { on, limits: { diskBytes: 100_000 } },
      )
      assert.match(said, /^100000\n/)
      assert.deepEqual(
        execution.outputs.map(({ path }) => path),
        ['/out/inner/y', '/out/z'],
      )
      await on.close()
      assert.equal((await place.docker.listVolumes()).Volumes?.length ?? 0, 0)
    })

    it('are refused where a volume of theirs can have no place', async () => {
      const image = await place.image({ busybox: true, changes: ['VOLUME /proc/sys'] })
      const on = place.executor({ images: [image] })
      await assert.rejects(run({ image }, { on }), refusedAs('IMAGE_REFUSED', /volume at \/proc\/sys/))
      await on.close()
    })

    it('are refused where they have something else in the place of a folder', async () => {
      const image = await place.image({ busybox: true, files: { '/out': 'a file' } })
      const on = place.executor({ images: [image] })
      await assert.rejects(
        run({ image, outputs: [{ path: '/out' }] }, { on }),
        refusedAs('IMAGE_REFUSED', /cannot be put into it/),
      )
      await on.close()
    })

    for (const links of [
      { '/tmp': '../../../../../../root', '/out': '/bin/../../../opt' },
      { '/proc': '/etc', '/sys': '../../../etc' },
      { '/dev': '/etc' },
    ]) {
      it(`lead nowhere outside of them by links: ${JSON.stringify(links)}`, async () => {
        const image = await place.image({ busybox: true, links })
        const on = place.executor({ images: [image] })
        const { execution, said } = await run(
          { ...shell('ls /tmp; echo x > /out/x; cat /proc/sys/kernel/hostname'), image, outputs: [{ path: '/out' }] },
          { on },
        )
        assert.equal(said, 'souk\n')
        assert.deepEqual(
          execution.outputs.map(({ path }) => path),
          ['/out/x'],
        )
        await on.close()
      })
    }

    it('keep their entrypoint, and lend their command where the task has none', async () => {
      const image = await place.image({
        busybox: true,
        changes: ['ENTRYPOINT ["echo", "first"]', 'CMD ["of the image"]', 'USER 0', 'ENV FROM=image'],
      })
      const on = place.executor({ images: [image] })
      assert.equal((await run({ image, command: ['of the task'] }, { on })).said, 'first of the task\n')
      assert.equal((await run({ image, command: [] }, { on })).said, 'first of the image\n')
      await on.close()
    })
  })

  describe('reaping', () => {
    const container = async (name: string, labels: Record<string, string>): Promise<string> => {
      const made = await place.docker.createContainer({
        name,
        Image: busybox,
        Cmd: ['sleep', '1000'],
        Labels: labels,
        NetworkDisabled: true,
      })
      await made.start()
      return made.id
    }
    const runningIds = async (): Promise<readonly string[]> => (await place.docker.listContainers()).map(({ Id }) => Id)

    it('removes what a dead predecessor of the same instance left, and nothing else', async () => {
      const { instance } = place.launcher
      const left = await container(`souk-${instance}-dead`, { 'souk.instance': instance })
      const others = await Promise.all([
        container('souk-other-1', { 'souk.instance': 'other' }),
        container('somebody', {}),
        // As of an image that brings our label.
        container('misled', { 'souk.instance': instance }),
        // An instance whose name begins as ours does.
        container(`souk-${instance}-x-1`, { 'souk.instance': `${instance}-x` }),
      ])
      const task = await running(shell('echo ready; sleep 1000'))
      assert.equal(await executor.reap({ signal: never, keep: [] }), 1)
      const still = await runningIds()
      assert.ok(!still.includes(left))
      for (const other of others) assert.ok(still.includes(other))
      await task.end()
      for (const other of others) await place.docker.getContainer(other).remove({ force: true })
      await settled('containers', async () => (await runningIds()).join(' '), '')
    })
  })

  describe('the engine', () => {
    it('that is not there makes the runtime unavailable, and says how to get one', async () => {
      const without = place.executor({ socketPath: join(place.launcher.stateDir, 'nobody') })
      const capability = await without.probe(never)
      assert.ok(!capability.available)
      assert.match(capability.why, /no engine at .*apt-get install docker\.io/)
      await assert.rejects(
        run({}, { on: without }),
        (error) => isSoukError(error, 'RUNTIME_UNAVAILABLE') && error.fault === 'provider' && error.retryable,
      )
      await without.close()
    })

    it('that dies with a task in it costs nothing, is seen, and is used again when it is back', async () => {
      const on = place.executor({ images: [busybox], instance: `again-${randomBytes(4).toString('hex')}` })
      const presences: boolean[] = []
      const stop = on.watch?.(({ present }) => presences.push(present))
      const task = await running(shell('echo ready; sleep 1000'), on)
      await place.engine.crash()
      await assert.rejects(
        task.done,
        (error) => isSoukError(error, 'EXECUTOR_FAILED') && error.fault === 'provider' && error.retryable,
      )
      await settled('presence', async () => presences.join(), 'false')
      await assert.rejects(run({}, { on }), refusedAs('RUNTIME_UNAVAILABLE', /engine/))
      await place.engine.restart()
      await settled('presence', async () => presences.join(), 'false,true')
      assert.equal((await run(shell('echo again'), { on })).said, 'again\n')
      stop?.()
      await on.close()
      await settled(
        'containers',
        async () => (await place.docker.listContainers({ all: true })).map(({ Names }) => Names.join()).join(),
        '',
      )
    })
  })
})
