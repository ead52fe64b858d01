import assert from 'node:assert/strict'
import { encodeBundle, decodeBundle } from '../../src/executors/wasm/component/bundle.ts'
import {
  prepareComponent,
  runComponent,
  type ComponentOptions,
} from '../../src/executors/wasm/component/run-component.ts'
import { loadTranspiler, transpile } from '../../src/executors/wasm/component/transpile.ts'
import { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import { Quota } from '../../src/executors/wasm/host/quota.ts'
import { HostFault, type Preview1Run } from '../../src/executors/wasm/host/run-preview1.ts'
import { depthOf } from '../../src/executors/wasm/module/meters.ts'
import { ModuleRefused } from '../../src/executors/wasm/module/reader.ts'
import { DEFAULT_STACK_BYTES } from '../../src/executors/wasm/sandbox-process.ts'
import { command, componentOf, type CommandParts } from '../fixtures/wasm-component.ts'

const EXIT = '(import "wasi:cli/exit@0.2.0" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))'
const STDOUT = `
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $e))
    (export "error" (type $error (eq $e)))
    (export "output-stream" (type $stream (sub resource)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $named (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $named)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $s))
    (export "output-stream" (type $own (eq $s)))
    (export "get-stdout" (func (result (own $own))))))`

const STACK_OVERFLOW = { kind: 'trapped', trap: 'stackOverflow' } as const

describe('running a component', function () {
  this.timeout(60_000)
  before(async () => {
    await loadTranspiler()
  })

  async function run(
    parts: CommandParts,
    {
      meters = { fuel: false, deterministic: false },
      ...changes
    }: Partial<ComponentOptions> & {
      readonly meters?: { readonly fuel: boolean; readonly deterministic: boolean }
    } = {},
  ): Promise<Preview1Run> {
    const bundle = decodeBundle(encodeBundle(transpile(await componentOf(command(parts)), meters)))
    return runNow({ prepared: prepareComponent(bundle, { optimise: false }), ...changes })
  }

  function runNow(options: Partial<ComponentOptions> & Pick<ComponentOptions, 'prepared'>): Preview1Run {
    const limits = { memoryBytes: 4 * 65_536, diskBytes: 1000, inodes: 10, openFiles: 10 }
    return runComponent({
      memoryBytes: limits.memoryBytes,
      args: ['guest'],
      env: {},
      workdir: '/',
      openFileSystem: (budget, clock) => {
        const quota = new Quota(limits, budget)
        return { quota, fileSystem: new FileSystem(quota, clock) }
      },
      streams: { port: { read: () => 0, write: () => {} }, outputBytes: 10 },
      onStarting: () => {},
      onMemory: () => {},
      ...options,
    })
  }

  it('ends with 0 where run says ok, 1 where it says err, and otherwise with the code that it exits with', async () => {
    assert.deepEqual((await run({})).end, { kind: 'exited', code: 0 })
    assert.deepEqual((await run({ body: 'i32.const 1' })).end, { kind: 'exited', code: 1 })
    const exit = { imports: EXIT, lowered: { exit: '(func $exit "exit-with-code")' } }
    const core = '(import "host" "exit" (func $exit (param i32)))'
    const { end } = await run({ ...exit, core, body: '(call $exit (i32.const 42)) unreachable' })
    assert.deepEqual(end, { kind: 'exited', code: 42 })
  })

  it('names traps as those of a core module', async () => {
    const traps = {
      unreachable: 'unreachable',
      divideByZero: '(i32.div_u (i32.const 1) (i32.const 0))',
      integerOverflow: '(i32.div_s (i32.const 0x80000000) (i32.const -1))',
      invalidConversion: '(i32.trunc_f32_s (f32.const nan))',
      memoryOutOfBounds: '(i32.load (i32.const -1))',
    }
    for (const [trap, body] of Object.entries(traps))
      assert.deepEqual((await run({ body })).end, { kind: 'trapped', trap })
    const core = '(func $deeper (call $deeper))'
    assert.deepEqual((await run({ core, body: '(call $deeper) i32.const 0' })).end, {
      kind: 'trapped',
      trap: 'stackOverflow',
    })
    // A discriminant that `result` does not have: against the component model's rules.
    assert.deepEqual((await run({ body: 'i32.const 7' })).end, { kind: 'trapped', trap: 'other' })
  })

  it('counts the memory of all core modules together, and grows them within what is left', async () => {
    const { end, quota } = await run({ body: '(i32.eq (memory.grow (i32.const 3)) (i32.const -1))' })
    assert.deepEqual(end, { kind: 'exited', code: 0 })
    assert.equal(quota.memoryPeakBytes, 4 * 65_536)
    const refused = await run({ body: '(i32.ne (memory.grow (i32.const 4)) (i32.const -1))' })
    assert.deepEqual(refused.end, { kind: 'exited', code: 0 })
    assert.ok(refused.quota.hit.has('memory'))
    const table = await run({
      core: '(table $t 1 funcref)',
      body: '(i32.ne (table.grow $t (ref.null func) (i32.const 1000000)) (i32.const -1))',
    })
    assert.deepEqual(table.end, { kind: 'exited', code: 0 })
    assert.ok(table.quota.hit.has('memory'))
    const tooLarge = await run({}, { memoryBytes: 1000 })
    assert.deepEqual(tooLarge.end, { kind: 'trapped', trap: 'other' })
    assert.ok(tooLarge.quota.hit.has('memory'))
  })

  it('counts fuel over all core modules, and ends a component that has used it up', async () => {
    const metered = { meters: { fuel: true, deterministic: false } }
    const body =
      '(local $i i32) (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))) i32.const 0'
    const first = await run({ body }, metered)
    assert.ok(first.fuelUsed !== undefined && first.fuelUsed > 7000 && first.fuelUsed < 10_000)
    assert.equal((await run({ body }, metered)).fuelUsed, first.fuelUsed)
    const exact = await run({ body }, { ...metered, fuel: first.fuelUsed })
    assert.deepEqual([exact.end, exact.fuelUsed], [{ kind: 'exited', code: 0 }, first.fuelUsed])
    const short = await run({ body }, { ...metered, fuel: first.fuelUsed - 1 })
    assert.deepEqual([short.end, short.fuelUsed], [{ kind: 'fuel' }, first.fuelUsed - 1])
    const endless = await run({ body: '(loop $again (br $again)) unreachable' }, { ...metered, fuel: 100_000 })
    assert.deepEqual([endless.end, endless.fuelUsed], [{ kind: 'fuel' }, 100_000])
    assert.equal((await run({ body })).fuelUsed, undefined)
  })

  it('ends a deterministic component at the same depth everywhere', async () => {
    const deterministic = {
      meters: { fuel: true, deterministic: true },
      deterministic: { seed: '00'.repeat(32), depthBytes: 65_536 },
    }
    const core = '(func $deeper (call $deeper))'
    const ends = [
      await run({ core, body: '(call $deeper) i32.const 0' }, deterministic),
      await run({ core, body: '(call $deeper) i32.const 0' }, deterministic),
    ]
    for (const { end } of ends) assert.deepEqual(end, { kind: 'trapped', trap: 'stackOverflow' })
    assert.equal(ends[0]?.fuelUsed, ends[1]?.fuelUsed)
  })

  it('counts the generated JavaScript as depth where that calls the component again', async () => {
    const imports = `
      (core module $destroy
        (type $one (func (param i32)))
        (table (export "table") 1 funcref)
        (func (export "destroy") (param i32) (call_indirect (type $one) (local.get 0) (i32.const 0))))
      (core instance $destroy (instantiate $destroy))
      (type $thing (resource (rep i32) (dtor (core func $destroy "destroy"))))
      (core func $drop (canon resource.drop $thing))
      (core func $new (canon resource.new $thing))
      (core module $link
        (import "h" "new" (func $new (param i32) (result i32)))
        (import "h" "drop" (func $drop (param i32)))
        (import "d" "table" (table 1 funcref))
        (func $deeper (param i32)
          (if (local.get 0) (then (call $drop (call $new (i32.sub (local.get 0) (i32.const 1)))))))
        (elem (i32.const 0) $deeper))
      (core instance $h (export "new" (func $new)) (export "drop" (func $drop)))
      (core instance (instantiate $link (with "h" (instance $h)) (with "d" (instance $destroy))))`
    const parts = (count: number): CommandParts => ({
      imports,
      lowered: { start: 'canon resource.new $thing', end: 'canon resource.drop $thing' },
      core: '(import "host" "start" (func $start (param i32) (result i32))) (import "host" "end" (func $end (param i32)))',
      body: `(call $end (call $start (i32.const ${count}))) i32.const 0`,
    })
    const deterministic = {
      meters: { fuel: true, deterministic: true },
      deterministic: { seed: '00'.repeat(32), depthBytes: depthOf(DEFAULT_STACK_BYTES) },
    }
    assert.deepEqual((await run(parts(50), deterministic)).end, { kind: 'exited', code: 0 })
    const bundle = transpile(await componentOf(command(parts(1_000_000))), deterministic.meters)
    const prepared = prepareComponent(bundle, { optimise: false })
    const below = (frames: number): Preview1Run =>
      frames === 0 ? runNow({ prepared, deterministic: deterministic.deterministic }) : below(frames - 1)
    const [one, other] = [below(0), below(700)]
    assert.deepEqual([one.end, other.end], [STACK_OVERFLOW, STACK_OVERFLOW])
    assert.equal(one.fuelUsed, other.fuelUsed)
  })

  it('is the host’s fault where the engine refuses a deterministic component what it still has a budget for', async () => {
    // (global.set $refused (i32.const 2)) unreachable, which is what growing becomes.
    const module = new WebAssembly.Module(
      Buffer.from(
        '0061736d0100000001040160000002110104736f756b0772656675736564037f010302010007050101660000' +
          '0a0901070041022400000b',
        'hex',
      ),
    )
    const refused = run(
      {},
      {
        prepared: {
          instantiate: (core, _imports, instantiateCore) => ({
            entry: { run: instantiateCore(core('grower')).exports['f'] },
          }),
          entry: 'entry',
          metered: true,
          modules: [{ name: 'grower', module, initialBytes: 0, startExport: undefined }],
          initialBytes: 0,
        },
        deterministic: { seed: '00'.repeat(32), depthBytes: 65_536 },
      },
    )
    await assert.rejects(refused, HostFault)
  })

  it('runs start functions within the limits', async () => {
    const core = '(func $spin (loop $again (br $again))) (start $spin)'
    const { end } = await run({ core }, { meters: { fuel: true, deterministic: false }, fuel: 1000 })
    assert.deepEqual(end, { kind: 'fuel' })
    const trapping = await run({ core: '(func $no unreachable) (start $no)' })
    assert.deepEqual(trapping.end, { kind: 'trapped', trap: 'unreachable' })
  })

  it('ends a component that writes more than it may', async () => {
    const { end } = await run({
      imports: STDOUT,
      lowered: {
        get: '(func $stdout "get-stdout")',
        write: '(func $streams "[method]output-stream.blocking-write-and-flush")',
      },
      core: '(import "host" "get" (func $get (result i32))) (import "host" "write" (func $write (param i32 i32 i32 i32)))',
      body: '(call $write (call $get) (i32.const 0) (i32.const 11) (i32.const 64)) i32.const 0',
    })
    assert.deepEqual(end, { kind: 'output' })
  })

  it('traps where a handle is not one, or memory that is passed is not there', async () => {
    const writing = (stream: string, length: number): CommandParts => ({
      imports: STDOUT,
      lowered: {
        get: '(func $stdout "get-stdout")',
        write: '(func $streams "[method]output-stream.blocking-write-and-flush")',
        drop: 'canon resource.drop $stream',
      },
      core: '(import "host" "get" (func $get (result i32))) (import "host" "write" (func $write (param i32 i32 i32 i32))) (import "host" "drop" (func $drop (param i32)))',
      body: `(local $s i32) (local.set $s (call $get)) ${stream} (call $write (local.get $s) (i32.const 0) (i32.const ${length}) (i32.const 64)) i32.const 0`,
    })
    assert.deepEqual((await run(writing('', 3))).end, { kind: 'exited', code: 0 })
    for (const wrong of [
      '(call $drop (local.get $s))',
      '(local.set $s (i32.const 77))',
      '(local.set $s (i32.const -1))',
      '(local.set $s (i32.const 0))',
    ])
      assert.deepEqual((await run(writing(wrong, 3))).end, { kind: 'trapped', trap: 'other' }, wrong)
    // The generated JavaScript passes on what there is of it.
    for (const length of [65_537, -1, 0x7fff_ffff])
      assert.match((await run(writing('', length))).end.kind, /^(?:trapped|output)$/, String(length))
  })

  it('gives back what handles hold: none is kept once it is dropped', async () => {
    const { end } = await run({
      imports: STDOUT,
      lowered: { get: '(func $stdout "get-stdout")', drop: 'canon resource.drop $stream' },
      core: '(import "host" "get" (func $get (result i32))) (import "host" "drop" (func $drop (param i32)))',
      body: '(local $i i32) (loop $again (call $drop (call $get)) (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40000)))) i32.const 0',
    })
    assert.deepEqual(end, { kind: 'exited', code: 0 })
    const bundle = transpile(
      await componentOf(
        command({
          imports: STDOUT,
          lowered: { get: '(func $stdout "get-stdout")' },
          core: '(import "host" "get" (func (result i32)))',
        }),
      ),
      { fuel: false, deterministic: false },
    )
    assert.doesNotMatch(bundle.javascript, /_createdReps\.add/)
  })

  it('refuses core modules that mean the meters, use what souk does not run, or have unusual names', async () => {
    const refused = async (text: string, subject: string): Promise<void> => {
      const component = await componentOf(text)
      assert.throws(
        () => transpile(component, { fuel: true, deterministic: false }),
        (error) => error instanceof ModuleRefused && (assert.equal(error.subject, subject, error.message), true),
      )
    }
    const withCore = (more: string): string => command({}).replace('(type $result', `${more} (type $result`)
    await refused(
      withCore(
        '(core module $a (global (export "fuel") (mut i64) (i64.const 9))) (core instance $a (instantiate $a)) (core module $b (import "souk" "fuel" (global (mut i64)))) (core instance (instantiate $b (with "souk" (instance $a))))',
      ),
      'souk',
    )
    const quoting = `(core module $a (func (export "a'b"))) (core instance $a (instantiate $a)) (core module $b (import "x" "a'b" (func))) (core instance (instantiate $b (with "x" (instance $a))))`
    await refused(withCore(quoting), 'names')
    await refused(withCore('(core module $a (memory 1 1 shared)) (core instance (instantiate $a))'), 'threads')
    await refused(
      withCore('(core module $a (func (drop (i32.const 0))) (memory i64 1)) (core instance (instantiate $a))'),
      'memory64',
    )
  })

  it('lets the generated JavaScript see nothing of the process but what it needs', async () => {
    const bundle = transpile(await componentOf(command({})), { fuel: false, deterministic: false })
    const seen = (expression: string): unknown =>
      prepareComponent({ ...bundle, javascript: `return () => ${expression}` }, { optimise: false }).instantiate(
        () => assert.fail(),
        {},
        () => assert.fail(),
      )
    for (const name of ['process', 'require', 'fetch', 'Buffer', 'setTimeout', 'Worker', 'WebSocket'])
      assert.equal(seen(`typeof ${name}`), 'undefined', name)
    assert.deepEqual(seen('Object.keys(globalThis)'), ['WebAssembly'])
    // One of the engine's would call a destructor at some time, in the middle of another task.
    assert.doesNotMatch(String(seen('FinalizationRegistry')), /native code/)
    assert.throws(
      () => prepareComponent({ ...bundle, javascript: 'no ( function' }, { optimise: false }),
      ModuleRefused,
    )
  })
})
