import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { openImageCache } from '../../../src/artifacts/oci-cache.ts'
import type { Executor, NativeTask } from '../../../src/executors/executor.ts'
import { createNativeExecutor } from '../../../src/native/executor.ts'
import { SoukError } from '../../../src/protocol/errors.ts'
import { ROOMY_LIMITS } from '../../conformance/behaviours.ts'
import { collector } from '../../conformance/executor-conformance.ts'
import { busyboxLayer } from '../../fixtures/busybox-layer.ts'
import { startNativeLauncher, type TestLauncher } from '../../fixtures/native-launcher.ts'
import { archiveOf, layoutOf, makeImage } from '../../fixtures/oci-images.ts'
import { rawTar, type RawEntry } from '../../fixtures/raw-tar.ts'
import { layBait, type Bait } from '../bait.ts'

/** Layers over one with a shell; `up` leads from the root of the image to the root of the host, `bait` to a folder there. */
interface HostileImage {
  readonly name: string
  readonly layers: (paths: { readonly up: string; readonly bait: string }) => readonly (readonly RawEntry[])[]
  /** Where it is taken, what its task sees: the file that it would have changed, from inside. */
  readonly taken?: true
}

const file = (name: string, content = ''): RawEntry => ({ name, content })
const folder = (name: string): RawEntry => ({ name, type: '5', mode: 0o777 })
const link = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname })
const hard = (name: string, linkname: string): RawEntry => ({ name, type: '1', linkname })

/** By the class of what other unpackers have done: Docker, containerd, umoci, buildah, tar itself. */
const IMAGES: readonly HostileImage[] = [
  {
    name: 'a link, and a file through it in the same layer',
    layers: ({ bait }) => [[link('x', bait), file('x/secret', 'changed')]],
  },
  {
    name: 'a link, and a file through it in the next layer',
    layers: ({ bait }) => [[link('x', bait)], [file('x/secret', 'changed')]],
  },
  {
    name: 'a relative link that leads up, and a file through it in the next layer',
    layers: ({ up, bait }) => [[link('x', `${up}${bait}`)], [file('x/secret', 'changed')]],
  },
  {
    name: 'links through links, and a file through them',
    layers: ({ bait }) => [[link('a', '/'), link('b', 'a/tmp')], [file(`b/${basename(bait)}/secret`, 'changed')]],
  },
  {
    name: 'a link in the place of a file that is written',
    taken: true,
    layers: ({ bait }) => [[link('f', `${bait}/secret`)], [file('f', 'changed')]],
  },
  {
    name: 'a folder that a later layer makes a link, and a file in it in the one after',
    layers: ({ bait }) => [[folder('x'), file('x/a')], [link('x', bait)], [file('x/secret', 'changed')]],
  },
  {
    name: 'a folder that a whiteout and a link take the place of',
    layers: ({ bait }) => [[file('x/a')], [file('.wh.x'), link('x', bait), file('x/secret', 'changed')]],
  },
  { name: 'a whiteout through a link', layers: ({ bait }) => [[link('x', bait)], [file('x/.wh.secret')]] },
  {
    name: 'an opaque whiteout in a folder that is a link',
    layers: ({ bait }) => [[link('x', bait)], [file('x/.wh..wh..opq')]],
  },
  { name: 'a whiteout of a link to a folder', taken: true, layers: ({ bait }) => [[link('x', bait)], [file('.wh.x')]] },
  { name: 'a whiteout of the folder itself', layers: () => [[file('.wh..')]] },
  { name: 'a whiteout of the folder above', layers: () => [[file('.wh...')]] },
  { name: 'a whiteout of the folder above, below one', layers: () => [[folder('x')], [file('x/.wh...')]] },
  { name: 'a whiteout with a path in its name', layers: ({ up, bait }) => [[file(`.wh.${up}${bait}/secret`)]] },
  {
    name: 'an opaque whiteout of everything',
    taken: true,
    layers: () => [[folder('gone')], [file('gone/.wh..wh..opq')]],
  },
  { name: 'a hard link to a file of the host', layers: ({ bait }) => [[hard('f', `${bait}/secret`)]] },
  { name: 'a hard link that leads up', layers: ({ up, bait }) => [[hard('f', `${up}${bait}/secret`)]] },
  {
    name: 'a hard link through a link',
    layers: ({ bait }) => [[link('x', bait)], [hard('f', 'x/secret'), file('f', 'changed')]],
  },
  {
    name: 'a hard link to a link, and a file in the place of it',
    taken: true,
    layers: ({ bait }) => [[link('x', `${bait}/secret`)], [hard('f', 'x')], [file('f', 'changed')]],
  },
  { name: 'names that lead up', layers: ({ up, bait }) => [[file(`${up}${bait}/secret`, 'changed')]] },
  {
    name: 'names that lead up behind a folder',
    layers: ({ up, bait }) => [[file(`a/../${up}${bait}/secret`, 'changed')]],
  },
  { name: 'names from the root', layers: ({ bait }) => [[file(`${bait}/secret`, 'changed')]] },
  { name: 'a device', layers: () => [[{ name: 'dev', type: '4' }]] },
  { name: 'a pipe', layers: () => [[{ name: 'pipe', type: '6' }]] },
  { name: 'the root made a link', layers: ({ bait }) => [[link('.', bait), file('secret', 'changed')]] },
  { name: 'folders that the sandbox mounts over made links', layers: ({ bait }) => [[link('proc', bait)]] },
  { name: 'a temporary folder that is a link', layers: ({ bait }) => [[file('.wh.tmp')], [link('tmp', bait)]] },
]

describe('escape: images against whoever unpacks and runs them', function () {
  this.timeout(120_000)
  let dir: string
  let bait: Bait
  let place: TestLauncher
  let executor: Executor<NativeTask>
  let base: Uint8Array

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-escape-images-'))
    bait = await layBait()
    place = await startNativeLauncher()
    base = await busyboxLayer()
    await mkdir(join(dir, 'jobs'))
    const cache = await openImageCache({ dir: join(dir, 'cache'), quotaBytes: 1e9, bootId: 'one', own: new Set() })
    executor = createNativeExecutor({ launcher: place.launcher, images: { cache, offered: [] } })
  })
  after(async () => {
    await executor.close()
    await place.remove()
    await bait.remove()
    await rm(dir, { recursive: true })
  })

  /** What the task in it prints and exits with, or with what code it is refused. */
  async function run(layers: readonly Uint8Array[]): Promise<{ readonly end: string; readonly text: string }> {
    const script =
      'cat /x/secret /f 2>/dev/null; echo changed 2>/dev/null > /x/secret; echo changed 2>/dev/null > /f; exit 7'
    const image = makeImage({ layers, compression: 'gzip', config: { Cmd: ['/bin/sh', '-c', script] } })
    const source = join(dir, 'image.tar')
    const archive = archiveOf(layoutOf([image]))
    await writeFile(source, archive)
    const stdout = collector()
    const job = await mkdtemp(join(dir, 'jobs/job-'))
    try {
      const { outcome } = await executor.run({
        task: {
          runtime: 'native',
          name: 'hostile',
          root: {
            kind: 'image',
            image: image.digest,
            archive: { source, sha256: image.digest, bytes: archive.length },
          },
          command: [],
          env: {},
          inputs: [],
          outputs: [],
        },
        limits: ROOMY_LIMITS,
        dir: job,
        stdin: Readable.from([]),
        stdout: stdout.stream,
        stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
        signal: new AbortController().signal,
        onStarted: () => {},
      })
      return { end: JSON.stringify(outcome), text: stdout.content().toString() }
    } catch (error) {
      assert.ok(error instanceof SoukError, String(error))
      assert.equal(error.fault, 'requester', error.message)
      return { end: error.code, text: stdout.content().toString() }
    } finally {
      await rm(job, { recursive: true })
    }
  }

  for (const { name, layers, taken = false } of IMAGES) {
    it(`holds: ${name}`, async () => {
      const up = `${relative(join(dir, 'cache/partial/0123456789abcdef/root'), '/')}`
      const folders = layers({ up, bait: join(bait.file, '..') })
      const { end, text } = await run([base, ...folders.map((entries) => rawTar(...entries))])
      const exited = JSON.stringify({ kind: 'exited', code: 7 })
      if (taken) assert.equal(end, exited)
      else assert.ok(end === 'IMAGE_REFUSED' || end === 'INVALID_INPUT', end)
      assert.ok(!text.includes(bait.secret), 'it has read a file of the host')
      await bait.assertUntouched()
      assert.deepEqual(await readdir(join(bait.file, '..')), ['secret', 'socket'])
      assert.deepEqual(await readdir(join(dir, 'cache/partial')), [])
      assert.equal((await run([base, rawTar(file('clean'))])).end, exited)
    })
  }
})
