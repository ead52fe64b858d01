import assert from 'node:assert/strict'
import type { Execution } from '../../../src/protocol/execution.ts'
import { isSoukError } from '../../../src/protocol/errors.ts'
import { createConfinement } from '../../../src/native/confinement.ts'
import { startNativeLauncher, type TestLauncher } from '../../fixtures/native-launcher.ts'
import { command, componentOf, type CommandParts } from '../../fixtures/wasm-component.ts'
import { attackedSandbox, type AttackedSandbox, type Attack } from './sandbox.ts'

const STDOUT = `(import "wasi:io/streams@0.2.0" (instance $streams (export "output-stream" (type $stream (sub resource)))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $outer)) (export "output-stream" (type $os (eq $outer)))
    (export "get-stdout" (func (result (own $os))))))`
const CLOCK = `(import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))`
const RANDOM = `(import "wasi:random/random@0.2.0" (instance $random (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))`
const forever = (body: string): string => `(loop $again ${body} (br $again)) i32.const 0`

interface ComponentAttack extends Attack {
  readonly name: string
  readonly tries: CommandParts
  readonly outcome: Execution['outcome']
  readonly limitsHit?: Execution['usage']['limitsHit']
}

const ATTACKS: readonly ComponentAttack[] = [
  {
    name: 'handles taken without end and never dropped',
    tries: {
      imports: STDOUT,
      lowered: { get: '(func $stdout "get-stdout")' },
      core: '(import "host" "get" (func $get (result i32)))',
      body: forever('(drop (call $get))'),
    },
    outcome: { kind: 'trapped', trap: 'other' },
    limitsHit: ['openFiles'],
  },
  {
    name: 'calls of the host without end, with a limit on fuel',
    tries: {
      imports: CLOCK,
      lowered: { now: '(func $clock "now")' },
      core: '(import "host" "now" (func $now (result i64)))',
      body: forever('(drop (call $now))'),
    },
    limits: { fuel: 100_000 },
    outcome: { kind: 'limit', limit: 'fuel' },
    limitsHit: ['fuel'],
  },
  {
    name: 'a loop without end in a core module',
    tries: { body: forever('') },
    limits: { cpuTimeMs: 50 },
    outcome: { kind: 'limit', limit: 'cpuTime' },
    limitsHit: ['cpuTime'],
  },
  {
    name: 'memory.grow without end',
    tries: { body: `(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) i32.const 0` },
    outcome: { kind: 'exited', code: 0 },
    limitsHit: ['memory'],
  },
  {
    name: 'recursion without end between guest and host',
    tries: {
      imports: CLOCK,
      lowered: { now: '(func $clock "now")' },
      core: '(import "host" "now" (func $now (result i64))) (func $deeper (drop (call $now)) (call $deeper))',
      body: '(call $deeper) i32.const 0',
    },
    outcome: { kind: 'trapped', trap: 'stackOverflow' },
  },
  {
    name: 'four gigabytes of random numbers as a list',
    tries: {
      imports: RANDOM,
      lowered: { bytes: '(func $random "get-random-bytes")' },
      core: '(import "host" "bytes" (func $bytes (param i64 i32)))',
      body: '(call $bytes (i64.const 4294967295) (i32.const 64)) i32.const 0',
    },
    outcome: { kind: 'trapped', trap: 'other' },
    limitsHit: ['memory'],
  },
]

/** What the rules of components add to those of modules, in the sandbox that a node runs them in. */
describe('escape: components', function () {
  this.timeout(120_000)
  let launcher: TestLauncher
  let sandbox: AttackedSandbox

  before(async () => {
    launcher = await startNativeLauncher()
    const hello = await launcher.launcher.hello()
    const confinement = createConfinement({ launcher: launcher.launcher, hello, uid: 65_534, gid: 65_534 })
    sandbox = await attackedSandbox({ confinement, prewarm: 2 })
  })
  after(async () => {
    await sandbox.close()
    await launcher.launcher.close()
    assert.deepEqual(await launcher.leftovers(), [])
    await launcher.remove()
  })
  afterEach(() => sandbox.assertUnharmed())

  for (const { name, tries, outcome, limitsHit = [], ...attack } of ATTACKS) {
    it(name, async () => {
      const { execution } = await sandbox.module(await componentOf(command(tries)), attack)
      assert.deepEqual([execution.outcome, execution.usage.limitsHit], [outcome, limitsHit])
    })
  }

  it('refused: types of which each is a pair of the one before', async () => {
    const types = Array.from({ length: 60 }, (_, index) =>
      index === 0 ? '(type $t0 (tuple u8 u8))' : `(type $t${index} (tuple $t${index - 1} $t${index - 1}))`,
    )
    const bomb = await componentOf(`(component ${types.join('\n')})`)
    await assert.rejects(sandbox.module(bomb), (error) => isSoukError(error, 'MODULE_REFUSED'))
  })

  it('refused: a component in a component in a component, and so on', async () => {
    const nested = await componentOf(`${'(component '.repeat(30)}${')'.repeat(30)}`)
    await assert.rejects(sandbox.module(nested), (error) => isSoukError(error, 'MODULE_REFUSED'))
  })
})
