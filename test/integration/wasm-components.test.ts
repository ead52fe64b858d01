import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { StopReason, type Executor, type Job, type WasmTask } from '../../src/executors/executor.ts'
import { createTranspiler } from '../../src/executors/wasm/component/transpiler.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { createProcessRecords } from '../../src/executors/wasm/records.ts'
import { createConfinement } from '../../src/native/confinement.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { adaptedComponent, command, componentOf, javascriptComponent } from '../fixtures/wasm-component.ts'

/** A big component is transpiled in seconds, on a machine that does other things too. */
const PATIENT_MS = 240_000

describe('components in the WebAssembly executor', function () {
  this.timeout(PATIENT_MS * 2)
  let dir: string
  let executor: Executor<WasmTask>
  let launcher: TestLauncher

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-wasm-components-'))
    launcher = await startNativeLauncher()
    const hello = await launcher.launcher.hello()
    const confinement = createConfinement({ launcher: launcher.launcher, hello, uid: 65_534, gid: 65_534 })
    const instanceDir = join(dir, 'instance')
    executor = createWasmExecutor({ instanceDir, prewarm: 1, compileTimeoutMs: PATIENT_MS, confinement })
  })
  after(async () => {
    await executor.close()
    await launcher.launcher.close()
    assert.deepEqual(await launcher.leftovers(), [])
    await launcher.remove()
    await rm(dir, { recursive: true })
  })

  async function run(
    source: string,
    {
      task = {},
      limits = {},
      on = executor,
      ...changes
    }: {
      readonly task?: Partial<WasmTask>
      readonly limits?: Partial<Limits>
      readonly on?: Executor<WasmTask>
      readonly stdin?: Readable
      readonly signal?: AbortSignal
    } = {},
  ): Promise<Execution & { readonly stdout: string; readonly stderr: string; readonly jobDir: string }> {
    const [stdout, stderr] = [collector(), collector()]
    const jobDir = await mkdtemp(join(dir, 'job-'))
    const content = await readFile(source)
    const module = { source, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
    const job: Job<WasmTask> = {
      task: { runtime: 'wasm', name: 'program', module, command: [], env: {}, inputs: [], outputs: [], ...task },
      limits: { ...ROOMY_LIMITS, ...limits },
      dir: jobDir,
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      signal: new AbortController().signal,
      onStarted: () => {},
      ...changes,
    }
    const execution = await on.run(job)
    return { ...execution, stdout: stdout.content().toString(), stderr: stderr.content().toString(), jobDir }
  }

  async function componentFile(bytes: Uint8Array): Promise<string> {
    const file = join(await mkdtemp(join(dir, 'made-')), 'component.wasm')
    await writeFile(file, bytes)
    return file
  }

  async function refused(source: string, reason: RegExp, name?: string, on = executor): Promise<void> {
    await assert.rejects(run(source, { on }), (error) => {
      assert.ok(isSoukError(error, 'MODULE_REFUSED'), String(error))
      assert.match(error.details.reason, reason)
      assert.equal(error.details.name, name)
      return true
    })
  }

  it('runs one that was written in JavaScript: input, output, streams, exit code', async () => {
    const input = join(dir, 'text')
    await writeFile(input, 'zażółć')
    const { outcome, stdout, stderr, outputs, usage } = await run(await javascriptComponent('copy'), {
      task: {
        command: ['7'],
        env: { ['__proto__']: 'a name', KEY: 'value' },
        inputs: [{ source: input, target: '/in/text', bytes: Buffer.byteLength('zażółć') }],
        outputs: [{ path: '/out' }],
      },
      stdin: Readable.from(['said']),
    })
    assert.deepEqual(outcome, { kind: 'exited', code: 7 })
    assert.equal(stdout, 'said __proto__=a name,KEY=value true\n')
    assert.equal(stderr, 'done\n')
    assert.deepEqual(
      outputs.map(({ path }) => path),
      ['/out/text'],
    )
    assert.ok(usage.memoryPeakBytes > 1_000_000)
  })

  it('runs the same where there is no native sandbox', async () => {
    const bare = createWasmExecutor({ instanceDir: join(dir, 'bare'), prewarm: 0, compileTimeoutMs: PATIENT_MS })
    try {
      const { outcome, stdout, isolation } = await run(await adaptedComponent('args'), {
        task: { command: ['one'] },
        on: bare,
      })
      assert.deepEqual([outcome, isolation.missing.includes('native-sandbox')], [{ kind: 'exited', code: 0 }, true])
      assert.match(stdout, /one/)
    } finally {
      await bare.close()
    }
  })

  it('runs C programs that were built for preview 1, through an adapter', async () => {
    const args = await run(await adaptedComponent('args'), { task: { command: ['one', 'two words'] } })
    assert.deepEqual(args.outcome, { kind: 'exited', code: 0 })
    assert.match(args.stdout, /two words/)
    const cat = await run(await adaptedComponent('cat'), { stdin: Readable.from(['through ', 'and through']) })
    assert.equal(cat.stdout, 'through and through')
    const written = await run(await adaptedComponent('write-outputs'), {
      task: { command: ['/out'], outputs: [{ path: '/out' }] },
    })
    assert.deepEqual(written.outcome, { kind: 'exited', code: 0 })
    assert.ok(written.outputs.length > 0 && written.outputs.every((output) => !('error' in output)))
    // The adapter says only whether it failed.
    assert.deepEqual((await run(await adaptedComponent('exit-code'), { task: { command: ['42'] } })).outcome, {
      kind: 'exited',
      code: 1,
    })
  })

  it('holds one to the limits of any task', async () => {
    const spin = await run(await adaptedComponent('spin'), { limits: { cpuTimeMs: 500 } })
    assert.deepEqual(spin.outcome, { kind: 'limit', limit: 'cpuTime' })
    const flood = await run(await adaptedComponent('flood'), { limits: { outputBytes: 10_000 } })
    assert.deepEqual(flood.outcome, { kind: 'limit', limit: 'output' })
    assert.equal(flood.stdout.length + flood.stderr.length, 10_000)
    const memory = await run(await adaptedComponent('memory'), { limits: { memoryBytes: 16 * 1024 * 1024 } })
    assert.ok(memory.usage.limitsHit.includes('memory'))
    assert.ok(memory.usage.memoryPeakBytes <= 16 * 1024 * 1024)
  })

  it('refuses by name what it cannot run, before it starts', async () => {
    const importing = async (name: string): Promise<string> =>
      componentFile(await componentOf(command({ imports: `(import "${name}" (instance))` })))
    await refused(await importing('wasi:sockets/network@0.2.0'), /no network/, 'wasi:sockets')
    await refused(await importing('wasi:http/types@0.2.0'), /no network/, 'wasi:http')
    await refused(
      await componentFile(await componentOf(command({ version: '0.3.0' }))),
      /another version/,
      'wasi:cli/run@0.3.0',
    )
    const whole = await componentOf(command({}))
    await refused(await componentFile(whole.subarray(0, 8)), /no command/, 'wasi:cli/run')
    await refused(await componentFile(whole.subarray(0, whole.length - 5)), /malformed/)
    const invalid = await componentOf(command({ body: 'i32.const 1234567' }))
    // What the function loads becomes an addition of nothing.
    await refused(
      await componentFile(invalid.with(Buffer.from(invalid).indexOf(Buffer.from([0x41, 0x87, 0xad])), 0x6a)),
      /transpiled|valid/,
    )
  })

  it('gives up on one that takes too long, and leaves no process and no file of it', async () => {
    const hasty = createWasmExecutor({ instanceDir: join(dir, 'hasty'), prewarm: 0, compileTimeoutMs: 1 })
    try {
      await refused(await javascriptComponent('copy'), /takes longer than 1 ms/, undefined, hasty)
    } finally {
      await hasty.close()
    }
    assert.deepEqual(
      (await readdir(join(dir, 'hasty'))).filter((name) => /^\d+$/.test(name)),
      [],
    )
  })

  it('takes none where the operator has chosen a host that knows none, and says so', async () => {
    const features = async (of: Executor<WasmTask>): Promise<readonly string[]> => {
      const capability = await of.probe(new AbortController().signal)
      assert.ok(capability.available)
      return capability.features
    }
    const other = createWasmExecutor({ instanceDir: join(dir, 'other'), prewarm: 0, host: 'wasmer' })
    try {
      await refused(await adaptedComponent('args'), /chosen a host/, 'component', other)
      assert.ok(!(await features(other)).includes('component'))
    } finally {
      await other.close()
    }
    assert.ok((await features(executor)).includes('component'))
  })

  it('transpiles one once for all who wait for it, one after the other, and remembers what it refused', async () => {
    const processes = createProcessRecords(join(dir, 'instance'))
    let [started, most, running] = [0, 0, 0]
    const transpiler = createTranspiler({
      timeoutMs: PATIENT_MS,
      records: {
        ...processes,
        add(pid) {
          started += 1
          most = Math.max(most, (running += 1))
          processes.add(pid)
        },
        remove(pid) {
          running -= 1
          processes.remove(pid)
        },
      },
    })
    const request = async (key: string, source: string, signal = new AbortController().signal) =>
      transpiler.transpile({
        key,
        component: { source, bytes: (await stat(source)).size },
        meters: { fuel: false, deterministic: false },
        signal,
      })
    const [args, cat] = [await adaptedComponent('args'), await adaptedComponent('cat')]
    const leaving = new AbortController()
    const gone = assert.rejects(request('args', args, leaving.signal), /gone/)
    const both = [request('args', args), request('args', args), request('cat', cat)]
    setTimeout(() => leaving.abort(new Error('gone')), 100)
    const [one, other, third] = await Promise.all(both)
    await gone
    assert.equal(one, other)
    assert.notDeepEqual(one, third)
    assert.deepEqual([started, most], [2, 1])

    const sockets = await componentFile(await componentOf('(component (import "wasi:sockets/tcp@0.2.0" (instance)))'))
    for (let attempt = 0; attempt < 3; attempt++)
      await assert.rejects(request('sockets', sockets), (error) => isSoukError(error, 'MODULE_REFUSED'))
    assert.deepEqual([started, running], [3, 0])

    // Nobody waits any more: it is given up, and the next who asks begins anew.
    const only = new AbortController()
    const given = assert.rejects(request('late', args, only.signal), /enough/)
    setTimeout(() => only.abort(new Error('enough')), 100)
    await given
    assert.ok((await request('late', args)).length > 0)
    assert.equal(running, 0)
  })

  it('stops while one is being transpiled when it is asked to', async () => {
    const stop = new AbortController()
    // With a section of its own it is another component: what came of the first is known by now.
    const component = Buffer.concat([await readFile(await javascriptComponent('copy')), Buffer.of(0, 2, 1, 0x61)])
    const running = run(await componentFile(component), { signal: stop.signal })
    setTimeout(() => stop.abort(new StopReason('cancelled')), 300)
    await assert.rejects(running, (error) => isSoukError(error, 'CANCELLED'))
  })

  it("ends a task that fills the sandbox's own heap as one that met its limit on memory", async () => {
    const imports = `(import "wasi:io/poll@0.2.0" (instance $poll
      (export "pollable" (type $pollable (sub resource)))
      (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))`
    const source = await componentFile(
      await componentOf(
        command({
          imports,
          lowered: { poll: '(func $poll "poll")' },
          core: '(import "host" "poll" (func $poll (param i32 i32 i32)))',
          // A hundred million handles: four bytes each to the guest, and an object each to its host.
          body: `(drop (memory.grow (i32.const 7600)))
            (call $poll (i32.const 65536) (i32.const 100000000) (i32.const 64)) i32.const 0`,
        }),
      ),
    )
    const { outcome, usage } = await run(source, { limits: { memoryBytes: 1024 ** 3 } })
    assert.deepEqual(outcome, { kind: 'limit', limit: 'memory' })
    assert.deepEqual(usage.limitsHit, ['memory'])
    // And the next one finds everything as it was.
    assert.deepEqual((await run(await adaptedComponent('args'))).outcome, { kind: 'exited', code: 0 })
  })
})
