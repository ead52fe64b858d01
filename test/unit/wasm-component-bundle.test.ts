import assert from 'node:assert/strict'
import { BundleBroken, decodeBundle, encodeBundle, type Bundle } from '../../src/executors/wasm/component/bundle.ts'

const BUNDLE: Bundle = {
  javascript: "return 'ż'",
  entry: 'wasi:cli/run@0.2.3',
  metered: true,
  modules: [
    { name: 'component.core.wasm', bytes: Uint8Array.from([1, 2, 3]), initialBytes: 65_536, startExport: undefined },
    { name: 'component.core2.wasm', bytes: new Uint8Array(), initialBytes: 0, startExport: 'souk:start' },
  ],
}

function withHeader(change: (header: Record<string, unknown>) => unknown): Uint8Array {
  const bytes = encodeBundle(BUNDLE)
  const length = Buffer.from(bytes).readUInt32LE(0)
  const header = JSON.parse(Buffer.from(bytes).toString('utf8', 4, 4 + length)) as Record<string, unknown>
  const changed = Buffer.from(JSON.stringify(change(header)))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(changed.length)
  return Buffer.concat([size, changed, bytes.subarray(4 + length)])
}

describe('bundle of a component', () => {
  it('comes back as it was', () => {
    const { modules, ...rest } = decodeBundle(encodeBundle(BUNDLE))
    const { modules: expected, ...others } = BUNDLE
    assert.deepEqual(rest, others)
    assert.deepEqual(
      modules.map((module) => ({ ...module, bytes: [...module.bytes] })),
      expected.map((module) => ({ ...module, bytes: [...module.bytes] })),
    )
  })

  it('is refused where it is anything else', () => {
    const whole = encodeBundle(BUNDLE)
    const broken: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      'a header that is too long': Uint8Array.from([255, 255, 255, 255, 0]),
      'cut short': whole.subarray(0, -1),
      'too long': Buffer.concat([whole, Buffer.from([0])]),
      'no JSON': Uint8Array.from([1, 0, 0, 0, 0x7b]),
      'another form': withHeader(() => []),
      nothing: withHeader(() => null),
      'another version': withHeader((header) => ({ ...header, version: 0 })),
      'no modules': withHeader((header) => ({ ...header, modules: {} })),
      'too many modules': withHeader((header) => ({ ...header, modules: Array.from({ length: 65 }, () => ({})) })),
      'no entry': withHeader((header) => ({ ...header, entry: '' })),
      'an endless name': withHeader((header) => ({ ...header, entry: 'a'.repeat(201) })),
      'a negative size': withHeader((header) => ({ ...header, javascriptBytes: -1 })),
      'half a byte': withHeader((header) => ({ ...header, javascriptBytes: 0.5 })),
      'more than there is': withHeader((header) => ({ ...header, javascriptBytes: 2 ** 40 })),
    }
    for (const [what, bytes] of Object.entries(broken)) assert.throws(() => decodeBundle(bytes), BundleBroken, what)
  })
})
