import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { access, constants, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArtifactStore, type ArtifactStore } from '../../src/artifacts/store.ts'
import { fetchInputs, resolveTask } from '../../src/node/inputs/inputs.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/protocol/execution.ts'
import type { BlobRef, RuntimeSpec, TaskSpec } from '../../src/protocol/task.ts'
import { address, taskSpec } from '../fixtures/provider-tasks.ts'

const owner = address('requester')
const content = (text: string): { readonly blob: BlobRef; readonly bytes: Buffer } => {
  const bytes = Buffer.from(text)
  return { bytes, blob: { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length } }
}
const program = content('a program')
const input = content('an input')
const image = `busybox@sha256:${'ab'.repeat(32)}`
const SPEC_DIGEST = '5e'.repeat(32)
const rootfs = { name: 'debian', sha256: 'cd'.repeat(32) }

/** What a task can bring, and what becomes of it for each runtime that can run it. */
const BROUGHT: readonly (readonly [RuntimeSpec, readonly RuntimeName[]])[] = [
  [{ module: program.blob }, ['wasm']],
  [{ image }, ['docker', 'native']],
  [{ archive: program.blob, image: `sha256:${'ab'.repeat(32)}` }, ['native']],
  [{ archive: program.blob, image: `sha256:${'ab'.repeat(32)}`, type: 'docker' }, ['docker']],
  [{ program: program.blob }, ['native']],
  [{ tar: program.blob }, ['native']],
  [{ rootfs }, ['native']],
]

describe('a task, resolved', () => {
  let dir: string
  let store: ArtifactStore
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-inputs-'))
    store = await openArtifactStore({ dir: join(dir, 'store'), quotaBytes: 1e6, ownerQuotaBytes: 1e6 })
    await store.reserve({ holder: 'task', owner, blobs: [program.blob, input.blob] })
    for (const { blob, bytes } of [program, input]) {
      const source = async function* (): AsyncGenerator<Uint8Array> {
        yield bytes
      }
      await store.fetch({ owner, blob, source, signal: new AbortController().signal })
    }
  })
  after(async () => {
    await store.close()
    await rm(dir, { recursive: true, force: true })
  })

  const resolve = (runtime: RuntimeName, brought: RuntimeSpec, limits?: TaskSpec['limits']) =>
    resolveTask({
      runtime,
      owner,
      store,
      specDigest: SPEC_DIGEST,
      spec: taskSpec({
        runtime: brought,
        ...(limits && { limits }),
        workdir: '/w',
        inputs: [{ source: input.blob, target: '/in/a' }],
        outputs: [{ path: '/out' }],
      }),
    })

  it('has files of this host in place of its blobs, whatever runs it', async () => {
    for (const [brought, runtimes] of BROUGHT) {
      for (const runtime of runtimes) {
        const task = resolve(runtime, brought)
        assert.equal(task.runtime, runtime)
        const [file] = task.inputs
        assert.deepEqual(await readFile(file?.source ?? ''), input.bytes)
        const { command, env, workdir, outputs } = task
        assert.deepEqual([command, env, workdir, outputs], [['-l'], { LANG: 'C' }, '/w', [{ path: '/out' }]])
        assert.deepEqual(file, { source: file?.source, bytes: input.bytes.length, target: '/in/a' })
      }
    }
  })

  it('says what runs in the words of each runtime', () => {
    const source = store.path({ owner, sha256: program.blob.sha256 })
    const wasm = resolve('wasm', { module: program.blob })
    assert.deepEqual(wasm.runtime === 'wasm' && [wasm.name, wasm.module], ['word-count', { source, ...program.blob }])
    assert.equal('deterministic' in wasm, false)
    const seeded = resolve('wasm', { module: program.blob, deterministic: true })
    assert.deepEqual(seeded, { ...wasm, deterministic: { seed: SPEC_DIGEST } })
    const docker = resolve('docker', { image })
    assert.equal(docker.runtime === 'docker' && docker.image, image)
    for (const [brought, root] of [
      [{ program: program.blob }, { kind: 'program', source, ...program.blob }],
      [{ tar: program.blob }, { kind: 'tar', source, ...program.blob }],
      [{ rootfs }, { kind: 'named', ...rootfs }],
      [{ image }, { kind: 'image', image }],
      [
        { archive: program.blob, image: `sha256:${'ab'.repeat(32)}` },
        { kind: 'image', image: `sha256:${'ab'.repeat(32)}`, archive: { source, ...program.blob } },
      ],
    ] as const) {
      const native = resolve('native', brought)
      assert.deepEqual(native.runtime === 'native' && [native.name, native.root], ['word-count', root])
    }
  })

  it('has what a native task asks for besides its root', () => {
    const mounts = [{ name: 'data', target: '/data' }]
    for (const [brought, asked] of [
      [{ rootfs }, [false, []]],
      [{ rootfs, writable: true, mounts }, [true, mounts]],
      [{ program: program.blob, mounts }, [false, mounts]],
    ] as const) {
      const native = resolve('native', brought)
      assert.deepEqual(native.runtime === 'native' && [native.writable, native.mounts], asked)
    }
  })

  it('has what a Docker task brings and asks for', () => {
    const id = `sha256:${'ab'.repeat(32)}`
    const source = store.path({ owner, sha256: program.blob.sha256 })
    const wishes = (brought: RuntimeSpec, limits?: TaskSpec['limits']): object => {
      const task = resolve('docker', brought, limits)
      assert(task.runtime === 'docker')
      const {
        runtime: _runtime,
        command: _command,
        env: _env,
        workdir: _workdir,
        inputs: _in,
        outputs: _out,
        ...own
      } = task
      return own
    }
    assert.deepEqual(wishes({ image }), { image })
    assert.deepEqual(wishes({ type: 'docker', image, class: 'runsc' }), { image, runtimeClass: 'runsc' })
    assert.deepEqual(wishes({ type: 'docker', image: id, archive: program.blob, class: 'crun' }), {
      image: id,
      archive: { source, ...program.blob },
      runtimeClass: 'crun',
    })
    assert.deepEqual(wishes({ image }, { gpus: 2 }), { image, gpus: 2 })
  })

  it('names a program that can be run where it is', async () => {
    const native = resolve('native', { program: program.blob })
    assert(native.runtime === 'native' && native.root.kind === 'program')
    await access(native.root.source, constants.R_OK | constants.X_OK)
  })

  it('is refused where a runtime cannot run what it brings: never another time, and for nothing', () => {
    for (const [brought, able] of BROUGHT) {
      for (const runtime of RUNTIME_NAMES.filter((name) => !able.includes(name))) {
        assert.throws(
          () => resolve(runtime, brought),
          (error) => {
            assert(error instanceof SoukError)
            assert.equal(error.code, 'RUNTIME_UNAVAILABLE')
            assert.equal(error.retryable, false)
            assert.match(error.message, new RegExp(Object.keys(brought)[0] ?? '$^'))
            return true
          },
        )
      }
    }
  })

  it('is refused where a blob is not there', () => {
    const missing = { ...program.blob, sha256: '1'.repeat(64) }
    assert.throws(() => resolve('native', { program: missing }), { code: 'BLOB_UNAVAILABLE' })
    assert.throws(() => resolve('native', { tar: missing }), { code: 'BLOB_UNAVAILABLE' })
  })
})

describe('the inputs of a task', () => {
  it('are asked for less and less often of a requester that breaks off whatever it begins', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-inputs-'))
    const store = await openArtifactStore({ dir: join(dir, 'store'), quotaBytes: 1e6, ownerQuotaBytes: 1e6 })
    await store.reserve({ holder: 'task', owner, blobs: [input.blob] })
    const askedAtMs: number[] = []
    const signal = AbortSignal.timeout(2_000)
    const fetched = fetchInputs({
      ...{ spec: taskSpec({ runtime: { module: input.blob } }), peer: owner, store, signal },
      blobs: {
        connected: () => Promise.resolve(),
        read() {
          askedAtMs.push(performance.now())
          const error = new SoukError({ code: 'CONNECTION_LOST', message: 'The stream was reset.', details: {} })
          return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) }
        },
      },
      onProgress: () => undefined,
      takeTurn: (transfer) => transfer(),
    })
    await assert.rejects(fetched, { name: 'TimeoutError' })
    assert(askedAtMs.length > 2 && askedAtMs.length < 10, `${askedAtMs.length} times`)
    await store.close()
    await rm(dir, { recursive: true, force: true })
  })
})
