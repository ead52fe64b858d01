import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { StopReason, type Executor, type Job, type ResumedJob, type RuntimeTask } from '../../src/executors/executor.ts'
import { runAttempt, type Attempt } from '../../src/node/attempt/attempt.ts'
import { markStart, startMarkOf } from '../../src/node/attempt/start-mark.ts'
import type { Execution, Outcome } from '../../src/protocol/execution.ts'
import { fakeClock, type FakeClock } from '../fixtures/fake-clock.ts'
import { LIMITS } from '../fixtures/provider-tasks.ts'

const START_MS = 1_000_000
const TASK: RuntimeTask = { runtime: 'docker', image: 'x', command: [], env: {}, inputs: [], outputs: [] }

function execution(outcome: Outcome, wallTimeMs: number): Execution {
  return {
    outcome,
    usage: { wallTimeMs, cpuTimeMs: 0, memoryPeakBytes: 0, outputBytes: 0, limitsHit: [] },
    isolation: { runtime: 'docker', engine: 'test', layers: [], missing: [], reuse: 'none' },
    outputs: [],
  }
}

/** Resolves as the seam says once it is stopped; `clock` tells how long that took from `startedAtMs`. */
function untilStopped(job: Job<RuntimeTask>, measure: () => number): Promise<Execution> {
  return new Promise((resolve) => {
    const stop = (): void => {
      assert(job.signal.reason instanceof StopReason)
      const { kind } = job.signal.reason
      resolve(execution(kind === 'wallTime' ? { kind: 'limit', limit: 'wallTime' } : { kind: 'cancelled' }, measure()))
    }
    if (job.signal.aborted) stop()
    else job.signal.addEventListener('abort', stop, { once: true })
  })
}

describe('an attempt that is gone on with', () => {
  let clock: FakeClock
  let seen: ResumedJob<RuntimeTask> | undefined
  beforeEach(() => {
    clock = fakeClock(START_MS)
    seen = undefined
  })

  const attempt = (options: {
    readonly resume: (job: ResumedJob<RuntimeTask>) => Promise<Execution | undefined>
    readonly startedAtMs: number
    readonly totalDeadlineMs?: number
    readonly cancel?: AbortSignal
  }): Promise<Attempt | undefined> => {
    const executor: Executor = {
      runtime: 'docker',
      probe: () => assert.fail(),
      run: () => assert.fail('it has been run'),
      resume: (job) => {
        seen = job
        return options.resume(job)
      },
      reap: () => assert.fail(),
      close: () => assert.fail(),
    }
    return runAttempt({
      executor,
      task: TASK,
      requester: '0x01',
      limits: LIMITS,
      dir: '/jobs/1',
      stdin: Readable.from([]),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      cancel: options.cancel ?? new AbortController().signal,
      shutdown: new AbortController().signal,
      totalDeadlineMs: options.totalDeadlineMs ?? START_MS + 1_000_000,
      clock,
      onStarted: () => assert.fail('it has started before'),
      onUsage: () => {},
      before: { startedAtMs: options.startedAtMs, stdoutBytes: 7, stderrBytes: 8 },
    })
  }
  const sinceStart = (startedAtMs: number) => () => clock.nowMs() - startedAtMs

  it('says what there is, and tells of a task that ended meanwhile when it did', async () => {
    const startedAtMs = START_MS - 5000
    const result = await attempt({ startedAtMs, resume: async () => execution({ kind: 'exited', code: 3 }, 2000) })
    assert.deepEqual(seen?.before, { startedAtMs, stdoutBytes: 7, stderrBytes: 8 })
    assert.equal(seen.requester, '0x01')
    assert.deepEqual([result?.startedAtMs, result?.finishedAtMs], [startedAtMs, startedAtMs + 2000])
    assert.equal(clock.timers, 0)
  })

  it('has the wall time that is left', async () => {
    const startedAtMs = START_MS - 4000
    const running = attempt({ startedAtMs, resume: (job) => untilStopped(job, sinceStart(startedAtMs)) })
    clock.advance(LIMITS.wallTimeMs - 4000 - 1)
    assert.equal(seen?.signal.aborted, false)
    clock.advance(1)
    const result = await running
    assert.deepEqual(result?.execution.outcome, { kind: 'limit', limit: 'wallTime' })
    assert.equal(result.execution.usage.overshootMs, 0)
    assert.equal(result.finishedAtMs, startedAtMs + LIMITS.wallTimeMs)
  })

  it('is ended at once where its wall time, or all of its time, ran out while there was no node', async () => {
    for (const [startedAtMs, totalDeadlineMs, budgetMs] of [
      [START_MS - LIMITS.wallTimeMs - 500, START_MS + 1000, LIMITS.wallTimeMs],
      [START_MS - 3000, START_MS - 1000, 2000],
    ] as const) {
      const running = attempt({
        startedAtMs,
        totalDeadlineMs,
        resume: (job) => untilStopped(job, sinceStart(startedAtMs)),
      })
      clock.advance(0)
      const result = await running
      assert.deepEqual(result?.execution.outcome, { kind: 'limit', limit: 'wallTime' })
      assert.equal(result.execution.usage.overshootMs, START_MS - startedAtMs - budgetMs)
    }
  })

  it('has no more than its wall time where the clock was set back', async () => {
    const startedAtMs = START_MS + 60_000
    const running = attempt({ startedAtMs, resume: (job) => untilStopped(job, () => 0) })
    clock.advance(LIMITS.wallTimeMs)
    assert.deepEqual((await running)?.execution.outcome, { kind: 'limit', limit: 'wallTime' })
  })

  it('is cancelled where that was asked for before', async () => {
    const result = await attempt({
      startedAtMs: START_MS - 10,
      cancel: AbortSignal.abort(new StopReason('cancelled')),
      resume: (job) => untilStopped(job, () => 10),
    })
    assert.deepEqual(result?.execution.outcome, { kind: 'cancelled' })
  })

  it('is none where nothing is left of it', async () => {
    assert.equal(await attempt({ startedAtMs: START_MS, resume: async () => undefined }), undefined)
    assert.equal(clock.timers, 0)
  })
})

describe('the mark of a start', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-start-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('is read by the next process, and none where it did not come to be written whole', async () => {
    assert.equal(await startMarkOf(dir), undefined)
    await markStart({ dir, atMs: 1_700_000_000_123 })
    assert.equal(await startMarkOf(dir), 1_700_000_000_123)
    for (const text of ['', '0', '-1', '17e9', ' 17', '9'.repeat(17), '17\n']) {
      await writeFile(join(dir, 'started'), text)
      assert.equal(await startMarkOf(dir), undefined, JSON.stringify(text))
    }
  })
})
