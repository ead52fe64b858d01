import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import type { ImageSupply } from '../../src/executors/docker/images/task-images.ts'
import {
  StopReason,
  type DockerTask,
  type Executor,
  type Prepared,
  type PrepareProgress,
} from '../../src/executors/executor.ts'
import type { ErrorCode } from '../../src/protocol/error-codes.ts'
import { isSoukError, type SoukError } from '../../src/protocol/errors.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { busyboxLayer } from '../fixtures/busybox-layer.ts'
import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { archiveOf, layoutOf, makeImage, savedOf, type Files, type ImageParts } from '../fixtures/oci-images.ts'
import { pushImage, pushIndex } from '../fixtures/push-image.ts'
import { rawEntry, rawTar } from '../fixtures/raw-tar.ts'

const never = new AbortController().signal
const MIB = 1024 * 1024

describe('images that the engine does not have', function () {
  this.timeout(240_000)
  let place: DockerPlace
  let registry: OwnRegistry
  let closed: OwnRegistry
  let busybox: Uint8Array
  let dir: string
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    registry = await startOwnRegistry()
    cleanUp.defer(() => registry.stop())
    closed = await startOwnRegistry({ auth: true })
    cleanUp.defer(() => closed.stop())
    busybox = await busyboxLayer()
    dir = await mkdtemp(join(place.launcher.stateDir, 'supply-'))
    cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  })
  after(() => cleanUp.disposeAsync())
  afterEach(async () => {
    for (const { Id } of await place.docker.listImages()) await place.docker.getImage(Id).remove({ force: true })
    await rm(place.imagesDir, { recursive: true, force: true })
  })

  /** An image that no other test has: the same layer, another configuration. */
  let made = 0
  const anImage = (parts: Partial<ImageParts> = {}) =>
    makeImage({
      layers: [busybox],
      compression: 'gzip',
      config: { Entrypoint: ['/bin/sh', '-c'], Env: [`NUMBER=${made++}`] },
      ...parts,
    })
  const push = (image = anImage()): Promise<string> => pushImage({ image, registry, repository: 'tests/image' })
  const archiveWith = async (files: Files, image: string): Promise<Pick<DockerTask, 'image' | 'archive'>> => {
    const content = archiveOf(files)
    const source = join(dir, `archive-${made++}`)
    await writeFile(source, content)
    const sha256 = createHash('sha256').update(content).digest('hex')
    return { image, archive: { source, sha256, bytes: content.length } }
  }
  const withExecutor = async <T>(
    options: {
      readonly supply?: Partial<ImageSupply>
      readonly images?: readonly string[]
      readonly instance?: string
    },
    use: (executor: Executor<DockerTask>) => Promise<T>,
  ): Promise<T> => {
    const { supply, ...rest } = options
    const executor = place.executor({
      images: [`${registry.host}/*`, `${closed.host}/*`],
      ...rest,
      supply: { registries: [{ host: registry.host, insecure: true }], archives: true, ...supply },
    })
    try {
      return await use(executor)
    } finally {
      await executor.close()
    }
  }
  const task = (image: Partial<DockerTask>): DockerTask => ({
    runtime: 'docker',
    image: '',
    command: ['echo ran'],
    env: {},
    inputs: [],
    outputs: [],
    ...image,
  })
  const prepare = (
    executor: Executor<DockerTask>,
    image: Partial<DockerTask>,
    { signal = never, onProgress = () => {} }: { signal?: AbortSignal; onProgress?: (p: PrepareProgress) => void } = {},
  ): Promise<Prepared> => {
    assert.ok(executor.prepare)
    return executor.prepare({ task: task(image), signal, onProgress })
  }
  const run = async (
    executor: Executor<DockerTask>,
    image: Partial<DockerTask>,
  ): Promise<{ readonly execution: Execution; readonly said: string }> => {
    const [stdout, stderr] = [collector(), collector()]
    const execution = await executor.run({
      task: task(image),
      limits: ROOMY_LIMITS,
      dir: await place.jobDir(),
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      signal: never,
      onStarted: () => {},
    })
    return { execution, said: stdout.content().toString() + stderr.content().toString() }
  }
  const names = async (): Promise<readonly string[]> =>
    (await place.docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? [])
  const coming = async (): Promise<readonly string[]> => readdir(join(place.imagesDir, 'coming')).catch(() => [])
  const as =
    (code: ErrorCode, pattern: RegExp, more: Partial<SoukError> = {}) =>
    (error: unknown): boolean => {
      assert.ok(isSoukError(error, code), String(error))
      assert.match(`${error.message} ${error.hint}`, pattern)
      for (const [key, value] of Object.entries(more)) assert.equal(error[key as keyof SoukError], value, key)
      return true
    }
  const nothingLeft = async (): Promise<void> => {
    await eventually(async () => {
      assert.deepEqual(await place.docker.listImages({ all: true }), [])
      assert.deepEqual(await coming(), [])
    })
  }

  /** What ends in the background may take a moment. */
  const eventually = async (look: () => Promise<void>): Promise<void> => {
    for (const deadline = performance.now() + 60_000; ; await sleep(10)) {
      try {
        return await look()
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }

  describe('are pulled', () => {
    it('by digest, through the node, and are known to the engine by our name alone', async () => {
      const image = anImage()
      const name = await push(image)
      await withExecutor({}, async (executor) => {
        assert.equal(executor.hold?.(task({ image: name })), undefined)
        const progress: PrepareProgress[] = []
        const prepared = await prepare(executor, { image: name }, { onProgress: (step) => progress.push(step) })
        const last = progress.at(-1)
        assert.ok(last !== undefined && last.doneBytes === last.totalBytes && last.doneBytes > busybox.length / 10)
        assert.ok(executor.hold?.(task({ image: name })))
        assert.deepEqual(await names(), [`souk-${place.launcher.instance}:manifest-${image.digest.slice(7)}`])
        const { execution, said } = await run(executor, { image: name })
        assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
        assert.equal(said, 'ran\n')
        prepared.release()
        assert.deepEqual(await coming(), [])
      })
      // The next process of the node needs no registry for it.
      await withExecutor({ supply: { registries: [] } }, async (executor) => {
        assert.equal((await run(executor, { image: name })).said, 'ran\n')
      })
    })

    it('by a run for which nobody has prepared it', async () => {
      const image = await push()
      await withExecutor({}, async (executor) => assert.equal((await run(executor, { image })).said, 'ran\n'))
    })

    it('of an index that for this machine', async () => {
      const [own, other] = [anImage(), anImage({ architecture: 's390x' })]
      const image = await pushIndex({
        registry,
        repository: 'tests/index',
        images: [
          { image: other, platform: { os: 'linux', architecture: 's390x' } },
          { image: own, platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' } },
        ],
      })
      await withExecutor({}, async (executor) => {
        assert.equal((await run(executor, { image })).said, 'ran\n')
        assert.equal((await place.docker.listImages())[0]?.Id, own.configDigest)
      })
    })

    it('not where the operator allows neither the registry nor the repository', async () => {
      const image = await push()
      await withExecutor({ supply: { registries: [] } }, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /is not pulled from 127\.0\.0\.1:\d+/)),
      )
      await withExecutor({ images: ['other.example/*'] }, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /does not allow it/)),
      )
      await nothingLeft()
    })

    it('not by an image id, which no registry has', () =>
      withExecutor({ images: [`sha256:${'a'.repeat(64)}`] }, (executor) =>
        assert.rejects(
          prepare(executor, { image: `sha256:${'a'.repeat(64)}` }),
          as('IMAGE_REFUSED', /an image id is no name/),
        ),
      ))

    it('not where the registry has another thing, or nothing, under the digest', async () => {
      await withExecutor({}, (executor) =>
        assert.rejects(
          prepare(executor, { image: `${registry.host}/tests/image@sha256:${'0'.repeat(64)}` }),
          as('IMAGE_REFUSED', /./, { retryable: false }),
        ),
      )
      const lying = await answering((path) =>
        path.includes('/manifests/')
          ? { type: 'application/vnd.oci.image.manifest.v1+json', body: '{"schemaVersion":2}' }
          : undefined,
      )
      try {
        const registries = [{ host: lying.host, insecure: true }]
        await withExecutor({ images: [`${lying.host}/*`], supply: { registries } }, (executor) =>
          assert.rejects(
            prepare(executor, { image: `${lying.host}/a@sha256:${'0'.repeat(64)}` }),
            as('IMAGE_REFUSED', /./),
          ),
        )
      } finally {
        await lying.stop()
      }
      await nothingLeft()
    })

    it('not for another machine', async () => {
      const image = await push(anImage({ architecture: 's390x' }))
      await withExecutor({}, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /linux on s390x/)),
      )
      await nothingLeft()
    })

    it('not with layers that are not what the configuration says', async () => {
      const image = await push(
        anImage({ document: { rootfs: { type: 'layers', diff_ids: [`sha256:${'1'.repeat(64)}`] } } }),
      )
      await withExecutor({}, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /its layer, unpacked, is sha256/)),
      )
      await nothingLeft()
    })

    it('not with devices, or names that lead out', async () => {
      await withExecutor({}, async (executor) => {
        for (const [layer, pattern] of [
          [rawTar({ name: 'dev/sda', type: '4' }), /block device/],
          [rawTar({ name: '../../etc/passwd', content: 'x' }), /leads upwards/],
          [rawTar({ name: 'x', type: '1', linkname: '../../etc/passwd' }), /leads upwards/],
        ] as const)
          await assert.rejects(
            prepare(executor, { image: await push(anImage({ layers: [busybox, layer] })) }),
            as('IMAGE_REFUSED', pattern),
          )
      })
      await nothingLeft()
    })

    it('not where no program could be started with what the image says', async () => {
      const image = await push(anImage({ config: { Env: [`A=${'x'.repeat(131_070)}`], Cmd: ['true'] } }))
      await withExecutor({}, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /argument or variable/)),
      )
    })

    it('not with a registry that does not answer, which is worth another try', async () => {
      const gone = await startOwnRegistry()
      const registries = [{ host: gone.host, insecure: true }]
      const image = await pushImage({ image: anImage(), registry: gone, repository: 'tests/image' })
      await gone.stop()
      await withExecutor({ images: [`${gone.host}/*`], supply: { registries } }, (executor) =>
        assert.rejects(
          prepare(executor, { image }),
          as('UNREACHABLE', /does not answer/, { fault: 'network', retryable: true }),
        ),
      )
      await nothingLeft()
    })

    it('only for so long', async () => {
      const silent = await answering(() => 'silence')
      try {
        const supply = { registries: [{ host: silent.host, insecure: true }], pullTimeoutMs: 200 }
        await withExecutor({ images: [`${silent.host}/*`], supply }, (executor) =>
          assert.rejects(
            prepare(executor, { image: `${silent.host}/a@sha256:${'0'.repeat(64)}` }),
            as('CONNECTION_LOST', /did not come within the 0\.2 s/, { fault: 'network', retryable: true }),
          ),
        )
      } finally {
        await silent.stop()
      }
      await nothingLeft()
    })
  })

  describe('that are too large', () => {
    const LIMIT = { maxImageBytes: 16 * MIB }

    it('are refused by what the manifest says, before a layer comes', async () => {
      const noise = Buffer.from(Array.from({ length: 1024 }, (_none, at) => (at * 167) % 251))
      const layer = rawTar({ name: 'noise', content: Buffer.concat(Array.from({ length: 17 * 1024 }, () => noise)) })
      const image = await push(anImage({ layers: [layer], compression: 'none' }))
      const progress: PrepareProgress[] = []
      await withExecutor({ supply: LIMIT }, (executor) =>
        assert.rejects(
          prepare(executor, { image }, { onProgress: (step) => progress.push(step) }),
          as('IMAGE_REFUSED', /at most 16777216 are taken/),
        ),
      )
      assert.deepEqual(progress, [])
      await nothingLeft()
    })

    it('are refused where some megabytes of gzip are 10 GB: as soon as it is clear', async () => {
      // 160 times the same 64 MB, each a member of its own (RFC 1952, 2.2).
      const member = gzipSync(Buffer.concat([rawEntry({ name: 'zeros', content: Buffer.alloc(64 * MIB) })]))
      const bomb = Buffer.concat(Array.from({ length: 160 }, () => member))
      const small = anImage()
      const files = new Map(small.files)
      const digest = `sha256:${createHash('sha256').update(bomb).digest('hex')}`
      files.set(`blobs/${digest.replace(':', '/')}`, bomb)
      const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: bomb.length }]
      const image = anImage({ manifest: { layers } })
      for (const [path, content] of image.files) files.set(path, content)
      const { image: name, archive } = await archiveWith(layoutOf([{ ...image, files }]), image.digest)
      assert.ok(bomb.length < 16 * MIB)
      const pulled = await push({ ...image, files })
      await withExecutor({ supply: LIMIT }, async (executor) => {
        for (const brought of [{ image: name, archive }, { image: pulled }] as const)
          await assert.rejects(
            prepare(executor, brought as Partial<DockerTask>),
            as('IMAGE_REFUSED', /at most 16777216 may be unpacked/),
          )
      })
      await nothingLeft()
    })

    it('are refused where they are nothing but names', async () => {
      const layer = rawTar(...Array.from({ length: 5000 }, (_none, at) => ({ name: `${at}`, type: '5' })))
      const image = await push(anImage({ layers: [layer] }))
      await withExecutor({ supply: LIMIT }, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /may be unpacked here/)),
      )
      await nothingLeft()
    })
  })

  describe('that several wait for', () => {
    it('are pulled once, and all are told how far it has come', async () => {
      const image = await push()
      const counting = await proxyTo(registry.host)
      try {
        const through = image.replace(registry.host, counting.host)
        const supply = { registries: [{ host: counting.host, insecure: true }] }
        await withExecutor({ images: [`${counting.host}/*`], supply }, async (executor) => {
          const told = Array.from({ length: 5 }, () => 0)
          const leaving = new AbortController()
          const waiting = told.map((_none, at) =>
            prepare(
              executor,
              { image: through },
              {
                onProgress(step) {
                  told[at] = step.doneBytes
                  // The first one, for whom it began, goes away in the middle.
                  leaving.abort(new StopReason('cancelled'))
                },
                ...(at === 0 && { signal: leaving.signal }),
              },
            ),
          )
          const [first, ...rest] = await Promise.allSettled(waiting)
          assert.ok(first?.status === 'rejected' && first.reason instanceof StopReason)
          assert.deepEqual(
            rest.map(({ status }) => status),
            ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'],
          )
          assert.ok(told.slice(1).every((bytes) => bytes > busybox.length / 10))
          assert.equal(counting.asked.filter((path) => path.includes('/manifests/')).length, 1)
          assert.equal(counting.asked.filter((path) => path.includes('/blobs/')).length, 2)
        })
      } finally {
        await counting.stop()
      }
    })

    it('are given up when the last one goes', async () => {
      const silent = await answering(() => 'silence')
      try {
        const supply = { registries: [{ host: silent.host, insecure: true }] }
        await withExecutor({ images: [`${silent.host}/*`], supply }, async (executor) => {
          const image = `${silent.host}/a@sha256:${'0'.repeat(64)}`
          const stop = [new AbortController(), new AbortController()]
          const waiting = stop.map(({ signal }) => prepare(executor, { image }, { signal }))
          await silent.asked
          for (const each of stop) each.abort(new StopReason('cancelled'))
          for (const each of waiting) await assert.rejects(each, (error) => error instanceof StopReason)
          await silent.hungUp
          await nothingLeft()
        })
      } finally {
        await silent.stop()
      }
    })
  })

  describe('that tasks bring', () => {
    it('run: OCI archives, and what `docker save` writes', async () => {
      const oci = anImage({ compression: 'zstd' })
      const saved = savedOf({ layers: [busybox], config: { Cmd: ['/bin/echo', 'ran', 'saved'] } })
      await withExecutor({ supply: { registries: [] } }, async (executor) => {
        assert.equal((await run(executor, await archiveWith(layoutOf([oci]), oci.digest))).said, 'ran\n')
        const brought = await archiveWith(saved.files, saved.id)
        assert.equal((await run(executor, { ...brought, command: [] })).said, 'ran saved\n')
        assert.deepEqual(
          (await names()).toSorted(),
          [
            `souk-${place.launcher.instance}:archive-${oci.digest.slice(7)}`,
            `souk-${place.launcher.instance}:archive-${saved.id.slice(7)}`,
          ].toSorted(),
        )
      })
    })

    it('are refused where the operator has not said so', async () => {
      const image = anImage()
      const brought = await archiveWith(layoutOf([image]), image.digest)
      await withExecutor({ supply: { archives: false } }, (executor) =>
        assert.rejects(prepare(executor, brought), as('IMAGE_REFUSED', /takes no images that tasks bring/)),
      )
    })

    it('are nobody else’s: neither by the digest alone, nor by an archive of the documents alone', async () => {
      const image = anImage()
      const whole = await archiveWith(layoutOf([image]), image.digest)
      const layer = [...image.files].find(([, content]) => content.length > MIB / 2)?.[0] ?? ''
      const documents = layoutOf([image])
      documents.set(layer, Buffer.alloc(documents.get(layer)?.length ?? 0))
      const hollow = await archiveWith(documents, image.digest)
      await withExecutor({ images: [`${registry.host}/*`] }, async (executor) => {
        await run(executor, whole)
        await assert.rejects(prepare(executor, hollow), as('IMAGE_REFUSED', /layer 1 of 1 cannot be unpacked/))
        await assert.rejects(
          prepare(executor, { image: `${registry.host}/tests/image@${image.digest}` }),
          as('IMAGE_REFUSED', /./),
        )
        await assert.rejects(prepare(executor, { image: image.digest }), as('IMAGE_REFUSED', /does not allow/))
        // Who has all of it has it.
        const again = await archiveWith(new Map([...layoutOf([image]), ['more', Buffer.from('x')]]), image.digest)
        assert.equal((await run(executor, again)).said, 'ran\n')
      })
    })
  })

  describe('that are kept', () => {
    /** For so many images of this layer, and half of one. */
    let imageBytes = 0
    const roomFor = (images: number): number => Math.ceil((images + 0.5) * imageBytes)
    before(async () => {
      const image = await push()
      await withExecutor({}, (executor) => prepare(executor, { image }))
      const [name = ''] = await readdir(join(place.imagesDir, 'kept'))
      const record = await readFile(join(place.imagesDir, 'kept', name), 'utf8')
      imageBytes = (JSON.parse(record) as { diskBytes: number }).diskBytes
      assert.ok(imageBytes > busybox.length)
    })

    it('make room by who was not used for longest, never by what a task needs or what the operator has loaded', async () => {
      const operators = await place.image({ files: { '/x': 'the operator’s' } })
      const [one, two, three, four] = [await push(), await push(), await push(), await push()] as const
      const keyOf = (name: string): string => `souk-${place.launcher.instance}:manifest-${name.slice(-64)}`
      await withExecutor({ supply: { cacheBytes: roomFor(2), maxImageBytes: roomFor(2) } }, async (executor) => {
        const first = await prepare(executor, { image: one })
        first.release()
        ;(await prepare(executor, { image: two })).release()
        const again = executor.hold?.(task({ image: one }))
        assert.ok(again)
        const third = await prepare(executor, { image: three })
        assert.deepEqual(
          (await names()).filter((name) => name.startsWith('souk-')).toSorted(),
          [keyOf(one), keyOf(three)].toSorted(),
        )
        // Both are needed now.
        await assert.rejects(
          prepare(executor, { image: four }),
          as('STORAGE_FULL', /no room for one more image/, { fault: 'provider', retryable: true }),
        )
        again.release()
        third.release()
        await run(executor, { image: four })
        const left = (await names()).filter((name) => name.startsWith('souk-'))
        assert.equal(left.length, 2)
        assert.ok(left.includes(keyOf(four)))
        assert.ok(await place.docker.getImage(operators).inspect())
      })
    })

    it('stay as old as they were over a restart, and go where the budget has shrunk', async () => {
      const [one, two] = [await push(), await push()] as const
      await withExecutor({}, async (executor) => {
        await run(executor, { image: one })
        await run(executor, { image: two })
        executor.hold?.(task({ image: one }))?.release()
      })
      await withExecutor({ supply: { cacheBytes: roomFor(1), maxImageBytes: roomFor(1) } }, async (executor) => {
        assert.equal(await executor.reap({ signal: never, keep: [] }), 1)
        assert.deepEqual(await names(), [`souk-${place.launcher.instance}:manifest-${one.slice(-64)}`])
      })
    })

    it('go with the process that is the last of its data folder', async () => {
      const image = await push()
      await withExecutor({ supply: { keep: false } }, async (executor) => {
        assert.equal((await run(executor, { image })).said, 'ran\n')
        assert.equal((await names()).length, 1)
      })
      await nothingLeft()
    })

    it('are each node’s own where several share an engine', async () => {
      const image = await push()
      const other = 'another-node'
      const otherDir = join(dir, 'other')
      await withExecutor({ instance: other, supply: { dir: otherDir } }, async (stranger) => {
        await run(stranger, { image })
        await withExecutor({}, async (executor) => {
          await run(executor, { image })
          assert.equal((await names()).length, 2)
        })
        // Without a record of it, it is what a dead process has left.
        await rm(place.imagesDir, { recursive: true })
        await withExecutor({}, async (executor) => {
          assert.equal(await executor.reap({ signal: never, keep: [] }), 1)
          assert.deepEqual(await names(), [`souk-${other}:manifest-${image.slice(-64)}`])
          assert.equal((await run(stranger, { image })).said, 'ran\n')
        })
      })
    })

    it('are used as they are where the operator has them', async () => {
      const image = await push()
      const stream = await place.docker.pull(image)
      await new Promise((resolve) => place.docker.modem.followProgress(stream, resolve))
      const before = await names()
      await withExecutor({ supply: { registries: [] } }, async (executor) => {
        assert.equal((await run(executor, { image })).said, 'ran\n')
        assert.deepEqual(await names(), before)
      })
    })

    it('do not become ours where the engine has them from somebody, by no name', async () => {
      const image = anImage()
      const name = await push(image)
      const { files } = savedOf({ layers: [busybox] })
      const manifest = [{ Config: 'c.json', RepoTags: null, Layers: ['0.tar'] }]
      const [, config] = [...image.files].find(([path]) => path.endsWith(image.configDigest.slice(7))) ?? []
      assert.ok(config)
      files.clear()
      files
        .set('manifest.json', Buffer.from(JSON.stringify(manifest)))
        .set('c.json', config)
        .set('0.tar', busybox)
      const loaded = await place.docker.loadImage(Readable.from([archiveOf(files)]), {})
      for await (const _ of loaded) continue
      await withExecutor({}, async (executor) => {
        assert.equal((await run(executor, { image: name })).said, 'ran\n')
        assert.deepEqual(await names(), ['<none>:<none>'])
      })
    })

    it('are brought again where somebody has taken them from the engine', async () => {
      const image = await push()
      await withExecutor({}, async (executor) => {
        await run(executor, { image })
        await eventually(async () => assert.deepEqual(await place.docker.listContainers({ all: true }), []))
        for (const name of await names()) await place.docker.getImage(name).remove({ force: true })
        await assert.rejects(run(executor, { image }), as('EXECUTOR_FAILED', /./, { retryable: true }))
        assert.equal((await run(executor, { image })).said, 'ran\n')
      })
    })
  })

  describe('that are given to the engine', () => {
    it('leave nothing where that is cut off in the middle', async () => {
      const layer = rawTar({ name: 'zeros', content: Buffer.alloc(64 * MIB) })
      const image = anImage({ layers: [busybox, layer] })
      const brought = await archiveWith(layoutOf([image]), image.digest)
      await withExecutor({}, async (executor) => {
        const stop = new AbortController()
        const waiting = prepare(executor, brought, { signal: stop.signal })
        // From here on the engine is being given it.
        await eventually(async () => {
          const [folder = ''] = await coming()
          assert.deepEqual(await readdir(join(place.imagesDir, 'coming', folder)), ['id'])
        })
        stop.abort(new StopReason('cancelled'))
        await assert.rejects(waiting, (error) => error instanceof StopReason)
      })
      await eventually(async () => assert.deepEqual(await coming(), []))
      // What was sent to its last byte is kept; nothing is there by halves.
      for (const name of await names()) assert.match(name, /:archive-/)
      await withExecutor({}, async (executor) => assert.equal((await run(executor, brought)).said, 'ran\n'))
    })

    it('leave nothing where the engine dies, and come once it is back', async () => {
      const layer = rawTar({ name: 'zeros', content: Buffer.alloc(64 * MIB) })
      const image = anImage({ layers: [busybox, layer] })
      const brought = await archiveWith(layoutOf([image]), image.digest)
      await withExecutor({}, async (executor) => {
        const waiting = prepare(executor, brought)
        await eventually(async () => assert.equal((await coming()).length, 1))
        await place.engine.crash()
        await assert.rejects(waiting, as('RUNTIME_UNAVAILABLE', /./, { fault: 'provider', retryable: true }))
        await place.engine.restart()
        await executor.reap({ signal: never, keep: [] })
        assert.deepEqual(await coming(), [])
        assert.equal((await run(executor, brought)).said, 'ran\n')
      })
    })

    it('are looked for by the next process where this one has died meanwhile', async () => {
      const id = await place.image({ files: { '/x': 'nobody’s' } })
      const folder = join(place.imagesDir, 'coming', 'image-dead')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'id'), id)
      await withExecutor({}, async (executor) => assert.equal(await executor.reap({ signal: never, keep: [] }), 1))
      await nothingLeft()
    })
  })

  describe('of a registry that asks for a login', () => {
    let file: string
    before(() => {
      file = join(dir, 'login.json')
    })
    const supply = (): Partial<ImageSupply> => ({
      registries: [{ host: closed.host, insecure: true, credentialsFile: file }],
    })
    const pushed = (): Promise<string> => pushImage({ image: anImage(), registry: closed, repository: 'tests/image' })

    it('are pulled with the operator’s, which neither the engine nor the task sees', async () => {
      await writeFile(file, JSON.stringify(closed.credentials), { mode: 0o600 })
      const image = await pushed()
      await withExecutor({ supply: supply() }, async (executor) => {
        const { said } = await run(executor, {
          image,
          command: ['env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null; true'],
        })
        assert.ok(!said.includes(closed.credentials?.password ?? 'nothing'))
      })
    })

    it('are refused without one, or with another', async () => {
      const image = await pushed()
      const registries = [{ host: closed.host, insecure: true }]
      await withExecutor({ supply: { registries } }, (executor) =>
        assert.rejects(prepare(executor, { image }), as('IMAGE_REFUSED', /./)),
      )
      await writeFile(file, JSON.stringify({ username: 'somebody', password: 'something else' }), { mode: 0o600 })
      await withExecutor({ supply: supply() }, (executor) =>
        assert.rejects(prepare(executor, { image }), (error: SoukError) => {
          assert.ok(!JSON.stringify(error).includes('something else'))
          return as('IMAGE_REFUSED', /./)(error)
        }),
      )
    })

    it('are not pulled with a file that others can read, and Docker is not offered', async () => {
      const image = await pushed()
      await writeFile(file, JSON.stringify(closed.credentials))
      await chmod(file, 0o640)
      await withExecutor({ supply: supply() }, async (executor) => {
        await assert.rejects(prepare(executor, { image }), (error: SoukError) => {
          // Where it is is the operator's business alone.
          assert.ok(!JSON.stringify(error).includes(file))
          return as('EXECUTOR_FAILED', /login.*cannot be used/, { fault: 'operator' })(error)
        })
        const capability = await executor.probe(never)
        assert.ok(!capability.available)
        assert.match(capability.why, /may be read or written by others than its owner; chmod 0600/)
      })
    })
  })
})

interface Answering {
  readonly host: string
  /** Resolves with the first request. */
  readonly asked: Promise<void>
  /** Resolves when whoever asked first has gone. */
  readonly hungUp: Promise<void>
  stop(): Promise<void>
}

/** A registry that says what it is told to say, or nothing. */
async function answering(
  answer: (path: string) => { readonly type: string; readonly body: string } | 'silence' | undefined,
): Promise<Answering> {
  const asked = Promise.withResolvers<void>()
  const hungUp = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    asked.resolve()
    request.socket.once('close', () => hungUp.resolve())
    const said = answer(request.url ?? '')
    if (said === 'silence') return
    response.writeHead(said === undefined ? 404 : 200, { 'content-type': said?.type ?? 'text/plain' })
    response.end(said?.body ?? '')
  })
  const host = await listen(server)
  return { host, asked: asked.promise, hungUp: hungUp.promise, stop: () => close(server) }
}

/** Passes requests on, and remembers them. */
async function proxyTo(
  target: string,
): Promise<{ readonly host: string; readonly asked: readonly string[]; stop(): Promise<void> }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    fetch(`http://${target}${path}`, { headers: { accept: request.headers.accept ?? '*/*' } })
      .then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers))
        response.end(Buffer.from(await answer.arrayBuffer()))
      })
      .catch((error: Error) => response.destroy(error))
  })
  const host = await listen(server)
  return { host, asked, stop: () => close(server) }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
