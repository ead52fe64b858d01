import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { StopReason } from '../../src/executors/executor.ts'
import { FRAME_KIND, type Report } from '../../src/executors/wasm/channel.ts'
import { createPreparedPrograms, type PreparedPrograms } from '../../src/executors/wasm/prepared-programs.ts'
import { readFrames } from '../../src/executors/wasm/reports.ts'
import { runTask } from '../../src/executors/wasm/run-task.ts'
import type { Ended } from '../../src/executors/wasm/host-process.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'

const DIGEST = 'd'.repeat(64)

function frame(kind: number, content: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32LE(content.length)
  header[4] = kind
  return Buffer.concat([header, content])
}

/** What a test makes of the sandbox process, as one that a task has taken over might. */
interface Puppet {
  say(...reports: readonly Report[]): void
  data(text: string): void
  print(text: string): void
  die(signal: NodeJS.Signals): void
  /** Aborts the job as its requester would. */
  cancel(): void
  readonly started: number
}

interface Case {
  readonly dir: string
  readonly play?: (puppet: Puppet) => void
  /** Instead of what a process says until the task has started. */
  readonly begin?: (puppet: Puppet) => void
  /** Where what it says of programs goes. */
  readonly prepared?: PreparedPrograms
  /** Something else holds the other ends of the pipes. */
  readonly keepPipesOpen?: boolean
}

/** Runs a task whose sandbox process says what `play` lets it say. A real process stands behind its number. */
async function runWith({
  dir,
  play = () => {},
  begin = ({ say }) => say({ event: 'received' }, { event: 'compiled' }, { event: 'started' }),
  keepPipesOpen = false,
  prepared = createPreparedPrograms({ maxBytes: 1024 }),
}: Case): Promise<Execution> {
  const body = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const gone = once(body, 'exit')
  await once(body, 'spawn')
  const stop = new AbortController()
  const jobs = new PassThrough().resume()
  const reports = new PassThrough()
  const ended = Promise.withResolvers<Ended>()
  const end = (signal: NodeJS.Signals): void => {
    body.kill('SIGKILL')
    ended.resolve({ code: null, signal })
    if (!keepPipesOpen) reports.end()
  }
  let started = 0
  const puppet: Puppet = {
    say: (...all) => {
      for (const report of all) reports.write(frame(FRAME_KIND.report, Buffer.from(JSON.stringify(report))))
    },
    data: (text) => void reports.write(frame(FRAME_KIND.data, Buffer.from(text))),
    print: (text) => void reports.write(frame(FRAME_KIND.stdout, Buffer.from(text))),
    die: end,
    cancel: () => stop.abort(new StopReason('cancelled')),
    get started() {
      return started
    },
  }
  const module = join(dir, 'module.wasm')
  await writeFile(module, 'any')
  const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
  try {
    const running = runTask({
      job: {
        task: {
          runtime: 'wasm',
          name: 'task',
          command: [],
          env: {},
          inputs: [],
          outputs: [{ path: '/out' }],
          module: { source: module, sha256: DIGEST, bytes: 3 },
        },
        limits: ROOMY_LIMITS,
        dir,
        stdin: Readable.from([]),
        stdout: discard(),
        stderr: discard(),
        signal: stop.signal,
        onStarted() {
          started += 1
          setImmediate(play, puppet)
        },
      },
      sandbox: {
        pid: body.pid ?? 0,
        stackBytes: 0,
        job: jobs,
        untouched: true,
        compiled: new Set(),
        frames: readFrames(reports),
        ended: ended.promise,
        diagnostics: () => '',
        kill: () => end('SIGKILL'),
        destroy() {
          for (const pipe of [jobs, reports]) pipe.destroy()
        },
      },
      isolation: { runtime: 'wasm', engine: 'test', layers: [], missing: [], reuse: 'none' },
      compileTimeoutMs: 60_000,
      prepared,
      known: undefined,
      reusable: true,
    })
    begin(puppet)
    return (await running).execution
  } finally {
    assert.ok(started <= 1)
    body.kill('SIGKILL')
    await gone
  }
}

const ended: Report = {
  event: 'ended',
  end: { kind: 'exited', code: 0 },
  cpuTimeMs: 0,
  memoryPeakBytes: 0,
  limitsHit: [],
}
const rewritten = (bytes: number): Report => ({
  event: 'rewritten',
  facts: { initialBytes: 0, exports: { budget: 'b', refused: 'r' } },
  bytes,
})
const killed = { kind: 'killed', signal: 'SIGKILL' }

describe('a WebAssembly sandbox process that has been taken over', function () {
  this.timeout(60_000)
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hostile-child-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  for (const [what, report] of [
    ['was never compiled', { event: 'received' }],
    ['was never started', { event: 'compiled' }],
    ['is starting again', { event: 'started' }],
    ['is refused', { event: 'refused', reason: 'so there' }],
    ['has results before its end', { event: 'output', path: '/out/file', bytes: 0 }],
    ['is complete before its end', { event: 'complete' }],
    ['has become another one', rewritten(0)],
  ] as const satisfies readonly (readonly [string, Report])[]) {
    it(`is killed, and its task paid for, where it says that the running task ${what}`, async () => {
      const execution = await runWith({ dir, play: ({ say }) => say(report) })
      assert.deepEqual(execution.outcome, killed)
    })
  }

  it('says nothing for the task before that has started, nor after its end', async () => {
    const early = runWith({
      dir,
      begin({ print, say }) {
        print('early')
        say({ event: 'received' }, { event: 'compiled' }, { event: 'started' })
      },
    })
    await assert.rejects(early, (error) => isSoukError(error, 'EXECUTOR_FAILED'))
    const late = await runWith({
      dir,
      play({ say, print }) {
        print('in time')
        say(ended)
        print('late')
      },
    })
    assert.deepEqual([late.outcome, late.usage.outputBytes], [{ kind: 'exited', code: 0 }, 7])
  })

  it('leaves others no program but the first that it names, before it has compiled anything', async () => {
    const kept: string[] = []
    const prepared: PreparedPrograms = {
      maxBytes: 100,
      get: () => undefined,
      put: (_job, { bytes }) => void kept.push(Buffer.from(bytes).toString()),
    }
    await runWith({
      dir,
      prepared,
      begin({ say, data }) {
        say({ event: 'received' }, rewritten(4))
        data('good')
        say(rewritten(4))
        data('evil')
        say({ event: 'compiled' }, { event: 'started' }, ended, { event: 'complete' })
      },
    })
    assert.deepEqual(kept, ['good'])
  })

  it('leaves no program that is longer than all that may be kept', async () => {
    const kept: number[] = []
    const prepared: PreparedPrograms = {
      maxBytes: 3,
      get: () => undefined,
      put: (_job, { bytes }) => void kept.push(bytes.length),
    }
    const { outcome } = await runWith({
      dir,
      prepared,
      begin({ say, data }) {
        say({ event: 'received' }, rewritten(4))
        data('long')
        say({ event: 'compiled' }, { event: 'started' }, ended, { event: 'complete' })
      },
    })
    assert.deepEqual([outcome, kept], [{ kind: 'exited', code: 0 }, []])
  })

  it('is not taken for what it says of a program that is out of all proportion', async () => {
    const running = runWith({ dir, begin: ({ say }) => say({ event: 'received' }, rewritten(2 ** 30)) })
    await assert.rejects(running, (error) => isSoukError(error, 'EXECUTOR_FAILED'))
  })

  it('does not make a run free by crashing, and what was not its doing stays the provider’s fault', async () => {
    const execution = await runWith({ dir, play: ({ die }) => die('SIGABRT') })
    assert.deepEqual(execution.outcome, { kind: 'killed', signal: 'SIGABRT' })
    await assert.rejects(runWith({ dir, play: ({ die }) => die('SIGKILL') }), (error) =>
      isSoukError(error, 'EXECUTOR_FAILED'),
    )
  })

  it('is not believed more CPU time or memory than there can have been', async () => {
    const boast = { ...ended, cpuTimeMs: 2 ** 50, memoryPeakBytes: 2 ** 50 }
    const { outcome, usage } = await runWith({ dir, play: ({ say }) => say(boast, { event: 'complete' }) })
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
    assert.ok(usage.cpuTimeMs <= usage.wallTimeMs)
    assert.equal(usage.memoryPeakBytes, ROOMY_LIMITS.memoryBytes)
  })

  it('hands over no result from outside the outputs', async () => {
    for (const path of ['/etc/passwd', '/output', '../out/file', '/out']) {
      const execution = await runWith({
        dir: await mkdtemp(join(dir, 'job-')),
        play: ({ say }) => say(ended, { event: 'output', path, bytes: 0 }, { event: 'complete' }),
      })
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      assert.deepEqual(
        execution.outputs.map((output) => [output.path, 'error' in output && output.error.code]),
        [['/out', 'UNREADABLE']],
      )
    }
  })

  it('changes nothing of the outcome by dying while it hands over results: what came whole is kept', async () => {
    const execution = await runWith({
      dir,
      play({ say, data, die }) {
        say(ended, { event: 'output', path: '/out/whole', bytes: 4 })
        data('four')
        say({ event: 'output', path: '/out/half', bytes: 8 })
        data('four')
        setImmediate(die, 'SIGABRT')
      },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(
      execution.outputs.map((output) => [output.path, 'error' in output && output.error.code]),
      [
        ['/out', 'UNREADABLE'],
        ['/out/whole', false],
      ],
    )
    assert.equal((await readdir(join(dir, 'results'))).length, 1)
  })

  it('begins nothing any more once the task was cancelled: neither its time nor a timer', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    await readdir(dir) // by now the test's own timer runs
    const before = timers()
    let seen: Puppet | undefined
    const running = runWith({
      dir,
      begin(puppet) {
        seen = puppet
        puppet.cancel()
        puppet.say({ event: 'received' })
      },
    })
    await assert.rejects(running, (error) => isSoukError(error, 'CANCELLED'))
    assert.equal(seen?.started, 0)
    assert.equal(timers(), before)
  })

  it('does not keep the node waiting by a process that holds its pipes', async () => {
    const execution = await runWith({ dir, keepPipesOpen: true, play: ({ cancel }) => cancel() })
    assert.deepEqual(execution.outcome, { kind: 'cancelled' })
  })

  it('is the provider’s fault where its results cannot be kept, and nothing else breaks', async () => {
    await writeFile(join(dir, 'results'), 'in the way')
    await assert.rejects(runWith({ dir, play: ({ say }) => say(ended, { event: 'complete' }) }), { code: 'EEXIST' })
  })
})
