import assert from 'node:assert/strict'
import { isSoukError } from '../../../src/protocol/errors.ts'
import { concat, name, section, u32 } from '../../../src/executors/wasm/module/writer.ts'
import { exported, wasmModule } from '../../fixtures/wasm-module.ts'
import { attackedSandbox, type AttackedSandbox } from './sandbox.ts'

const MiB = 1024 * 1024
const I32 = 0x7f
const PREVIEW1 = 'wasi_snapshot_preview1'
const forever = [0x03, 0x40, 0x0c, 0, 0x0b]

/** Each with the feature, import or export that the refusal has to name. */
const REFUSED: readonly (readonly [what: string, module: Uint8Array, named: string | undefined])[] = [
  [
    'an unknown import',
    wasmModule({ imports: [{ module: 'env', name: 'system', description: [0, 0] }] }),
    'env.system',
  ],
  [
    'a host call that preview 1 does not have',
    wasmModule({ imports: [{ module: PREVIEW1, name: 'sock_open', description: [0, 0] }] }),
    `${PREVIEW1}.sock_open`,
  ],
  [
    'a host call by a name of Object.prototype',
    wasmModule({ imports: [{ module: PREVIEW1, name: 'constructor', description: [0, 0] }] }),
    `${PREVIEW1}.constructor`,
  ],
  [
    'a host call with parameters of its own',
    wasmModule({ imports: [{ module: PREVIEW1, name: 'proc_exit', description: [0, 0] }] }),
    `${PREVIEW1}.proc_exit`,
  ],
  [
    'an imported memory',
    wasmModule({ imports: [{ module: PREVIEW1, name: 'memory', description: [2, 0, 1] }] }),
    `${PREVIEW1}.memory`,
  ],
  [
    'preview 0',
    wasmModule({ imports: [{ module: 'wasi_unstable', name: 'fd_close', description: [0, 0] }] }),
    'wasi_unstable.fd_close',
  ],
  ['a component', wasmModule({ version: [0x0d, 0, 1, 0] }), 'component'],
  ['a 64-bit memory', wasmModule({ memories: [[4, 1]] }), 'memory64'],
  ['a shared memory', wasmModule({ memories: [[3, 1, 2]] }), 'threads'],
  [
    'two memories',
    wasmModule({
      memories: [
        [0, 1],
        [0, 1],
      ],
    }),
    'multi-memory',
  ],
  ['an atomic instruction', wasmModule({ bodies: [[0, 0xfe, 0x03, 0, 0x0b]] }), 'threads'],
  ['a relaxed vector instruction', wasmModule({ bodies: [[0, 0xfd, 0x80, 0x02, 0x0b]] }), 'relaxed-simd'],
  ['an exception', wasmModule({ bodies: [[0, 0x08, 0, 0x0b]] }), 'exception-handling'],
  ['no memory', wasmModule({ exports: [exported('_start', 0, 0)] }), 'memory'],
  ['no _start', wasmModule({ exports: [exported('memory', 2, 0)] }), '_start'],
  [
    'a _start that is no function',
    wasmModule({ exports: [exported('memory', 2, 0), exported('_start', 2, 0)] }),
    '_start',
  ],
  ['more memory than the limit at the start', wasmModule({ memories: [[0, ...u32(2000)]] }), 'memory'],
  ['a table that is larger than memory may be', wasmModule({ tables: [[0x70, 0, ...u32(9_000_000)]] }), 'memory'],
  ['a million local variables', wasmModule({ bodies: [[1, ...u32(1_000_000), I32, 0x0b]] }), undefined],
  [
    'a billion functions in a few bytes',
    concat([wasmModule().subarray(0, 8), section(3, [u32(1_000_000_000)])]),
    undefined,
  ],
  [
    'data that lies outside memory',
    wasmModule({ extra: [section(11, [[1, 0, 0x41, 0xc0, 0x84, 0x3d, 0x0b, 1, 7]])] }),
    undefined,
  ],
  ['code that reaches for what the host adds', wasmModule({ bodies: [[0, 0x42, 0, 0x24, 0, 0x0b]] }), undefined],
  ['code that calls what the host adds', wasmModule({ bodies: [[0, 0x10, 1, 0x0b]] }), undefined],
  ['nothing', new Uint8Array(), undefined],
  ['text', new TextEncoder().encode('#!/bin/sh\necho no module\n'), undefined],
  ['half a module', wasmModule().subarray(0, 30), undefined],
]

describe('escape: WebAssembly modules against the provider', function () {
  this.timeout(60_000)
  let sandbox: AttackedSandbox

  before(async () => {
    sandbox = await attackedSandbox()
  })
  afterEach(() => sandbox.assertUnharmed())
  after(() => sandbox.close())

  for (const [what, module, named] of REFUSED) {
    it(`refuses before it starts: ${what}`, async () => {
      await assert.rejects(sandbox.module(module), (error) => {
        assert.ok(isSoukError(error, 'MODULE_REFUSED'), String(error))
        assert.equal(error.details.name, named, error.message)
        return true
      })
    })
  }

  it('takes a data segment of megabytes where it fits', async () => {
    const data = new Uint8Array(4 * MiB)
    const { execution } = await sandbox.module(
      wasmModule({ memories: [[0, 65]], extra: [section(11, [[1, 0, 0x41, 0, 0x0b], u32(data.length), data])] }),
    )
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
  })

  it('memory.grow without end stops at the limit', async () => {
    const grow = [0x03, 0x40, 0x41, 1, 0x40, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b] // loop while memory.grow(1) != -1
    const { execution } = await sandbox.module(wasmModule({ bodies: [[0, ...grow, 0x0b]] }), {
      limits: { memoryBytes: 8 * MiB },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(execution.usage.limitsHit, ['memory'])
    assert.equal(execution.usage.memoryPeakBytes, 8 * MiB)
  })

  it('table.grow without end stops at the limit', async () => {
    const grow = [0x03, 0x40, 0xd0, 0x70, 0x41, ...[0xe4, 0], 0xfc, 15, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b]
    const { execution } = await sandbox.module(wasmModule({ tables: [[0x70, 0, 1]], bodies: [[0, ...grow, 0x0b]] }), {
      limits: { memoryBytes: MiB },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(execution.usage.limitsHit, ['memory'])
    assert.ok(execution.usage.memoryPeakBytes <= MiB && execution.usage.memoryPeakBytes > MiB - 100 * 32)
  })

  it('memory that its own maximum holds back is no limit of ours', async () => {
    const grow = [0x03, 0x40, 0x41, 1, 0x40, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b]
    const { execution } = await sandbox.module(wasmModule({ memories: [[1, 1, 3]], bodies: [[0, ...grow, 0x0b]] }))
    assert.deepEqual(execution.usage.limitsHit, [])
    assert.equal(execution.usage.memoryPeakBytes, 3 * 65_536)
  })

  it('a start function runs, and is paid for, like any other code', async () => {
    const module = wasmModule({
      bodies: [
        [0, 0x0b],
        [0, ...forever, 0x0b],
      ],
      start: 1,
    })
    const { execution } = await sandbox.module(module, { limits: { cpuTimeMs: 50 } })
    assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'cpuTime' })
  })

  it('recursion without end is a trap', async () => {
    const { execution } = await sandbox.module(wasmModule({ bodies: [[0, 0x10, 0, 0x10, 0, 0x0b]] }))
    assert.deepEqual(execution.outcome, { kind: 'trapped', trap: 'stackOverflow' })
  })

  it('a loop without end meets the limit on CPU time', async () => {
    const { execution } = await sandbox.module(wasmModule({ bodies: [[0, ...forever, 0x0b]] }), {
      limits: { cpuTimeMs: 50 },
    })
    assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'cpuTime' })
  })
})

describe('escape: WebAssembly modules against the compiler', function () {
  this.timeout(60_000)

  it('refuses a module that takes too long to compile', async () => {
    const hasty = await attackedSandbox({ compileTimeoutMs: 1 })
    try {
      const body = concat([[0], ...Array.from({ length: 20_000 }, () => [0x41, 0, 0x40, 0, 0x1a]), [0x0b]])
      const large = wasmModule({ bodies: Array.from({ length: 20 }, () => body) })
      await assert.rejects(
        hasty.module(large),
        (error) => isSoukError(error, 'MODULE_REFUSED') && /takes longer than 1 ms/.test(error.message),
      )
    } finally {
      await hasty.close()
    }
  })

  it('refuses a module above the size that the provider takes, unread', async () => {
    const small = await attackedSandbox({ maxModuleBytes: 100, prewarm: 0 })
    try {
      const module = wasmModule({ extra: [section(0, [name('padding'), new Uint8Array(100)])] })
      await assert.rejects(small.module(module), (error) => isSoukError(error, 'MODULE_REFUSED'))
    } finally {
      await small.close()
    }
  })
})
