import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/protocol/execution.ts'
import { decodeStreams, runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk } from '../fixtures/souk-command.ts'
import { prepareThreeRuntimes, type ThreeRuntimes } from '../fixtures/three-runtimes.ts'

const DATA = Buffer.from(Uint8Array.from({ length: 300_001 }, (_, index) => (index * index) >> 3))
const STDIN = 'first line\n\0second line, Grüße\n'
const SQUARES = Buffer.from(
  Uint8Array.from({ length: 2000 }, (_, index) => (((index >> 1) ** 2) >> ((index & 1) * 8)) & 0xff),
)

/** All but `runtime`. */
const TASK = {
  version: 1,
  name: 'digest',
  command: ['plain', '', 'with spaces and "quotes"', '$HOME `true` *', 'Grüße', '--flag=1'],
  env: { GREETING: 'hello there', EMPTY: '', UNICODE: '日本語' },
  stdin: { file: './stdin' },
  inputs: [{ source: './data.bin', target: '/in/data.bin' }],
  outputs: [{ path: '/out' }, { path: '/more' }],
  resources: { memory: '64m', disk: '1m', inodes: 50, output: '64k', openFiles: 32 },
  timeouts: { queue: '2m', execution: '30s', cpu: '10s' },
}

/** FNV-1a over 64 bits, as the program computes it. */
function fnv1a(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString(16).padStart(16, '0')
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const HASHES = Buffer.from(`${fnv1a(DATA)}\n${fnv1a(Buffer.from(STDIN))}\n`)

const EXPECTED_STDOUT = [
  `input ${DATA.length} bytes ${fnv1a(DATA)}`,
  `stdin ${Buffer.byteLength(STDIN)} bytes ${fnv1a(Buffer.from(STDIN))}`,
  ...TASK.command.map((argument, index) => `argument ${index + 1}: [${argument}]`),
  ...Object.entries(TASK.env).map(([name, value]) => `${name}=[${value}]`),
  'ABSENT is not set',
  '',
].join('\n')

describe('one task file on three runtimes', function () {
  this.timeout(180_000)
  let dir: string
  let runtimes: ThreeRuntimes
  let provider: ProviderProcess
  const documents = new Map<RuntimeName, RunDocument>()

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-three-'))
    runtimes = await prepareThreeRuntimes({ programs: ['digest'] })
    provider = await startProvider({ dir: join(dir, 'provider'), config: runtimes.config })
    await mkdir(join(dir, 'home'))
    await writeFile(join(dir, 'data.bin'), DATA)
    await writeFile(join(dir, 'stdin'), STDIN)
  })
  after(async () => {
    await provider?.end('SIGTERM')
    await runtimes?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  for (const runtime of RUNTIME_NAMES) {
    it(`${runtime} gives its stdout, stderr, outputs and exit code, signed`, async () => {
      const file = join(dir, `${runtime}.json`)
      await writeFile(file, JSON.stringify({ ...TASK, runtime: runtimes.source(runtime, 'digest') }))
      const saved = join(dir, 'saved', runtime)
      const end = await souk({
        args: ['run', '--to', provider.multiaddr, '--json', '--output-dir', saved, file],
        home: join(dir, 'home'),
      })
      assert.equal(end.code, 3, `${end.stdout}${end.stderr}\n${provider.log()}`)
      const document = runDocumentSchema.parse(JSON.parse(end.stdout))
      documents.set(runtime, document)
      assert.equal(verifyDocument(document).receipt.provider, provider.address)
      assert.equal(document.runtime, runtime)
      assert.equal(document.isolation.runtime, runtime)
      assert.deepEqual(document.outcome, { kind: 'exited', code: 3 })
      const streams = decodeStreams(document)
      assert.equal(Buffer.from(streams?.stdout ?? []).toString(), EXPECTED_STDOUT)
      assert.equal(Buffer.from(streams?.stderr ?? []).toString(), `${TASK.command.length} arguments\n`)
      assert.deepEqual(document.usage.limitsHit, [])
      assert.deepEqual(document.outputs, [
        { path: '/more/squares.bin', sha256: sha256(SQUARES), bytes: SQUARES.length },
        { path: '/out/hashes.txt', sha256: sha256(HASHES), bytes: HASHES.length },
      ])
      assert.deepEqual(await readFile(join(saved, 'out/hashes.txt')), HASHES)
      assert.deepEqual(await readFile(join(saved, 'more/squares.bin')), SQUARES)
    })
  }

  it('gives the same three times, but for what the sandboxes themselves are', () => {
    const [first, ...others] = RUNTIME_NAMES.map((runtime) => {
      const document = documents.get(runtime)
      assert.ok(document !== undefined, `${runtime} has no document`)
      const { stdout, stderr, encoding, outputs, outcome, name } = document
      return { stdout, stderr, encoding, outputs, outcome, name }
    })
    for (const other of others) assert.deepEqual(other, first)
  })

  it('puts every wall of the native sandbox around WebAssembly too, and says so', () => {
    const [wasm, native] = [documents.get('wasm')?.isolation, documents.get('native')?.isolation]
    assert.ok(wasm !== undefined && native !== undefined)
    assert.deepEqual(
      native.layers.filter((layer) => !wasm.layers.includes(layer)),
      [],
    )
    assert.deepEqual(wasm.missing, [])
  })
})
