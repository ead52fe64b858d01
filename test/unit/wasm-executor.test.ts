import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buildPrograms, EXAMPLES_DIR, PROGRAMS_DIR, buildProgram } from '../../scripts/build-programs.ts'
import { StopReason, type Executor, type Job, type WasmTask } from '../../src/executors/executor.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { digestFile } from '../../src/artifacts/digest-file.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { LimitKey } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS, type Behaviour } from '../conformance/behaviours.ts'
import { collector, runBehaviour } from '../conformance/executor-conformance.ts'

const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

describe('WebAssembly executor', function () {
  this.timeout(60_000)
  let dir: string
  let executor: Executor<WasmTask>

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-wasm-executor-'))
    executor = createWasmExecutor({ instanceDir: join(dir, 'instance'), prewarm: 1 })
  })
  after(async () => {
    await executor.close()
    await rm(dir, { recursive: true })
  })

  async function job(
    program: string,
    changes: Partial<Job<WasmTask>> = {},
    task: Partial<WasmTask> = {},
  ): Promise<Job<WasmTask>> {
    const module = await buildProgram({ file: join(PROGRAMS_DIR, `${program}.c`), runtime: 'wasm' })
    return {
      task: { runtime: 'wasm', name: program, module, command: [], env: {}, inputs: [], outputs: [], ...task },
      limits: ROOMY_LIMITS,
      dir: await mkdtemp(join(dir, 'job-')),
      stdin: Readable.from([]),
      stdout: discard(),
      stderr: discard(),
      signal: new AbortController().signal,
      onStarted: () => {},
      ...changes,
    }
  }

  it('proves every limit that it has by hitting it, and says why it lacks the others', async () => {
    const capability = await executor.probe(new AbortController().signal)
    assert.ok(capability.available)
    const expected: readonly LimitKey[] = [
      'cpuCores',
      'cpuTimeMs',
      'diskBytes',
      'fuel',
      'idleTimeMs',
      'inodes',
      'memoryBytes',
      'openFiles',
      'outputBytes',
      'pids',
      'stackBytes',
      'wallTimeMs',
    ]
    assert.deepEqual(capability.proven.map(({ limit }) => limit).sort(), expected)
    assert.deepEqual(capability.unproven.map(({ limit }) => limit).sort(), ['cpuShares', 'gpus', 'ioWeight'])
    assert.ok(capability.isolation.layers.includes('in-memory-file-system'))
  })

  it('is unavailable, and does not throw, where its probe is stopped', async () => {
    const capability = await executor.probe(AbortSignal.abort(new StopReason('shutdown')))
    assert.equal(capability.available, false)
  })

  it('refuses limits that it cannot hold a task to, each by name', async () => {
    const limits = { ...ROOMY_LIMITS, cpuCores: 0.5, cpuShares: 10, stackBytes: 1 }
    await assert.rejects(executor.run(await job('exit-code', { limits })), (error) => {
      assert.ok(isSoukError(error, 'REFUSED'))
      assert.deepEqual(error.details.reasons.map((reason) => String(reason.subject)).sort(), [
        'cpuCores',
        'cpuShares',
        'stackBytes',
      ])
      return true
    })
  })

  it('refuses inputs that do not fit in the memory that they count as', async () => {
    const inputs = [{ source: '/dev/null', bytes: ROOMY_LIMITS.memoryBytes + 1, target: '/in/large' }]
    await assert.rejects(executor.run(await job('exit-code', {}, { inputs })), (error) =>
      isSoukError(error, 'INVALID_INPUT'),
    )
  })

  it('refuses an input in place of a folder that a task has', async () => {
    for (const [target, task] of [
      ['/tmp', {}],
      ['/data', { workdir: '/data' }],
      ['/data', { workdir: '/data/below' }],
    ] as const) {
      const inputs = [{ source: '/dev/null', bytes: 0, target }]
      await assert.rejects(
        executor.run(await job('exit-code', {}, { ...task, inputs })),
        (error) => isSoukError(error, 'INVALID_INPUT'),
        target,
      )
    }
  })

  it('counts it as the provider’s fault when an input changes or is gone', async () => {
    const source = join(dir, 'input')
    await writeFile(source, 'four')
    for (const bytes of [3, 5]) {
      const inputs = [{ source, bytes, target: '/in/x' }]
      await assert.rejects(
        executor.run(await job('exit-code', {}, { inputs })),
        (error) => isSoukError(error, 'EXECUTOR_FAILED') && error.fault === 'provider',
      )
    }
    const inputs = [{ source: join(dir, 'gone'), bytes: 5, target: '/in/x' }]
    await assert.rejects(executor.run(await job('exit-code', {}, { inputs })), (error) =>
      isSoukError(error, 'EXECUTOR_FAILED'),
    )
    const module = { source: join(dir, 'gone'), bytes: 5, sha256: '0'.repeat(64) }
    await assert.rejects(executor.run(await job('exit-code', {}, { module })), (error) =>
      isSoukError(error, 'EXECUTOR_FAILED'),
    )
  })

  it('counts it as the provider’s fault when standard input breaks', async () => {
    const stdin = new Readable({ read: () => {} })
    const running = executor.run(await job('cat', { stdin, onStarted: () => stdin.destroy(new Error('disk failure')) }))
    await assert.rejects(running, (error) => isSoukError(error, 'EXECUTOR_FAILED'))
  })

  it('counts it as the provider’s fault when standard input cannot be opened, long before anything reads it', async () => {
    const asked = await job('cat')
    const running = executor.run({ ...asked, stdin: createReadStream(join(dir, 'gone')) })
    await assert.rejects(running, (error) => isSoukError(error, 'EXECUTOR_FAILED'))
  })

  it('ends a flood whose reader stands still by its wall time, having taken little of it', async () => {
    const stop = new AbortController()
    const stalled = new Writable({ highWaterMark: 1, write: () => {} })
    const { outcome, usage } = await executor.run(
      await job('flood', {
        stdout: stalled,
        limits: { ...ROOMY_LIMITS, outputBytes: 1e9 },
        signal: stop.signal,
        onStarted: () => setTimeout(() => stop.abort(new StopReason('wallTime')), 300),
      }),
    )
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
    assert.ok(usage.outputBytes < 4_000_000, `${usage.outputBytes} bytes were taken`)
  })

  it('does not call a task idle that waits for a slow reader', async () => {
    const stop = new AbortController()
    const stalled = new Writable({ highWaterMark: 1, write: () => {} })
    const { outcome } = await executor.run(
      await job('flood', {
        stdout: stalled,
        limits: { ...ROOMY_LIMITS, idleTimeMs: 500, outputBytes: 1e9 },
        signal: stop.signal,
        onStarted: () => setTimeout(() => stop.abort(new StopReason('wallTime')), 1200),
      }),
    )
    assert.deepEqual(outcome, { kind: 'limit', limit: 'wallTime' })
  })

  it('gives a task the stack that it asks for', async () => {
    const asked = (stackBytes: number): Promise<Job<WasmTask>> =>
      job('recurse', { limits: { ...ROOMY_LIMITS, stackBytes } })
    for (const stackBytes of [256 * 1024, 4 * 1024 * 1024]) {
      const { outcome } = await executor.run(await asked(stackBytes))
      assert.deepEqual(outcome, { kind: 'trapped', trap: 'stackOverflow' })
    }
  })

  it('runs tasks beside each other, more than it keeps processes ready for', async () => {
    const runs = await Promise.all(
      [1, 2, 3, 4].map(async (code) => {
        const { outcome } = await executor.run(await job('exit-code', {}, { command: [String(code)] }))
        return outcome
      }),
    )
    assert.deepEqual(
      runs,
      [1, 2, 3, 4].map((code) => ({ kind: 'exited', code })),
    )
  })

  it('takes no task once it is closed', async () => {
    const closed = createWasmExecutor({ instanceDir: join(dir, 'closed'), prewarm: 0 })
    await closed.close()
    await assert.rejects(closed.run(await job('exit-code')), (error) => isSoukError(error, 'PROVIDER_STOPPED'))
  })

  it('traps have the names of the core specification', async () => {
    const traps = await buildPrograms({
      runtime: 'wasm',
      dir: join(PROGRAMS_DIR, '../traps'),
      flags: ['-O0', '-mreference-types'],
    })
    for (const [name, module] of traps) {
      const { outcome } = await executor.run(await job('exit-code', {}, { module }))
      assert.deepEqual(outcome, { kind: 'trapped', trap: name }, name)
    }
    assert.ok(traps.size >= 5)
  })

  it('has examples that do what their sources say, as committed', async () => {
    const built = await buildPrograms({ runtime: 'wasm', dir: EXAMPLES_DIR, flags: ['-Oz'] })
    const cases: readonly (readonly [name: string, behaviour: Partial<Behaviour>, stdout: string])[] = [
      ['greet', { command: ['Ada', 'Żółć'], env: { GREETING: 'Salut' } }, 'Salut, Ada!\nSalut, Żółć!\n'],
      ['primes', { command: ['1000'] }, '168 primes below 1000, the greatest is 997\n'],
      ['word-count', { command: ['-l'], stdin: Buffer.from('a b\nc\n') }, '2\n'],
      [
        'word-count',
        { command: ['-lw', '/in/x'], inputs: [{ target: '/in/x', content: 'a b\nc\n' }], outputs: ['/out'] },
        '2 3 /in/x\n',
      ],
    ]
    for (const [name, behaviour, expected] of cases) {
      const source = join(EXAMPLES_DIR, `${name}.wasm`)
      const { size } = await stat(source)
      assert.ok(size < 100_000, `${name}.wasm has ${size} bytes`)
      for (const used of [{ source, ...(await digestFile({ file: source })) }, built.get(name)]) {
        assert.ok(used)
        const { stdout, files } = await runBehaviour(
          { executor, task: (program, base) => ({ ...base, runtime: 'wasm', name: program, module: used }) },
          { name, program: name, expected: { outcome: { kind: 'exited', code: 0 } }, ...behaviour },
        )
        assert.equal(stdout.toString(), expected)
        if (behaviour.outputs)
          assert.equal(files['/out/counts.json']?.toString(), '{"lines": 2, "words": 3, "bytes": 6}\n')
      }
    }
  })

  it('says when it starts, once, before the first output', async () => {
    const stdout = collector()
    const seen: string[] = []
    void stdout.firstLine.then(() => seen.push('output'))
    await executor.run(await job('streams', { stdout: stdout.stream, onStarted: () => seen.push('started') }))
    assert.deepEqual(seen, ['started', 'output'])
  })
})
