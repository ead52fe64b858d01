import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import { loadTask, taskFromCommandLine } from '../../src/client/load-task.ts'
import { dockerConfigFile, pinImage } from '../../src/client/pin-image.ts'
import { SoukError } from '../../src/protocol/errors.ts'
import { startHttpServer } from '../fixtures/http-server.ts'
import { makeImage } from '../fixtures/oci-images.ts'
import { pushImage } from '../fixtures/push-image.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

describe('an image by its tag', function () {
  this.timeout(120_000)
  let dir: string
  let registry: OwnRegistry
  let dockerConfig: string
  let pinned: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-pin-'))
    registry = await startOwnRegistry({ auth: true })
    const image = makeImage({ layers: [rawTar({ name: 'hello', content: 'there' })] })
    pinned = await pushImage({ registry, repository: 'tests/hello', tag: '1', image })
    const { username, password } = registry.credentials ?? assert.fail()
    const auth = Buffer.from(`${username}:${password}`).toString('base64')
    dockerConfig = join(dir, 'config.json')
    await writeFile(dockerConfig, JSON.stringify({ auths: { [registry.host]: { auth } } }))
  })
  after(async () => {
    await registry?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const pin = (image: string, more = {}): Promise<string> => pinImage({ image, dockerConfig, ...more })
  const refused = async (work: Promise<unknown>): Promise<SoukError> => {
    const thrown = await work.then(
      () => assert.fail('it was not refused'),
      (error: unknown) => error,
    )
    assert.ok(thrown instanceof SoukError, String(thrown))
    return thrown
  }

  it('is what its registry says, in a task file and on a command line', async () => {
    const image = `${registry.host}/tests/hello:1`
    const told: object[] = []
    const images = { dockerConfig, onPinned: (pin: object) => void told.push(pin) }
    const text = `version: 1\nname: a\nruntime: { image: '${image}' }\ncommand: [a]\n`
    const file = await loadTask({ text, format: 'yaml', baseDir: dir, images })
    assert.deepEqual(file.spec.runtime, { image: pinned })
    const line = await taskFromCommandLine({ docker: image, baseDir: dir, images })
    assert.deepEqual(line.spec.runtime, { type: 'docker', image: pinned })
    assert.deepEqual(JSON.parse(new TextDecoder().decode(line.bytes)).runtime, line.spec.runtime)
    assert.deepEqual(told, [
      { image, pinned },
      { image, pinned },
    ])
  })

  it('asks nobody about what is pinned', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    for (const image of [digest, `registry.invalid/x@${digest}`, `registry.invalid/x:1@${digest}`])
      assert.equal(await pin(image, { dockerConfig: '/dev/null/none' }), image)
  })

  it('asks nobody before the files of the task are found to be there', async () => {
    const server = await startHttpServer((_, response) => void response.writeHead(500).end())
    try {
      const text = `version: 1\nruntime: { image: '${server.host}/x:1' }\ninputs: [{ source: none, target: /none }]\n`
      const error = await refused(loadTask({ text, format: 'yaml', baseDir: dir }))
      assert.deepEqual([error.code, server.paths], ['INVALID_INPUT', []])
    } finally {
      await server.close()
    }
  })

  it('needs a login where the registry wants one, and says where it would have been', async () => {
    const image = `${registry.host}/tests/hello:1`
    const none = await refused(pin(image, { dockerConfig: join(dir, 'none.json') }))
    assert.deepEqual([none.code, none.fault], ['IMAGE_REFUSED', 'requester'])
    assert.match(none.hint, /`docker login 127\.0\.0\.1:\d+` keeps a login/)
    const helper = join(dir, 'helper.json')
    await writeFile(helper, JSON.stringify({ credsStore: 'desktop' }))
    assert.match((await refused(pin(image, { dockerConfig: helper }))).hint, /credential helper, and souk starts none/)
    await writeFile(helper, 'hunter2')
    const broken = await refused(pin(image, { dockerConfig: helper }))
    assert.deepEqual([broken.code, broken.fault], ['CONFIG_INVALID', 'requester'])
    assert.doesNotMatch(JSON.stringify(broken), /hunter2/)
  })

  it('is asked for over plain HTTP on this machine, and elsewhere only where that is said', async () => {
    const { port } = new URL(`http://${registry.host}`)
    const local = await pin(`localhost:${port}/tests/hello:1`, { dockerConfig: await loginFor(`localhost:${port}`) })
    assert.equal(local, pinned.replace('127.0.0.1', 'localhost'))
    // It leads to this machine, too, and is not known to.
    const abroad = `0.0.0.0:${port}`
    const login = { dockerConfig: await loginFor(abroad) }
    const error = await refused(pin(`${abroad}/tests/hello:1`, login))
    assert.deepEqual([error.code, error.retryable], ['UNREACHABLE', true])
    assert.match(error.hint, /plain HTTP has to be named as such/)
    const insecure = await pin(`${abroad}/tests/hello:1`, { ...login, insecureRegistries: [abroad] })
    assert.equal(insecure, pinned.replace('127.0.0.1', '0.0.0.0'))
  })

  const loginFor = async (host: string): Promise<string> => {
    const { username, password } = registry.credentials ?? assert.fail()
    const folder = join(dir, host.replace(':', '-'))
    await mkdir(folder)
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ auths: { [`http://${host}/v2/`]: { username, password } } }),
    )
    return dockerConfigFile({ DOCKER_CONFIG: folder })
  }

  it('ends with the reason of a signal', async () => {
    const server = await startHttpServer(() => undefined)
    try {
      const reason = new Error('enough')
      const stop = new AbortController()
      const work = pin(`${server.host}/x:1`, { signal: stop.signal })
      setTimeout(() => stop.abort(reason), 100)
      await assert.rejects(work, reason)
    } finally {
      await server.close()
    }
  })
})
