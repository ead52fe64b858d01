import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import { PREVIEW1, SIGNATURES } from '../../src/executors/wasm/host/signatures.ts'
import { VALUE } from '../../src/executors/wasm/module/types.ts'
import { section } from '../../src/executors/wasm/module/writer.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { wasmModule } from '../fixtures/wasm-module.ts'

const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
const i32 = (value: number): number[] => [0x41, value]
const i64 = (value: number): number[] => [0x42, value]
const codes = (parameters: string): number[] => Array.from(parameters, (code) => (code === 'I' ? VALUE.i64 : VALUE.i32))
const IMPORTS = ['path_open', 'path_link', 'path_symlink'] as const

/** Makes `/out/file`, a second name of it and `/out/kept`, and the symbolic link `/out/link`. */
function linkingModule(): Uint8Array {
  const text = 'out/file'.padEnd(16) + 'out/name'.padEnd(16) + 'out/link'.padEnd(16) + 'out/kept'.padEnd(16)
  const [root, bytes, create] = [i32(3), i32(8), i32(1)]
  const open = (at: number): number[] => [root, i32(0), i32(at), bytes, create, i64(0), i64(0), i32(0), i32(60)].flat()
  const body = [
    ...[...open(0), 0x10, 0, 0x1a],
    ...[...open(48), 0x10, 0, 0x1a],
    ...[root, i32(0), i32(0), bytes, root, i32(16), bytes].flat(),
    ...[0x10, 1, 0x1a],
    ...[i32(4), i32(4), root, i32(32), bytes].flat(),
    ...[0x10, 2, 0x1a],
  ]
  return wasmModule({
    types: IMPORTS.map((name) => [codes(SIGNATURES[name]?.parameters ?? ''), [VALUE.i32]] as const),
    imports: IMPORTS.map((name, index) => ({ module: PREVIEW1, name, description: [0, index + 1] })),
    bodies: [[0, ...body, 0x0b]],
    extra: [section(11, [[1, 0, ...i32(0), 0x0b, text.length, ...Buffer.from(text)]])],
  })
}

describe('links among the results of a WebAssembly task', function () {
  this.timeout(60_000)

  it('are errors of their own, and change nothing of the other results', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-wasm-links-'))
    const executor = createWasmExecutor({ instanceDir: join(dir, 'instance'), prewarm: 0 })
    try {
      const module = linkingModule()
      await writeFile(join(dir, 'links.wasm'), module)
      const { outcome, outputs } = await executor.run({
        task: {
          runtime: 'wasm',
          name: 'links',
          module: {
            source: join(dir, 'links.wasm'),
            sha256: createHash('sha256').update(module).digest('hex'),
            bytes: module.length,
          },
          command: [],
          env: {},
          inputs: [],
          outputs: [{ path: '/out' }],
        },
        limits: ROOMY_LIMITS,
        dir: await mkdtemp(join(dir, 'job-')),
        stdin: Readable.from([]),
        stdout: discard(),
        stderr: discard(),
        signal: new AbortController().signal,
        onStarted: () => {},
      })
      assert.deepEqual(outcome, { kind: 'exited', code: 0 })
      assert.deepEqual(
        outputs.map((output) => [output.path, 'error' in output ? output.error.code : output.bytes]),
        [
          ['/out/file', 'HARD_LINK'],
          ['/out/kept', 0],
          ['/out/link', 'SYMLINK'],
          ['/out/name', 'HARD_LINK'],
        ],
      )
    } finally {
      await executor.close()
      await rm(dir, { recursive: true })
    }
  })
})
