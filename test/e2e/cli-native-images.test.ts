import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import Docker from 'dockerode'
import { makeImage as importImage } from '../../scripts/docker-images.ts'
import { startOwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { serialisedErrorSchema, type SerialisedError } from '../../src/protocol/errors.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import type { TaskSpec } from '../../src/protocol/task.ts'
import { busyboxLayer } from '../fixtures/busybox-layer.ts'
import { archiveOf, layoutOf, makeImage, type MadeImage } from '../fixtures/oci-images.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const SCRIPT = 'echo "$WHO in $PWD: $*"'

describe('souk, with images and no engine', function () {
  this.timeout(240_000)
  let dir: string
  let home: string
  let provider: ProviderProcess
  let savedId: string
  let box: MadeImage

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-images-e2e-'))
    home = join(dir, 'requester')
    await mkdir(home)
    savedId = await saveImage(join(dir, 'saved.tar'))
    const layer = await busyboxLayer()
    const config = { Entrypoint: ['/bin/sh', '-c', SCRIPT, 'sh'], Cmd: ['own'], Env: ['WHO=box'], WorkingDir: '/tmp' }
    box = makeImage({ layers: [layer], compression: 'gzip', config })
    const foreign = makeImage({ layers: [layer], config, architecture: 'riscv128' })
    await writeFile(join(dir, 'oci.tar'), archiveOf(layoutOf([foreign, box])))
    await writeFile(join(dir, 'foreign.tar'), archiveOf(layoutOf([foreign])))
    const layout = join(dir, 'layout')
    for (const [path, content] of layoutOf([box])) {
      await mkdir(dirname(join(layout, path)), { recursive: true })
      await writeFile(join(layout, path), content)
    }
    const native = { enabled: true, images: [`tools/box@${box.digest}=${layout}`] }
    provider = await startProvider({
      dir: join(dir, 'provider'),
      config: `sandbox: ${JSON.stringify({ wasm: { enabled: false }, native })}\n`,
    })
  })
  after(async () => {
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  /** What `docker save` writes, of an image that a real engine has. */
  async function saveImage(file: string): Promise<string> {
    const engine = await startOwnDockerEngine()
    try {
      const { socketPath } = engine
      const id = await importImage({
        socketPath,
        busybox: true,
        changes: [
          `ENTRYPOINT ["/bin/sh", "-c", ${JSON.stringify(SCRIPT)}, "sh"]`,
          'CMD ["own"]',
          'ENV WHO=docker',
          'WORKDIR /etc',
        ],
      })
      await pipeline(await new Docker({ socketPath }).getImage(id).get(), createWriteStream(file))
      return id
    } finally {
      await engine.stop()
    }
  }

  const run = (...args: readonly string[]): Promise<CommandEnd> => souk({ args: ['run', ...args], home })
  const there = (): readonly string[] => ['--to', provider.multiaddr]
  const taskFile = async (runtime: object, command: readonly string[] = []): Promise<string> => {
    const file = join(dir, 'task.json')
    await writeFile(file, JSON.stringify({ version: 1, name: 'box', runtime, command }))
    return file
  }
  const documentOf = ({ stdout, stderr }: CommandEnd): RunDocument => {
    assert.match(stdout, /^[^\n]+\n$/, stderr)
    return runDocumentSchema.parse(JSON.parse(stdout))
  }
  const errorOf = ({ stdout }: CommandEnd): SerialisedError =>
    serialisedErrorSchema.parse((JSON.parse(stdout) as { error: unknown }).error)

  it('runs what `docker save` wrote, here and at a provider, to the same end and by the engine’s own id', async () => {
    const args = ['--json', '--native', join(dir, 'saved.tar'), '--', 'a', 'b c']
    const [here, away] = [documentOf(await run('--local', ...args)), documentOf(await run(...there(), ...args))]
    for (const key of ['name', 'runtime', 'outcome', 'stdout', 'stderr', 'spec', 'isolation'] as const)
      assert.deepEqual(here[key], away[key], key)
    assert.equal(away.stdout, 'docker in /etc: a b c\n')
    assert.deepEqual([away.runtime, away.name], ['native', 'saved'])
    assert.deepEqual(verifyDocument(away).receipt, away.receipt)
    const { runtime } = JSON.parse(away.spec ?? '') as TaskSpec
    assert.ok('archive' in runtime)
    assert.equal(runtime.image, savedId)
  })

  it('runs an OCI archive that a task file names: the image of several that is for this machine', async () => {
    const file = await taskFile({ type: 'native', image: './oci.tar' })
    const end = await run('--local', '--quiet', file)
    assert.deepEqual({ code: end.code, stdout: end.stdout }, { code: 0, stdout: 'box in /tmp: own\n' }, end.stderr)
    const document = documentOf(
      await run(...there(), '--json', '--env', 'WHO=task', await taskFile({ image: `./oci.tar@${box.digest}` }, ['x'])),
    )
    assert.equal(document.stdout, 'task in /tmp: x\n')
    const again = documentOf(await run(...there(), '--json', '--native', join(dir, 'oci.tar')))
    assert.equal(again.stdout, 'box in /tmp: own\n')
  })

  it('runs an image that the provider offers, and is told what that offers where it is another one', async () => {
    const document = documentOf(await run(...there(), '--json', '--native', `tools/box@${box.digest}`, '--', 'offered'))
    assert.equal(document.stdout, 'box in /tmp: offered\n')
    assert.equal(document.name, 'box')
    // Whoever does not say so means an engine's, where there is one; here is none.
    assert.equal(
      documentOf(await run(...there(), '--json', await taskFile({ image: `tools/box@${box.digest}` }))).stdout,
      'box in /tmp: own\n',
    )
    const other = await run(...there(), '--json', '--native', `tools/box@${savedId}`)
    assert.deepEqual([other.code, errorOf(other).code], [125, 'IMAGE_REFUSED'])
    assert.match(errorOf(other).message, new RegExp(`it offers tools/box@${box.digest}`))
  })

  it('says what is wrong with an archive before it is sent, and what would be right', async () => {
    const foreign = await run(...there(), '--json', '--native', join(dir, 'foreign.tar'))
    assert.deepEqual([foreign.code, errorOf(foreign).code], [125, 'IMAGE_REFUSED'])
    assert.match(errorOf(foreign).message, /is for linux on riscv128/)
    await writeFile(join(dir, 'tar.tar'), archiveOf(new Map([['file', Buffer.from('x')]])))
    const none = await run(...there(), '--json', '--native', join(dir, 'tar.tar'))
    assert.deepEqual([none.code, errorOf(none).code], [2, 'INVALID_INPUT'])
    assert.match(errorOf(none).message, /runtime\.image names .*neither an OCI archive/)
  })

  it('keeps what it has unpacked below its data folder, and nothing of it after a run here', async () => {
    const images = join(dir, 'provider/data/instances/native/images')
    const kept = [`config-${savedId.slice(7)}`, `manifest-${box.digest.slice(7)}`]
    assert.deepEqual((await readdir(join(images, 'images'))).sort(), kept)
    assert.deepEqual(await readdir(join(images, 'partial')), [])
    assert.deepEqual(await readdir(join(home, 'souk/local')), [])
  })
})
