import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { inspectModule } from '../../src/executors/wasm/module/inspect.ts'
import type { RewriteOptions } from '../../src/executors/wasm/module/meters.ts'
import { ModuleRefused } from '../../src/executors/wasm/module/reader.ts'
import { rewriteModule } from '../../src/executors/wasm/module/rewrite.ts'
import { signed, u32 } from '../../src/executors/wasm/module/writer.ts'
import { wasmModule } from '../fixtures/wasm-module.ts'

const EVERY_WAY: readonly RewriteOptions[] = (['own', 'imported'] as const).flatMap((meters) => [
  { fuel: false, deterministic: false, meters },
  { fuel: true, deterministic: false, meters },
  { fuel: true, deterministic: true, meters },
])

/** Rewrites, or tells that the module is refused; anything else that is thrown is a bug. */
function rewriteOrRefuse(bytes: Uint8Array, options: RewriteOptions): Uint8Array | undefined {
  try {
    return rewriteModule(inspectModule(bytes), options).bytes
  } catch (error) {
    if (error instanceof ModuleRefused) return undefined
    throw error
  }
}

/** What is valid stays valid, whatever is done to it, and what is not stays invalid. Returns how often it was rewritten. */
function holds(bytes: Uint8Array): number {
  const valid = WebAssembly.validate(bytes)
  let accepted = 0
  for (const options of EVERY_WAY) {
    const rewritten = rewriteOrRefuse(bytes, options)
    if (rewritten === undefined) continue
    accepted += 1
    assert.equal(
      WebAssembly.validate(rewritten),
      valid,
      `${JSON.stringify(options)}: ${Buffer.from(bytes).toString('hex')}`,
    )
  }
  return accepted
}

describe('fuzz: module rewriting', function () {
  this.timeout(60_000)
  let real: Uint8Array

  before(async () => {
    const { source } = await buildProgram({ file: join(PROGRAMS_DIR, 'memory.c'), runtime: 'wasm' })
    real = await readFile(source)
  })

  it('takes any bytes without another error than a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        holds(new Uint8Array([...wasmModule().subarray(0, 8), ...bytes]))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes bodies of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        holds(wasmModule({ tables: [[0x70, 0, 1]], globals: [[0x7f, 1, 0x41, 0, 0x0b]], bodies: [[0, ...body, 0x0b]] }))
      }),
      {
        numRuns: 3000,
      },
    )
  })

  it('takes real modules with bytes changed, left out and cut off', () => {
    const changes = fc.array(
      fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), remove: fc.boolean() }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(changes, fc.option(fc.nat()), (edits, cut) => {
        const bytes = [...real]
        for (const { at, byte, remove } of edits) bytes.splice(at % bytes.length, 1, ...(remove ? [] : [byte]))
        holds(new Uint8Array(cut === null ? bytes : bytes.slice(0, cut % bytes.length)))
      }),
      { numRuns: 500 },
    )
  })

  it('rewrites valid instructions in any order into a valid module', () => {
    const zero = [0x41, 0]
    const valid = fc.constantFrom<readonly number[]>(
      [0x01],
      [...zero, 0x40, 0, 0x1a],
      [0xd0, 0x70, ...zero, 0xfc, 15, 0, 0x1a],
      [...zero, 0x28, 0, 0, 0x1a],
      [...zero, 0x04, 0x40, ...zero, 0x40, 0, 0x1a, 0x05, 0x0b],
      [0x02, 0x40, ...zero, 0x0e, 1, 0, 0, 0x0b],
      [0x23, 0, 0x24, 0],
      [0x10, 0],
      [0x3f, 0, 0x1a],
      [0xfd, 12, ...Array.from({ length: 16 }, () => 0x40), 0x1a],
    )
    fc.assert(
      fc.property(fc.array(valid, { maxLength: 200 }), (instructions) => {
        const bytes = wasmModule({
          tables: [[0x70, 0, 1]],
          globals: [[0x7f, 1, 0x41, 0, 0x0b]],
          bodies: [[0, ...instructions.flat(), 0x0b]],
        })
        assert.ok(WebAssembly.validate(bytes))
        assert.equal(holds(bytes), EVERY_WAY.length)
      }),
      { numRuns: 300 },
    )
  })

  it('writes integers as V8 reads them', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.integer({ min: 0, max: 100_000 }),
        (constant, locals) => {
          const many = Math.min(locals, 50_000)
          const bytes = wasmModule({ bodies: [[1, ...u32(many), 0x7f, 0x42, ...signed(constant), 0x1a, 0x0b]] })
          assert.ok(WebAssembly.validate(bytes))
          assert.equal(holds(bytes), EVERY_WAY.length)
        },
      ),
    )
  })
})
