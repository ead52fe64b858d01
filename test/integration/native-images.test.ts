import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { openImageCache, type ImageCache } from '../../src/artifacts/oci-cache.ts'
import { StopReason, type Executor, type Job, type NativeRoot, type NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { busyboxLayer } from '../fixtures/busybox-layer.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { archiveOf, layoutOf, makeImage, savedOf, type Files, type ImageParts } from '../fixtures/oci-images.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

describe('native executor, with images', function () {
  this.timeout(120_000)
  let dir: string
  let place: TestLauncher
  let cache: ImageCache
  let executor: Executor<NativeTask>
  let base: Uint8Array
  let offered: ReturnType<typeof makeImage>

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-images-'))
    place = await startNativeLauncher()
    base = await busyboxLayer()
    offered = makeImage({ layers: [base], config: { Cmd: ['echo', 'offered'] } })
    const layout = join(dir, 'layout')
    for (const [path, content] of layoutOf([offered])) {
      await mkdir(dirname(join(layout, path)), { recursive: true })
      await writeFile(join(layout, path), content)
    }
    cache = await openImageCache({
      dir: join(dir, 'cache'),
      quotaBytes: 200e6,
      bootId: 'one',
      own: new Set([offered.digest]),
    })
    const images = [
      { name: 'box', digest: offered.digest, path: layout },
      { name: 'gone', digest: offered.configDigest, path: join(dir, 'nowhere') },
    ]
    executor = createNativeExecutor({
      launcher: place.launcher,
      maxRootBytes: 10e6,
      images: { cache, offered: images },
    })
  })
  after(async () => {
    await executor.close()
    assert.deepEqual(await readdir(join(dir, 'cache/partial')), [])
    await place.remove()
    await rm(dir, { recursive: true })
  })

  const archived = async (files: Files, image: string, name = 'image.tar'): Promise<NativeRoot> => {
    const source = join(dir, name)
    const content = archiveOf(files)
    await writeFile(source, content)
    return { kind: 'image', image, archive: { source, sha256: image, bytes: content.length } }
  }
  const imageOf = (parts: Partial<ImageParts>): Promise<NativeRoot> => {
    const image = makeImage({ layers: [base], compression: 'gzip', ...parts })
    return archived(layoutOf([image]), image.digest)
  }

  async function run(
    root: NativeRoot,
    task: Partial<NativeTask> = {},
    changes: Partial<Job<NativeTask>> = {},
  ): Promise<Execution & { readonly text: string }> {
    const stdout = collector()
    const execution = await executor.run({
      task: { runtime: 'native', name: 'test', root, command: [], env: {}, inputs: [], outputs: [], ...task },
      limits: ROOMY_LIMITS,
      dir: await mkdtemp(join(dir, 'job-')),
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
      signal: new AbortController().signal,
      onStarted: () => {},
      ...changes,
    })
    return { ...execution, text: stdout.content().toString() }
  }
  const refuses = (code: ErrorCode, words: RegExp, running: Promise<unknown>): Promise<void> =>
    assert.rejects(running, (error) => {
      assert.ok(isSoukError(error, code), String(error))
      assert.match(error.message, words)
      return true
    })

  it('runs entrypoint and command by the rules of Docker', async () => {
    const words: readonly (readonly [object, readonly string[], string])[] = [
      [{ Cmd: ['echo', 'own'] }, [], 'own\n'],
      [{ Cmd: ['echo', 'own'] }, ['echo', 'other'], 'other\n'],
      [{ Entrypoint: ['/bin/echo', 'entry'], Cmd: ['own'] }, [], 'entry own\n'],
      [{ Entrypoint: ['/bin/echo', 'entry'], Cmd: ['own'] }, ['other', 'words'], 'entry other words\n'],
      [{ Entrypoint: ['sh', '-c', 'echo $0 $*', 'zero'] }, ['one'], 'zero one\n'],
    ]
    for (const [config, command, text] of words)
      assert.equal((await run(await imageOf({ config }), { command })).text, text)
    await refuses('INVALID_INPUT', /says nothing of what to run/, run(await imageOf({})))
    await refuses(
      'INVALID_INPUT',
      /nothing-like-it cannot be executed/,
      run(await imageOf({}), { command: ['nothing-like-it'] }),
    )
  })

  it('lets a task change what an image has where it asks for that, and the next one finds it as it was', async () => {
    const layer = rawTar({ name: 'etc', type: '5', mode: 0o700 }, { name: 'etc/config', content: 'own\n', mode: 0o600 })
    const root = await imageOf({ layers: [base, layer] })
    const change = ['sh', '-c', 'cat /etc/config; echo changed > /etc/config; rm /bin/dd; cat /etc/config']
    for (const time of ['first', 'second']) {
      const { text, isolation } = await run(root, { command: change, writable: true })
      assert.equal(text, 'own\nchanged\n', time)
      assert.ok(isolation.layers.includes('capped-root-overlay'))
    }
    assert.equal((await run(root, { command: ['sh', '-c', 'echo x > /new || echo read-only'] })).text, 'read-only\n')
  })

  it('gives it the variables, the folder and the user that it is to have', async () => {
    const layer = rawTar(
      { name: 'app', type: '5', mode: 0o755 },
      { name: 'app/file', content: 'in the app\n' },
      { name: 'private', content: 'secret', mode: 0o600 },
    )
    const config = {
      Env: ['WHO=image', 'KEPT=a=b', 'PATH=/bin'],
      WorkingDir: '/app/',
      User: '0:0',
      Cmd: [
        'sh',
        '-c',
        'echo "$WHO $KEPT $PATH $PWD $(id -u)"; cat file; cat /private || echo not mine; touch x || echo read-only',
      ],
    }
    const root = await imageOf({ layers: [base, layer], config })
    const rest = 'in the app\nnot mine\nread-only\n'
    assert.equal((await run(root)).text, `image a=b /bin /app 65534\n${rest}`)
    const { text } = await run(root, {
      env: { WHO: 'task' },
      workdir: '/made',
      command: ['sh', '-c', 'echo $WHO; pwd; touch x && echo mine'],
    })
    assert.equal(text, 'task\n/made\nmine\n')
    const bare = await run(await imageOf({}), { command: ['sh', '-c', 'echo $PATH; pwd'] })
    assert.equal(bare.text, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\n')
  })

  it('holds what an image says to what a task may say', async () => {
    await refuses(
      'INVALID_INPUT',
      /\/proc\/x is in \/proc/,
      run(await imageOf({ config: { WorkingDir: '/proc/x', Cmd: ['true'] } })),
    )
  })

  it('brings results out, and the image stays what it is for the next one', async () => {
    const root = await imageOf({ config: { Entrypoint: ['/bin/sh', '-c'] } })
    const outputs = [{ path: '/out' }]
    const both = await Promise.all(
      ['one', 'two'].map((word) =>
        run(root, { command: [`echo ${word} > /out/file; rm -f /bin/sh /etc/x; ls /`], outputs }),
      ),
    )
    for (const { outcome, outputs: files, text } of both) {
      assert.deepEqual(outcome, { kind: 'exited', code: 0 }, text)
      assert.deepEqual(
        files.map(({ path }) => path),
        ['/out/file'],
      )
    }
    assert.equal((await run(root, { command: ['ls /out 2>/dev/null || echo nothing'] })).text, 'nothing\n')
  })

  it('runs what the operator offers, by name and digest, and says what he offers', async () => {
    for (const image of [`box@${offered.digest}`, offered.digest])
      assert.equal((await run({ kind: 'image', image })).text, 'offered\n')
    const other = `box@sha256:${'0'.repeat(64)}`
    await refuses(
      'IMAGE_REFUSED',
      new RegExp(`does not offer it; it offers box@${offered.digest}, gone@`),
      run({ kind: 'image', image: other }),
    )
    await assert.rejects(run({ kind: 'image', image: `gone@${offered.configDigest}` }), (error) => {
      assert.ok(isSoukError(error, 'EXECUTOR_FAILED'), String(error))
      assert.ok(!error.message.includes(dir), 'folders of the provider are its own business')
      return error.fault === 'provider'
    })
  })

  it('runs what `docker save` writes, pinned by the id of the image', async () => {
    const { files, id } = savedOf({
      layers: [base, rawTar({ name: 'greeting', content: 'hello\n' })],
      config: { Cmd: ['cat', '/greeting'] },
    })
    assert.equal((await run(await archived(files, id, 'saved.tar'))).text, 'hello\n')
  })

  it('refuses an image that is for another machine, too large, or not in what was brought', async () => {
    await refuses('IMAGE_REFUSED', /is for linux on riscv128/, run(await imageOf({ architecture: 'riscv128' })))
    await refuses('IMAGE_REFUSED', /is for windows on/, run(await imageOf({ os: 'windows' })))
    const large = rawTar({ name: 'zeros', content: Buffer.alloc(10_000_000) })
    await refuses('IMAGE_REFUSED', /at most 10000000 may be unpacked/, run(await imageOf({ layers: [base, large] })))
    const image = makeImage({ layers: [base] })
    await refuses('IMAGE_REFUSED', /there is no image sha256:/, run(await archived(layoutOf([image]), offered.digest)))
    const none = createNativeExecutor({ launcher: place.launcher })
    await assert.rejects(
      none.run({
        task: { runtime: 'native', name: 'x', root: await imageOf({}), command: [], env: {}, inputs: [], outputs: [] },
        limits: ROOMY_LIMITS,
        dir,
        stdin: Readable.from([]),
        stdout: new Writable(),
        stderr: new Writable(),
        signal: new AbortController().signal,
        onStarted: () => {},
      }),
      (error) => isSoukError(error, 'IMAGE_REFUSED') && /runs no images/.test(error.message),
    )
  })

  it('is cancelled while it unpacks, costs nothing then, and leaves nothing', async () => {
    const many = rawTar(...Array.from({ length: 5_000 }, (_, at) => ({ name: `f${at}`, content: 'x' })))
    const root = await imageOf({ layers: [base, many], config: { Cmd: ['true'] } })
    const stop = new AbortController()
    const running = run(root, {}, { signal: stop.signal, onStarted: () => assert.fail('it started') })
    running.catch(() => {})
    const partial = join(dir, 'cache/partial')
    while ((await readdir(partial)).length === 0) await setTimeout(1)
    stop.abort(new StopReason('cancelled'))
    await assert.rejects(running, (error) => isSoukError(error, 'CANCELLED'))
    assert.deepEqual(await readdir(partial), [])
    assert.deepEqual((await run(root)).outcome, { kind: 'exited', code: 0 })
  })

  it('tells in its probe that a task may name images', async () => {
    const capability = await executor.probe(new AbortController().signal)
    assert.ok(capability.available)
    assert.ok(capability.features.includes('image') && capability.features.includes('archive'))
  })
})
