import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { BundleBroken, decodeBundle, encodeBundle } from '../../src/executors/wasm/component/bundle.ts'
import { checkComponent } from '../../src/executors/wasm/component/check-component.ts'
import { inspectComponent } from '../../src/executors/wasm/component/inspect-component.ts'
import { TranspileAnswers } from '../../src/executors/wasm/component/transpile-channel.ts'
import { loadTranspiler, transpile } from '../../src/executors/wasm/component/transpile.ts'
import { ModuleRefused } from '../../src/executors/wasm/module/reader.ts'
import { command, componentOf, everythingComponent } from '../fixtures/wasm-component.ts'

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]

/** Throws what `body` throws, unless it is of that kind. */
function onlyThrows(kind: abstract new (...values: never[]) => Error, body: () => unknown): void {
  try {
    body()
  } catch (error) {
    if (!(error instanceof kind)) throw error
  }
}

/** A few bytes of it replaced, removed or added. */
function mutations(original: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(original.length),
    cut: fc.nat({ max: 3 }),
    put: fc.uint8Array({ maxLength: 3 }),
  })
  return fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) =>
      edits.reduce<Uint8Array>(
        (bytes, { at, cut, put }) => Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]),
        original,
      ),
    )
}

describe('fuzz: components', function () {
  this.timeout(240_000)
  let everything: Uint8Array
  let small: Uint8Array
  before(async () => {
    await loadTranspiler()
    everything = await everythingComponent()
    small = await componentOf(
      command({
        imports: '(import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result u64)))))',
      }),
    )
  })

  it('reads any bytes after the beginning of a component, or refuses them', () => {
    const section = fc
      .tuple(fc.nat({ max: 13 }), fc.uint8Array({ maxLength: 40 }))
      .map(([id, content]) => [id, content.length, ...content])
    const sections = fc.array(section, { maxLength: 8 }).map((all) => Uint8Array.from([...PREAMBLE, ...all.flat()]))
    const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from([...PREAMBLE, ...bytes]))
    fc.assert(
      fc.property(fc.oneof(sections, any), (bytes) =>
        onlyThrows(ModuleRefused, () => checkComponent(inspectComponent(bytes))),
      ),
      { numRuns: 5000 },
    )
  })

  it('reads a component that was changed, or refuses it', () => {
    fc.assert(
      fc.property(mutations(everything), (bytes) =>
        onlyThrows(ModuleRefused, () => checkComponent(inspectComponent(bytes))),
      ),
      { numRuns: 2000 },
    )
  })

  it('transpiles a component that was changed, or refuses it', () => {
    fc.assert(
      fc.property(mutations(small), (bytes) => {
        onlyThrows(ModuleRefused, () => {
          try {
            transpile(bytes, { fuel: true, deterministic: true })
          } catch (error) {
            // jco's own trap, after which its process would be gone.
            if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return
            throw error
          }
        })
      }),
      { numRuns: 150 },
    )
  })

  it('reads any bundle, or says that it is broken', () => {
    const whole = encodeBundle({
      javascript: 'return 1',
      entry: 'wasi:cli/run@0.2.0',
      metered: false,
      modules: [{ name: 'a', bytes: Uint8Array.from([1, 2]), initialBytes: 3, startExport: 's' }],
    })
    fc.assert(
      fc.property(fc.oneof(mutations(whole), fc.uint8Array({ maxLength: 300 })), (bytes) =>
        onlyThrows(BundleBroken, () => decodeBundle(bytes)),
      ),
      { numRuns: 5000 },
    )
    const header = fc.json().map((json) => {
      const text = Buffer.from(json)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(text.length)
      return Buffer.concat([length, text])
    })
    fc.assert(
      fc.property(header, (bytes) => onlyThrows(BundleBroken, () => decodeBundle(bytes))),
      { numRuns: 2000 },
    )
  })

  it('takes any answer of a transpiling process, however it is cut', async () => {
    const report = fc.oneof(
      fc.json(),
      fc.constantFrom(
        '{"event":"ready"}',
        '{"event":"bundle","bytes":3}',
        '{"event":"refused","reason":"x","subject":1}',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(report, { maxLength: 3 }),
        fc.uint8Array({ maxLength: 10 }),
        fc.nat({ max: 30 }),
        async (reports, tail, cut) => {
          const bytes = Buffer.concat([
            ...reports.map((json) => {
              const text = Buffer.from(json)
              const length = Buffer.alloc(4)
              length.writeUInt32LE(text.length)
              return Buffer.concat([length, text])
            }),
            tail,
          ])
          const source = new PassThrough()
          source.write(bytes.subarray(0, cut))
          source.end(bytes.subarray(cut))
          const answers = new TranspileAnswers(source)
          try {
            for (;;) await answers.report()
          } catch (error) {
            assert.ok(error instanceof BundleBroken, String(error))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
