import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { StopReason, type DockerTask, type Executor, type Job, type ResumedJob } from '../../src/executors/executor.ts'
import { createCappedStorage } from '../../src/native/capped-storage.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import { buildProgram } from '../../scripts/build-programs.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { tasksInContainers } from '../fixtures/left-on-host.ts'

const never = new AbortController().signal
const MiB = 1024 * 1024
/** To remove a container, or to make one, takes less. */
const STABLE_MS = 600
const LONG_OVER_MS = 2000

describe('the life of a container', function () {
  this.timeout(120_000)
  let place: DockerPlace
  let image: string
  let other: string
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    image = await place.image({ busybox: true })
    other = await place.image({ busybox: true, files: { '/etc/other': '' } })
  })
  after(() => cleanUp.disposeAsync())
  afterEach(() => settled('what is left', async () => (await leftovers()).join(', '), ''))

  const leftovers = async (): Promise<readonly string[]> =>
    (await place.leftovers()).filter((name) => !name.startsWith('job-'))
  const containers = async (): Promise<readonly string[]> =>
    (await place.docker.listContainers()).map(({ Id }) => Id).toSorted()

  interface Run {
    readonly job: Job<DockerTask>
    readonly stop: AbortController
    readonly stdout: ReturnType<typeof collector>
  }
  const jobFor = async (
    script: string,
    more: Partial<DockerTask> & { readonly limits?: Partial<Job<DockerTask>['limits']>; readonly stdin?: string } = {},
  ): Promise<Run> => {
    const { limits, stdin = '', ...task } = more
    const stop = new AbortController()
    const stdout = collector()
    const job: Job<DockerTask> = {
      task: {
        ...{ runtime: 'docker', image, command: ['sh', '-c', script], env: {}, inputs: [] },
        outputs: [{ path: '/out' }],
        ...task,
      },
      limits: { ...ROOMY_LIMITS, ...limits },
      dir: await place.jobDir(),
      stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
      stdout: stdout.stream,
      stderr: stdout.stream,
      signal: stop.signal,
      onStarted: () => {},
    }
    return { job, stop, stdout }
  }

  describe('that was made before there was a task', () => {
    let executor: Executor<DockerTask>

    const said = async (...wanted: Parameters<typeof jobFor>): Promise<string> => {
      const { job, stdout } = await jobFor(...wanted)
      const { outcome } = await executor.run(job)
      assert.deepEqual(outcome, { kind: 'exited', code: 0 }, stdout.content().toString())
      return stdout.content().toString()
    }
    /** Until just so many are there, and stay: those that were used are removed in the background. */
    const waiting = async (count: number): Promise<void> => {
      let [before, sinceMs] = ['', performance.now()]
      const stable = async (): Promise<string> => {
        const now = (await containers()).join()
        if (now !== before) [before, sinceMs] = [now, performance.now()]
        if (performance.now() - sinceMs < STABLE_MS) return 'changing'
        return String(now === '' ? 0 : now.split(',').length)
      }
      await settled('containers that wait', stable, String(count))
    }
    /** Runs it on a container that was there before, and resolves to what it said. */
    const saidWarm = async (...wanted: Parameters<typeof jobFor>): Promise<string> => {
      await waiting(1)
      const [before] = await containers()
      const words = await said(...wanted)
      await settled('the used container', async () => String((await containers()).includes(before ?? '')), 'false')
      return words
    }
    const warmed = async (...wanted: Parameters<typeof jobFor>): Promise<void> => {
      executor = place.executor({ images: [image, other], prewarm: 1 })
      await said(...wanted)
      // One use may be the only one.
      await waiting(0)
      await said(...wanted)
    }
    afterEach(() => executor.close())

    it('is used once, by a task that brings its own words, input, environment and files', async () => {
      const file = join(place.launcher.stateDir, 'input')
      await writeFile(file, 'first')
      const input = (bytes: number): DockerTask['inputs'] => [{ source: file, bytes, target: '/in/file' }]
      await warmed('true', { inputs: input(5) })
      const script = 'cat; cat /in/file; echo " $A $PATH"; ls /out /tmp; touch /out/mine /tmp/mine'
      for (const word of ['second', 'third']) {
        await writeFile(file, word)
        const words = await saidWarm(script, { inputs: input(word.length), env: { A: word }, stdin: 'in ' })
        assert.equal(
          words,
          `in ${word} ${word} /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/out:\n\n/tmp:\n`,
        )
      }
      await rm(file)
    })

    it('cannot have its input changed, nor be made to run anything else', async () => {
      const file = join(place.launcher.stateDir, 'input')
      await writeFile(file, 'mine')
      const inputs = [{ source: file, bytes: 4, target: '/in/file' }]
      await warmed('true', { inputs })
      const words = await saidWarm(
        'echo x > /in/file; cat /in/file; cat /proc/1/environ /proc/1/mem; ls /proc/1/fd; kill -9 1; echo; echo $?',
        { inputs },
      )
      assert.match(words, /can't create \/in\/file: Read-only file system/)
      assert.match(words, /mine/)
      assert.match(words, /\/proc\/1\/environ': Permission denied/)
      assert.match(words, /\/proc\/1\/mem': Permission denied/)
      assert.match(words, /\/proc\/1\/fd': Permission denied/)
      await rm(file)
    })

    it('is given the limits of the task that comes', async () => {
      await warmed('true', { limits: { memoryBytes: 64 * MiB, diskBytes: 8 * MiB, pids: 32 } })
      const groups = '/sys/fs/cgroup'
      await waiting(1)
      const [before = ''] = await containers()
      const { job, stdout, stop } = await jobFor(
        'dd if=/dev/zero of=/out/big bs=1M count=3 2>&1 | tail -1; echo ready; sleep 1000',
        { limits: { memoryBytes: 32 * MiB, diskBytes: 2 * MiB, pids: 8, cpuCores: 0.5 } },
      )
      const done = executor.run(job)
      await settled('the task', async () => String(/ready/.test(stdout.content().toString())), 'true')
      const { HostConfig } = await place.docker.getContainer(before).inspect()
      stop.abort(new StopReason('cancelled'))
      const { usage } = await done
      assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap], [32 * MiB, 32 * MiB])
      assert.deepEqual([HostConfig.NanoCpus, HostConfig.PidsLimit], [5e8, 9])
      assert.ok(usage.limitsHit.includes('disk'), `${JSON.stringify(usage)} below ${groups}`)
    })

    it('is of no use to a task of another image, or with other folders, and makes room for what is asked for more', async () => {
      await warmed('true')
      await waiting(1)
      const [before] = await containers()
      for (const _time of [1, 2, 3]) assert.equal(await said('ls /etc/other', { image: other }), '/etc/other\n')
      await settled('the old one', async () => String((await containers()).includes(before ?? '')), 'false')
      await waiting(1)
      assert.equal(await saidWarm('ls /etc/other', { image: other }), '/etc/other\n')
    })

    it('that somebody has ended is not used', async () => {
      await warmed('true')
      await waiting(1)
      const [before = ''] = await containers()
      await place.docker.getContainer(before).remove({ force: true })
      assert.equal(await said('echo well'), 'well\n')
    })

    it('goes with the executor', async () => {
      await warmed('true')
      await waiting(1)
      await executor.close()
      await waiting(0)
    })
  })

  describe('whose node goes away', () => {
    const options = { prewarm: 0, reattachMs: 60_000 }
    const COUNT =
      'read first; i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.1; done; cat; echo "$first"; echo x > /out/file'
    const LINES = Array.from({ length: 40 }, (_none, index) => `${index}\n`).join('')

    /** Runs a task until it has said something, and lets go of it as a node does that is stopped. */
    const left = async ({
      script = COUNT,
      more = { stdin: 'a\nb\n' },
      saidBytes = 4,
    }: { script?: string; more?: Parameters<typeof jobFor>[1]; saidBytes?: number } = {}): Promise<
      Run & { readonly startedAtMs: number }
    > => {
      const executor = place.executor({ ...options, images: [more?.image ?? image] })
      const run = await jobFor(script, more)
      let startedAtMs = 0
      const done = executor.run({
        ...run.job,
        onStarted: () => {
          startedAtMs = Date.now()
        },
      })
      await settled('the task', async () => String(run.stdout.content().length >= saidBytes), 'true')
      run.stop.abort(new StopReason('shutdown'))
      await assert.rejects(done, (error) => isSoukError(error, 'PROVIDER_STOPPED'))
      await executor.close()
      return { ...run, startedAtMs }
    }
    let backAtMs = 0
    /** Until a while after the task has ended, of which only its first process knows. */
    const untilLongOver = async (): Promise<void> => {
      const { socketPath } = place.engine
      await settled('what runs in containers', async () => (await tasksInContainers(socketPath)).join(), '')
      await sleep(LONG_OVER_MS)
      backAtMs = Date.now()
    }
    /** What a task ran that ended well before the node was back. */
    const atMostMs = ({ startedAtMs }: { readonly startedAtMs: number }): number =>
      backAtMs - startedAtMs - LONG_OVER_MS / 2
    const resumed = async (
      run: Run & { readonly startedAtMs: number },
      more: Partial<Job<DockerTask>> & { readonly wait?: () => Promise<void> } = {},
    ): Promise<Execution | undefined> => {
      const { wait, ...rest } = more
      await using executor = {
        ...place.executor({ ...options, images: [image] }),
        [Symbol.asyncDispose]: () => closing(),
      }
      const closing = (): Promise<void> => executor.close()
      await executor.reap({ signal: never, keep: [run.job.dir] })
      await wait?.()
      const job: ResumedJob<DockerTask> = {
        ...run.job,
        stdin: Readable.from([Buffer.from('a\nb\n')]),
        signal: never,
        ...rest,
        before: { startedAtMs: run.startedAtMs, stdoutBytes: run.stdout.content().length, stderrBytes: 0 },
      }
      assert.ok(executor.resume)
      return await executor.resume(job)
    }

    it('goes on with the next, every byte said once, its input where it was, its results whole', async () => {
      const run = await left()
      const execution = await resumed(run)
      assert.ok(execution)
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      assert.equal(run.stdout.content().toString(), `${LINES}b\na\n`)
      assert.deepEqual(
        execution.outputs.map(({ path }) => path),
        ['/out/file'],
      )
      assert.ok(execution.usage.wallTimeMs >= 4000, String(execution.usage.wallTimeMs))
      assert.equal(execution.usage.outputBytes, run.stdout.content().length)
    })

    it('has all of its input where it had read little of that before', async () => {
      const stdin = 'x'.repeat(1024 * 1024)
      const run = await left({ script: 'echo first; sleep 3; wc -c', more: { stdin } })
      const execution = await resumed(run, { stdin: Readable.from([Buffer.from(stdin)]) })
      assert.deepEqual(execution?.outcome, { kind: 'exited', code: 0 })
      assert.equal(run.stdout.content().toString(), `first\n${stdin.length}\n`)
    })

    it('is told as it ended where it ended meanwhile, though its time was over later', async () => {
      const run = await left({ script: 'echo first; sleep 1; echo second; exit 3' })
      const over = AbortSignal.abort(new StopReason('wallTime'))
      const execution = await resumed(run, { signal: over, wait: untilLongOver })
      assert.deepEqual(execution?.outcome, { kind: 'exited', code: 3 })
      const { wallTimeMs } = execution.usage
      assert.ok(wallTimeMs >= 900 && wallTimeMs < atMostMs(run), `${wallTimeMs} ms`)
      assert.equal(run.stdout.content().toString(), 'first\nsecond\n')
    })

    it('is ended by its first process when its wall time is over', async () => {
      const run = await left({ script: 'echo first; sleep 1000', more: { limits: { wallTimeMs: 500 } } })
      const execution = await resumed(run, { wait: untilLongOver })
      assert.deepEqual(execution?.outcome, { kind: 'limit', limit: 'wallTime' })
      assert.ok(execution.usage.wallTimeMs < atMostMs(run), `${execution.usage.wallTimeMs} ms`)
    })

    it('counts its output before and after together', async () => {
      const run = await left({ script: 'echo first; sleep 1; yes', more: { limits: { outputBytes: 1000 } } })
      const execution = await resumed(run)
      assert.deepEqual(execution?.outcome, { kind: 'limit', limit: 'output' })
      assert.equal(run.stdout.content().length, 1000)
    })

    it('is ended for its output where it had said too much, of which no more was kept than it may', async () => {
      const { job, ...run } = await left({ script: 'seq 20000; sleep 1000', saidBytes: 100_000 })
      const outputBytes = 1000
      const execution = await resumed({
        ...run,
        job: { ...job, limits: { ...job.limits, outputBytes } },
        stdout: { ...run.stdout, content: () => Buffer.alloc(outputBytes) },
      })
      assert.deepEqual(execution?.outcome, { kind: 'limit', limit: 'output' })
      assert.equal(execution.usage.outputBytes, outputBytes)
    })

    it('can be cancelled by the next', async () => {
      const run = await left({ script: 'echo first; sleep 1000' })
      const execution = await resumed(run, { signal: AbortSignal.abort(new StopReason('cancelled')) })
      assert.deepEqual(execution?.outcome, { kind: 'cancelled' })
    })

    it('loses nothing where it said more than pipes hold while there was nobody', async () => {
      const run = await left({
        script: 'echo first; sleep 0.5; seq 200000; echo end',
        more: { limits: { outputBytes: 4 * MiB } },
      })
      const execution = await resumed(run, { wait: () => sleep(2000) })
      assert.deepEqual(execution?.outcome, { kind: 'exited', code: 0 })
      const numbers = Array.from({ length: 200_000 }, (_none, index) => `${index + 1}\n`).join('')
      assert.equal(run.stdout.content().toString(), `first\n${numbers}end\n`)
    })

    it('does not hear a task that says it is its first process', async () => {
      const { source } = await buildProgram({
        file: join(import.meta.dirname, '../fixtures/programs/posix/forged-init.c'),
        runtime: 'docker',
      })
      const forger = await place.image({ programs: [{ source, path: '/forged-init' }] })
      const run = await left({ more: { image: forger, command: ['/forged-init'], limits: { openFiles: 256 } } })
      const execution = await resumed(run)
      assert.deepEqual(execution?.outcome, { kind: 'exited', code: 0 })
      assert.equal(run.stdout.content().toString(), 'first\nwas there\n')
    })

    it('is gone where somebody ended it, and nothing of it is left', async () => {
      const run = await left()
      for (const id of await containers()) await place.docker.getContainer(id).remove({ force: true })
      assert.equal(await resumed(run), undefined)
    })

    it('is none where the node went before the task began, and its disk goes with that', async () => {
      const { job, stdout } = await jobFor('true')
      const mountPoint = join(job.dir, 'disk')
      await mkdir(mountPoint)
      const storage = createCappedStorage(place.launcher.launcher)
      await storage.lease({
        ...{ mountPoint, diskBytes: MiB, inodes: 10, uid: 65_534, gid: 65_534, outputs: [], outlivesNode: true },
      })
      assert.equal(await resumed({ job, stdout, stop: new AbortController(), startedAtMs: Date.now() }), undefined)
      await rm(job.dir, { recursive: true })
    })

    it('ends by itself when nobody comes', async () => {
      const executor = place.executor({ images: [image], reattachMs: 500 })
      const { job, stop, stdout } = await jobFor('echo ready; sleep 1000')
      const done = executor.run(job)
      await settled('the task', async () => stdout.content().toString(), 'ready\n')
      stop.abort(new StopReason('shutdown'))
      await assert.rejects(done, (error) => isSoukError(error, 'PROVIDER_STOPPED'))
      await settled('containers', async () => (await containers()).join(), '')
      assert.equal(
        await executor.resume?.({ ...job, before: { startedAtMs: Date.now(), stdoutBytes: 6, stderrBytes: 0 } }),
        undefined,
      )
      await executor.close()
    })
  })
})
