import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import Docker from 'dockerode'
import { makeImage as makeEngineImage } from '../../scripts/docker-images.ts'
import { startOwnDockerEngine, type OwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import { makeImage } from '../fixtures/oci-images.ts'
import { pushFromEngine, pushImage, pushIndex } from '../fixtures/push-image.ts'
import { rawTar } from '../fixtures/raw-tar.ts'

describe("the tests' own registry", function () {
  this.timeout(240_000)
  let engine: OwnDockerEngine
  let docker: Docker
  let registry: OwnRegistry
  let closed: OwnRegistry

  before(async () => {
    ;[engine, registry, closed] = await Promise.all([
      startOwnDockerEngine(),
      startOwnRegistry(),
      startOwnRegistry({ auth: true }),
    ])
    docker = new Docker({ socketPath: engine.socketPath, agent: new Agent() } as Docker.DockerOptions)
  })
  after(async () => {
    await Promise.all([engine?.stop(), registry?.stop(), closed?.stop()])
  })

  const pull = async (name: string): Promise<string> => {
    const stream = await docker.pull(name)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()))
    await promise
    return (await docker.getImage(name).inspect()).Id
  }
  const image = makeImage({ layers: [rawTar({ name: 'hello', content: 'there' })], compression: 'gzip' })

  it('gives an engine what was put there', async () => {
    const place = { registry, repository: 'tests/hello' }
    assert.equal(await pull(await pushImage({ ...place, image })), image.configDigest)
    const platform = { os: 'linux', architecture: (await docker.version()).Arch }
    await pushIndex({ ...place, tag: 'both', images: [{ image, platform }] })
    assert.equal(await pull(`${registry.host}/tests/hello:both`), image.configDigest)
  })

  it('takes what an engine puts there', async () => {
    const id = await makeEngineImage({ socketPath: engine.socketPath, files: { '/hello': 'there' } })
    const name = await pushFromEngine({ docker, image: id, registry, repository: 'tests/engine', tag: '1' })
    await docker.getImage(`${registry.host}/tests/engine:1`).remove({ force: true })
    assert.equal(await pull(name), id)
  })

  it('asks for a name and a password where it was told to', async () => {
    const { host, credentials } = closed
    const place = { repository: 'tests/hello', image }
    await assert.rejects(pushImage({ ...place, registry: { host } }), /401/)
    const stranger = { username: 'somebody', password: 'another' }
    await assert.rejects(pushImage({ ...place, registry: { host, credentials: stranger } }), /401/)
    assert.ok(credentials)
    await assert.doesNotReject(pushImage({ ...place, registry: { host, credentials } }))
  })
})
