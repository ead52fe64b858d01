import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import Docker from 'dockerode'
import { makeImage } from '../../scripts/docker-images.ts'
import { startOwnDockerEngine, type OwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import { serialisedErrorSchema } from '../../src/protocol/errors.ts'
import type { NodeStatus, RuntimeStatus } from '../../src/protocol/node-status.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import type { TaskSpec } from '../../src/protocol/task.ts'
import { engineContents } from '../fixtures/left-on-host.ts'
import { pushFromEngine } from '../fixtures/push-image.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const WITHIN_MS = 60_000

describe('souk, with containers', function () {
  this.timeout(240_000)
  let dir: string
  let home: string
  let engine: OwnDockerEngine
  let registry: OwnRegistry
  let image: string
  /** The same image, as the registry has it. */
  let pushed: string
  let provider: ProviderProcess

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-docker-e2e-'))
    home = join(dir, 'requester')
    await mkdir(home)
    ;[engine, registry] = await Promise.all([startOwnDockerEngine(), startOwnRegistry({ auth: true })])
    const { socketPath } = engine
    image = await makeImage({ socketPath, busybox: true })
    const own = new Docker({ socketPath })
    await own.getImage(image).tag({ repo: 'box', tag: '1' })
    pushed = await pushFromEngine({ docker: own, image, registry, repository: 'tests/box', tag: '1' })
    const login = join(dir, 'login.json')
    await writeFile(login, JSON.stringify(registry.credentials), { mode: 0o600 })
    const docker = {
      enabled: true,
      socket: socketPath,
      images: [image, `${registry.host}/tests/box`],
      registries: [`http://${registry.host}=${login}`],
      archives: true,
    }
    provider = await startProvider({ dir: join(dir, 'provider'), config: `sandbox: ${JSON.stringify({ docker })}\n` })
  })
  after(async () => {
    await provider?.end('SIGKILL')
    await Promise.all([engine?.stop(), registry?.stop()])
    await rm(dir, { recursive: true, force: true })
  })

  const command = (...args: string[]): Promise<CommandEnd> =>
    souk({ args, home, env: { SOUK_SANDBOX_DOCKER_SOCKET: engine.socketPath } })
  const echo = (where: readonly string[], named: string): Promise<CommandEnd> =>
    command('run', ...where, '--json', '--docker', named, '--env', 'WHO=you', '--', '/bin/sh', '-c', 'echo hi $WHO')
  const there = (): readonly string[] => ['--to', provider.multiaddr]
  const documentOf = ({ stdout, stderr }: CommandEnd): RunDocument => {
    assert.match(stdout, /^[^\n]+\n$/, stderr)
    return runDocumentSchema.parse(JSON.parse(stdout))
  }
  const errorOf = ({ stdout }: CommandEnd) =>
    serialisedErrorSchema.parse((JSON.parse(stdout) as { error: unknown }).error)
  const dockerAtProvider = async (): Promise<RuntimeStatus> => {
    const config = join(dir, 'provider/provider.yaml')
    const { stdout } = await souk({ args: ['node', 'status', '--json', '--config', config], home })
    const found = (JSON.parse(stdout) as NodeStatus).runtimes.find(({ runtime }) => runtime === 'docker')
    return found ?? assert.fail(stdout)
  }
  const until = async (what: string, condition: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + WITHIN_MS
    while (!(await condition())) {
      assert.ok(performance.now() < deadline, `${what} within ${WITHIN_MS} ms`)
      await setTimeout(200)
    }
  }

  it('runs a pinned image at a provider, and by its tag here, to the same end', async () => {
    const [remote, local] = await Promise.all([echo(there(), image), echo(['--local'], 'box:1')])
    const [a, b] = [documentOf(remote), documentOf(local)]
    for (const key of ['runtime', 'outcome', 'stdout', 'outputs', 'isolation'] as const)
      assert.deepEqual(a[key], b[key], key)
    assert.equal(a.stdout, 'hi you\n')
    assert.equal(a.runtime, 'docker')
    assert.match(local.stderr, new RegExp(`image box:1 is ${image} here\n`))
    assert.equal(b.name, 'box')
  })

  it('takes a tag in a task file for what it is here, and the task says which that was', async () => {
    const file = join(dir, 'task.yaml')
    await writeFile(file, 'version: 1\nruntime: {image: box:1}\ncommand: [/bin/sh, -c, echo from a file]\n')
    const document = documentOf(await command('run', '--local', '--json', file))
    assert.equal(document.stdout, 'from a file\n')
    assert.deepEqual((JSON.parse(document.spec ?? '') as TaskSpec).runtime, { image })
  })

  it('has a registry say what a tag means before it signs, and says so', async () => {
    const tag = `${registry.host}/tests/box:1`
    const stranger = await echo(there(), tag)
    assert.deepEqual([stranger.code, errorOf(stranger).code], [125, 'IMAGE_REFUSED'])
    assert.match(errorOf(stranger).hint, /docker login 127\.0\.0\.1:/)
    const { username, password } = registry.credentials ?? assert.fail()
    const auth = Buffer.from(`${username}:${password}`).toString('base64')
    await mkdir(join(home, '.docker'))
    await writeFile(join(home, '.docker/config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }))
    const end = await echo(there(), tag)
    const document = documentOf(end)
    assert.deepEqual([document.stdout, document.name], ['hi you\n', 'box'])
    assert.deepEqual((JSON.parse(document.spec ?? '') as TaskSpec).runtime, { type: 'docker', image: pushed })
    assert.match(end.stderr, new RegExp(`image ${tag} is ${pushed}\n`))
    const missing = await echo(there(), `${registry.host}/tests/box:2`)
    assert.deepEqual([missing.code, errorOf(missing).code], [125, 'IMAGE_REFUSED'])
    assert.match(errorOf(missing).message, /does not have the manifest/)
  })

  it('takes along an image in a file, here and to a provider, to the same end', async () => {
    const file = join(dir, 'saved.tar')
    const brought = await makeImage({
      socketPath: engine.socketPath,
      busybox: true,
      files: { '/etc/brought': 'along\n' },
    })
    const docker = new Docker({ socketPath: engine.socketPath })
    await pipeline(await docker.getImage(brought).get(), createWriteStream(file))
    await docker.getImage(brought).remove({ force: true })
    const args = ['--json', '--docker', file, '--', '/bin/cat', '/etc/brought'] as const
    const [here, away] = [
      documentOf(await command('run', '--local', ...args)),
      documentOf(await command('run', ...there(), ...args)),
    ]
    for (const key of ['name', 'runtime', 'outcome', 'stdout', 'spec', 'isolation'] as const)
      assert.deepEqual(here[key], away[key], key)
    assert.deepEqual([away.stdout, away.runtime, away.name], ['along\n', 'docker', 'saved'])
    const { runtime } = JSON.parse(away.spec ?? '') as TaskSpec
    assert.ok('archive' in runtime && runtime.type === 'docker')
    assert.equal(runtime.image, brought)
    const other = await command('run', ...there(), '--json', '--docker', join(dir, 'none.tar'), '--', 'true')
    assert.deepEqual([other.code, errorOf(other).code], [2, 'INVALID_INPUT'])
    assert.match(errorOf(other).message, /none\.tar: there is no such file/)
  })

  it('tells the requester that his image is pulled', async () => {
    const docker = new Docker({ socketPath: engine.socketPath })
    const pulled = await makeImage({ socketPath: engine.socketPath, busybox: true, files: { '/etc/pulled': 'over\n' } })
    const named = await pushFromEngine({ docker, image: pulled, registry, repository: 'tests/box', tag: '2' })
    await docker.getImage(pulled).remove({ force: true })
    const end = await command('run', ...there(), '--docker', named, '--', '/bin/cat', '/etc/pulled')
    assert.deepEqual([end.code, end.stdout], [0, 'over\n'], end.stderr)
    assert.match(end.stderr, /pulling its image, \d+(?:\.\d+)?[km]\n/)
    const again = await command('run', ...there(), '--docker', named, '--', '/bin/cat', '/etc/pulled')
    assert.equal(again.code, 0)
    assert.doesNotMatch(again.stderr, /pulling|transferring/)
  })

  it('says what is wrong with an image, and what would be right', async () => {
    const unknown = await echo(there(), `sha256:${'0'.repeat(64)}`)
    assert.deepEqual([unknown.code, errorOf(unknown).code], [125, 'IMAGE_REFUSED'])
    const missing = await echo(['--local'], 'box:2')
    assert.deepEqual([missing.code, errorOf(missing).code], [125, 'IMAGE_REFUSED'])
  })

  it('refuses a class of runtimes and GPUs that a provider does not offer, by name, and a class for what is no container', async () => {
    const reasonsOf = (end: CommandEnd): readonly unknown[] => {
      const error = errorOf(end)
      assert.deepEqual([end.code, error.code], [125, 'REFUSED'], error.message)
      const { reasons } = error.details as { reasons: { reason: string; subject?: string; offered?: string }[] }
      return reasons.map(({ reason, subject, offered }) => [reason, subject, offered])
    }
    const run = (...more: string[]): Promise<CommandEnd> => command('run', ...there(), '--json', ...more)
    const docker = ['--docker', image] as const
    assert.deepEqual(reasonsOf(await run(...docker, '--class', 'kata', '--gpus', '1', '--', 'true')), [
      ['CAP_ABOVE_OFFER', 'gpus', '0'],
      ['UNKNOWN_CLASS', 'runtime.class', ''],
    ])
    assert.deepEqual(reasonsOf(await run('--gpus', '2', 'examples/word-count.yaml')), [
      ['CAP_ABOVE_OFFER', 'gpus', '0'],
    ])
    // Here it is the operator himself who asks: what his engine has is on.
    const here = await command('run', '--local', '--json', ...docker, '--class', 'runc', '--', '/bin/echo', 'hi')
    assert.equal(documentOf(here).stdout, 'hi\n')
    const wasm = await run('--class', 'kata', 'examples/word-count.yaml')
    assert.deepEqual([wasm.code, errorOf(wasm).code], [2, 'INVALID_USAGE'])
  })

  it('shows the operator what a running task uses, and how much of its limits that is', async () => {
    const config = join(dir, 'provider/provider.yaml')
    const script = 'while ! [ -e /tmp/over ]; do :; done'
    const detached = await command(
      'run',
      ...there(),
      '--detach',
      '--docker',
      image,
      '--timeout',
      '1m',
      '--',
      '/bin/sh',
      '-c',
      script,
    )
    const taskId = detached.stdout.trim()
    const running = async (): Promise<NodeStatus['running'][number] | undefined> => {
      const { stdout } = await souk({ args: ['node', 'status', '--json', '--config', config], home })
      return (JSON.parse(stdout) as NodeStatus).running.find((each) => each.taskId === taskId)
    }
    await until('its use is known', async () => (await running())?.usage?.cpuCores !== undefined)
    const { usage, limits, runtime } = (await running()) ?? assert.fail('it does not run')
    assert.equal(runtime, 'docker')
    assert.ok(usage !== undefined && usage.cpuTimeMs > 0 && usage.memoryBytes > 0, JSON.stringify(usage))
    assert.ok((usage.cpuCores ?? 0) > 0 && usage.memoryBytes <= (limits.memoryBytes ?? 0), JSON.stringify(usage))
    assert.equal(usage.pids, 1)
    const shown = await souk({ args: ['node', 'status', '--config', config], home })
    assert.match(shown.stdout, /^RUNNING +NAME +RUNTIME +TIME +CORES/m)
    assert.match(shown.stdout, new RegExp(`^${taskId.slice(0, 10)}.* docker .*, \\d+%`, 'm'))
    assert.equal((await command('tasks', 'cancel', taskId, ...there())).code, 0)
    await until('it is over', async () => (await running()) === undefined)
  })

  it('tells the operator of images that were refused', async () => {
    const { denied } = JSON.parse(
      (await souk({ args: ['node', 'status', '--json', '--config', join(dir, 'provider/provider.yaml')], home }))
        .stdout,
    ) as NodeStatus
    const docker = denied.find(({ runtime }) => runtime === 'docker')
    assert.ok((docker?.images ?? 0) >= 1, JSON.stringify(denied))
  })

  it('is told when the engine of a provider is gone, and it is back by itself', async () => {
    assert.equal((await dockerAtProvider()).available, true)
    await engine.crash()
    await until('withdrawn', async () => !(await dockerAtProvider()).available)
    const refused = errorOf(await echo(there(), image))
    assert.equal(refused.code, 'REFUSED')
    assert.match(refused.message, /docker does not work on this provider: /)
    assert.deepEqual(
      (refused.details as { reasons: { reason: string }[] }).reasons.map(({ reason }) => reason),
      ['RUNTIME_UNAVAILABLE'],
    )
    // The other runtimes go on.
    assert.equal((await command('run', ...there(), '--quiet', 'examples/word-count.yaml')).code, 0)
    await engine.restart()
    await until('back', async () => (await dockerAtProvider()).available)
    assert.equal(documentOf(await echo(there(), image)).stdout, 'hi you\n')
  })

  it('leaves nothing in the engine', async () => {
    assert.equal(await provider.end('SIGTERM'), 0)
    assert.deepEqual(await engineContents(engine.socketPath), { containers: [], volumes: [] })
  })
})
