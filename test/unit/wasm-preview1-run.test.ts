import assert from 'node:assert/strict'
import { VIRTUAL_START_NS } from '../../src/executors/wasm/host/clocks.ts'
import { ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import { Quota } from '../../src/executors/wasm/host/quota.ts'
import {
  HostFault,
  runPreview1,
  type Preview1Options,
  type Preview1Run,
} from '../../src/executors/wasm/host/run-preview1.ts'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import { compileModule } from '../../src/executors/wasm/module/compile.ts'
import { rewriteModule } from '../../src/executors/wasm/module/rewrite.ts'
import { VALUE } from '../../src/executors/wasm/module/types.ts'
import { wasmModule } from '../fixtures/wasm-module.ts'

const PREVIEW1 = 'wasi_snapshot_preview1'
const SEED = '7'.repeat(64)
const MEMORY_BYTES = 1024 * 1024
const DETERMINISTIC = { seed: SEED, depthBytes: 100_000 }
/** Function indices of what the modules import. */
const CALL = { yield: 0, exit: 1, clock: 2, random: 3, write: 4 } as const
const call = (index: number): number[] => [0x10, index]
const i32 = (value: number): number[] => [0x41, value]
const DROP = 0x1a
const END = 0x0b

/** A module whose `_start` is `body`. */
function moduleOf(...body: readonly (readonly number[])[]): Uint8Array {
  const { i32: int, i64: long } = VALUE
  const imports = ['sched_yield', 'proc_exit', 'clock_time_get', 'random_get', 'fd_write']
  return wasmModule({
    types: [
      [[], [int]],
      [[int], []],
      [[int, long, int], [int]],
      [[int, int], [int]],
      [[int, int, int, int], [int]],
    ],
    imports: imports.map((name, index) => ({ module: PREVIEW1, name, description: [0, index + 1] })),
    bodies: [[0, ...body.flat(), END]],
  })
}

interface Ran extends Preview1Run {
  readonly stdout: string
}

function run(module: Uint8Array, options: Partial<Preview1Options> & { readonly metered?: boolean } = {}): Ran {
  const { metered = false, deterministic } = options
  const { bytes, ...facts } = rewriteModule(inspectModule(module), {
    fuel: metered,
    deterministic: deterministic !== undefined,
    meters: 'own',
  })
  const chunks: Uint8Array[] = []
  const ran = runPreview1({
    module: compileModule(bytes, { optimise: false }),
    facts,
    memoryBytes: MEMORY_BYTES,
    args: ['test'],
    env: {},
    openFileSystem: (budget, clock) => {
      const quota = new Quota({ memoryBytes: MEMORY_BYTES, diskBytes: 0, inodes: 0, openFiles: 8 }, budget)
      return { fileSystem: new FileSystem(quota, clock), quota }
    },
    streams: {
      port: { read: () => 0, write: (_kind, content) => void chunks.push(content.slice()) },
      outputBytes: 1000,
    },
    onStarting: () => {},
    onMemory: () => {},
    ...options,
  })
  return { ...ran, stdout: Buffer.concat(chunks).toString('hex') }
}

/** Puts the time at 0 and random numbers at 8, and writes both, by an iovec at 32. */
const TELL = moduleOf(
  [...i32(0), 0x42, 0, ...i32(0), ...call(CALL.clock), DROP],
  [...i32(8), ...i32(8), ...call(CALL.random), DROP],
  [...i32(32), ...i32(0), 0x36, 2, 0, ...i32(36), ...i32(16), 0x36, 2, 0],
  [...i32(1), ...i32(32), ...i32(1), ...i32(40), ...call(CALL.write), DROP],
)

describe('a run of preview 1', () => {
  it('says how the guest ended', () => {
    assert.deepEqual(run(moduleOf()).end, { kind: 'exited', code: 0 })
    assert.deepEqual(run(moduleOf([...i32(7), ...call(CALL.exit)])).end, { kind: 'exited', code: 7 })
    assert.deepEqual(run(moduleOf([0x00])).end, { kind: 'trapped', trap: 'unreachable' })
  })

  it('ends a guest whose fuel is gone at its next call of the host, before the call does anything', () => {
    const spend = Array.from({ length: 20 }, () => [0x41, 0, DROP]).flat()
    const says = moduleOf([...spend, ...call(CALL.yield), DROP, ...i32(9), ...call(CALL.exit)])
    const enough = run(says, { metered: true, fuel: 1000 })
    assert.deepEqual(enough.end, { kind: 'exited', code: 9 })
    assert.ok(enough.fuelUsed !== undefined && enough.fuelUsed > 40 && enough.fuelUsed < 60)
    const exact = run(says, { metered: true, fuel: enough.fuelUsed })
    assert.deepEqual([exact.end, exact.fuelUsed], [{ kind: 'exited', code: 9 }, enough.fuelUsed])
    const short = run(says, { metered: true, fuel: enough.fuelUsed - 1 })
    assert.deepEqual([short.end, short.fuelUsed], [{ kind: 'fuel' }, enough.fuelUsed - 1])
    assert.equal(run(says, { metered: true }).fuelUsed, enough.fuelUsed, 'without a limit it is counted all the same')
    assert.equal(run(says).fuelUsed, undefined)
  })

  it('is the same each time where it is deterministic, and follows from the seed', () => {
    const one = run(TELL, { deterministic: DETERMINISTIC, metered: true })
    const again = run(TELL, { deterministic: DETERMINISTIC, metered: true })
    assert.deepEqual([again.stdout, again.fuelUsed], [one.stdout, one.fuelUsed])
    const startNs = Buffer.from(one.stdout, 'hex').readBigUInt64LE(0)
    assert.ok(startNs > VIRTUAL_START_NS && startNs < VIRTUAL_START_NS + 1_000_000n)
    const other = run(TELL, { deterministic: { ...DETERMINISTIC, seed: '8'.repeat(64) }, metered: true })
    assert.notEqual(other.stdout, one.stdout)
    assert.equal(other.stdout.slice(0, 16), one.stdout.slice(0, 16), 'the time does not follow from the seed')
    assert.notEqual(run(TELL).stdout, one.stdout)
  })

  it('gives ENOMEM where this process has no room for a file; a deterministic run is then no result', () => {
    const options = {
      onMemory: () => {
        throw new RangeError('Array buffer allocation failed')
      },
    }
    const yields = moduleOf([...call(CALL.yield), ...call(CALL.exit)])
    assert.deepEqual(run(yields, options).end, { kind: 'exited', code: ERRNO.nomem })
    assert.throws(() => run(yields, { ...options, deterministic: DETERMINISTIC, metered: true }), HostFault)
  })
})
