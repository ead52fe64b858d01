import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { buildProgram } from '../../../scripts/build-programs.ts'
import type { DockerTask, Executor } from '../../../src/executors/executor.ts'
import { isSoukError } from '../../../src/protocol/errors.ts'
import type { Outcome } from '../../../src/protocol/execution.ts'
import type { RequestedLimits } from '../../../src/protocol/limits.ts'
import { ROOMY_LIMITS } from '../../conformance/behaviours.ts'
import { collector } from '../../conformance/executor-conformance.ts'
import { openDescriptors, settled } from '../../conformance/leftovers.ts'
import { busyboxLayer } from '../../fixtures/busybox-layer.ts'
import { startDockerPlace, type DockerPlace } from '../../fixtures/docker-engine.ts'
import { archiveOf, savedOf, type ImageParts } from '../../fixtures/oci-images.ts'
import { rawTar } from '../../fixtures/raw-tar.ts'
import { layBait, type Bait } from '../bait.ts'
import { HOSTILE_IMAGES, type HostileImage, type HostileParts } from './hostile-images.ts'
import { leftOnEngine } from './left-on-engine.ts'

const PROGRAMS = fileURLToPath(new URL('../programs/', import.meta.url))
const INIT_BINARY = fileURLToPath(new URL('../../../build/souk-container-init', import.meta.url))
/** An engine that waits for what does not come waits for ever; one that is slow does not. */
const NO_WAITING_MS = 30_000
const MiB = 1024 * 1024

type Ran = { readonly outcome: Outcome; readonly said: string }

describe('escape: images against the host of a container', function () {
  this.timeout(180_000)
  let place: DockerPlace
  let executor: Executor<DockerTask>
  let bait: Bait
  let base: Uint8Array
  let parts: HostileParts
  let clean: string
  let descriptors: number
  let ownDigest: string
  const images = new Set<string>()
  const allowed: string[] = []
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    bait = await layBait()
    cleanUp.defer(() => bait.remove())
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    const program = async (name: string): Promise<Buffer> =>
      readFile((await buildProgram({ file: join(PROGRAMS, `${name}.c`), runtime: 'docker' })).source)
    base = await busyboxLayer()
    const { dev } = await stat(place.launcher.stateDir)
    parts = {
      bait,
      disk: [Math.floor(dev / 256) % 4096, dev % 256],
      privileges: await program('privileges'),
      leakedFolders: await program('leaked-folders'),
    }
    clean = await load({ layers: [base] })
    // What is allowed may change while it runs: these images come one by one.
    executor = place.executor({ images: allowed })
    cleanUp.defer(() => executor.close())
    await run({ image: clean })
    descriptors = (await openDescriptors()).size
    ownDigest = await digestOf(INIT_BINARY)
  })
  after(() => cleanUp.disposeAsync())

  afterEach(async () => {
    for (const image of [...images].filter((id) => id !== clean)) {
      await settled('its containers', async () => (await leftOnEngine(place, images)).join('; '), '')
      await place.docker.getImage(image).remove({ force: true })
      images.delete(image)
    }
    const { outcome, said } = await run({ image: clean, command: ['echo', 'clean'] })
    assert.deepEqual([outcome, said], [{ kind: 'exited', code: 0 }, 'clean\n'])
    await bait.assertUntouched()
    assert.deepEqual((await readdir(dirname(bait.file))).toSorted(), [basename(bait.file), 'socket'])
    assert.equal(await digestOf(INIT_BINARY), ownDigest)
    await settled('left on the engine', async () => (await leftOnEngine(place, images)).join('; '), '')
    await settled(
      'descriptors',
      async () => {
        const now = await openDescriptors()
        return now.size > descriptors ? [...now].join(', ') : ''
      },
      '',
    )
  })

  /** Gives the engine an image as `docker load` does; @returns its id. */
  const load = async (image: ImageParts & { readonly tags?: readonly string[] }): Promise<string> => {
    const { files, id } = savedOf(image)
    const answer = await place.docker.loadImage(Readable.from([Buffer.from(archiveOf(files))]))
    for await (const chunk of answer) assert.doesNotMatch(String(chunk), /"error"/)
    images.add(id)
    allowed.push(id)
    return id
  }
  const run = async (
    task: Partial<DockerTask>,
    { limits = {}, on = executor }: { readonly limits?: RequestedLimits; readonly on?: Executor<DockerTask> } = {},
  ): Promise<Ran> => {
    const [stdout, stderr] = [collector(), collector()]
    const dir = await place.jobDir()
    try {
      const { outcome } = await on.run({
        task: { runtime: 'docker', image: clean, command: ['true'], env: {}, inputs: [], outputs: [], ...task },
        limits: { ...ROOMY_LIMITS, ...limits },
        dir,
        stdin: Readable.from([]),
        stdout: stdout.stream,
        stderr: stderr.stream,
        signal: new AbortController().signal,
        onStarted: () => {},
      })
      return { outcome, said: stdout.content().toString() + stderr.content().toString() }
    } finally {
      await rm(dir, { recursive: true })
    }
  }
  const attempt = async (image: HostileImage): Promise<Ran> => {
    const { entries, config, command = ['true'], outputs = [], inputs = [], workdir } = image
    const id = await load({
      layers: [base, rawTar(...(entries?.(parts) ?? []))],
      ...(config !== undefined && { config }),
    })
    const source = await mkdtemp(join(tmpdir(), 'souk-input-'))
    try {
      await writeFile(join(source, 'file'), 'of the task\n')
      return await run({
        image: id,
        command,
        ...(workdir !== undefined && { workdir }),
        outputs: outputs.map((path) => ({ path })),
        inputs: inputs.map((target) => ({ source: join(source, 'file'), target, bytes: 12 })),
      })
    } finally {
      await rm(source, { recursive: true })
    }
  }

  for (const image of HOSTILE_IMAGES) {
    it(`one ${image.name}`, async () => {
      const before = performance.now()
      let ran: Ran | undefined
      try {
        ran = await attempt(image)
      } catch (error) {
        assert.ok(
          image.refused !== undefined && (isSoukError(error, 'IMAGE_REFUSED') || isSoukError(error, 'INVALID_INPUT')),
          String(error),
        )
        assert.match(error.message, image.refused)
      }
      assert.ok(performance.now() - before < NO_WAITING_MS)
      if (ran === undefined) return
      assert.ok(image.says !== undefined, `it ran: ${JSON.stringify(ran)}`)
      assert.match(ran.said, image.says)
      assert.deepEqual(ran.outcome, { kind: 'exited', code: image.code ?? 0 })
    })
  }

  it('one whose volume has something in it: nothing of that is copied, not even to look', async () => {
    const events = (await place.docker.getEvents({ filters: { type: ['volume'] } })) as Readable
    const seen: string[] = []
    events.on('data', (chunk: Buffer) => seen.push(chunk.toString()))
    try {
      const id = await load({
        layers: [base, rawTar({ name: 'data/large', content: 'x'.repeat(MiB) })],
        config: { Volumes: { '/data': {} } },
      })
      const { said } = await run({ image: id, workdir: '/made', command: ['sh', '-c', 'ls /data; pwd'] })
      assert.equal(said, '/made\n')
      assert.deepEqual(seen, [])
    } finally {
      events.destroy()
    }
  })

  it('one for another processor', async () => {
    const id = await load({ layers: [base, rawTar({ name: 'riscv', content: '' })], architecture: 'riscv64' })
    await assert.rejects(
      run({ image: id }),
      (error) => isSoukError(error, 'IMAGE_REFUSED') && /riscv64/.test(error.message),
    )
  })

  it('one whose tag has come to mean another: what runs is what was named', async () => {
    const said = (text: string): ImageParts & { tags: readonly string[] } => ({
      layers: [base, rawTar({ name: 'said', content: text })],
      tags: ['moved:1'],
    })
    const first = await load(said('first\n'))
    const second = await load(said('second\n'))
    assert.equal((await place.docker.getImage('moved:1').inspect()).Id, second)
    assert.equal((await run({ image: first, command: ['cat', '/said'] })).said, 'first\n')
    const on = place.executor({ images: ['moved', first, second] })
    try {
      for (const image of ['moved:1', 'moved', `moved@${second}`, `moved:1@${first}`])
        await assert.rejects(run({ image }, { on }), (error) => isSoukError(error, 'IMAGE_REFUSED'), image)
    } finally {
      await on.close()
    }
  })

  it('a flood of output: not a byte of it is logged on the host’s disk', async () => {
    const data = join(dirname(place.engine.socketPath), 'data/containers')
    let most = 0
    let looks = 0
    let over = false
    const ended = run(
      { image: clean, command: ['sh', '-c', 'yes souk-flood & yes souk-flood >&2'] },
      { limits: { outputBytes: 64 * MiB } },
    ).finally(() => (over = true))
    while (!over) {
      const bytes = await bytesBelow(data)
      if (bytes > 0) looks += 1
      most = Math.max(most, bytes)
    }
    assert.deepEqual((await ended).outcome, { kind: 'limit', limit: 'output' })
    assert.ok(looks > 0 && most < MiB, `${most} bytes in ${looks} looks`)
  })
})

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder, { recursive: true }).catch(() => [])) {
    // The container is going, and its files are.
    bytes += await stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
