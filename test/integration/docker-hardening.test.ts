import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { containerRecipe } from '../../src/executors/docker/container-recipe.ts'
import { connectEngine, type ContainerRecipe, type DockerEngine } from '../../src/executors/docker/engine.ts'
import { differencesOf } from '../../src/executors/docker/hardening.ts'
import { runtimeClasses } from '../../src/executors/docker/runtime-classes.ts'
import { readSeccompProfile } from '../../src/executors/docker/seccomp-profile.ts'
import type { DockerTask, Executor } from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { settled } from '../conformance/leftovers.ts'
import { NOBODY, startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'

const INIT = fileURLToPath(new URL('../../build/souk-container-init', import.meta.url))
/** Says everything that an image can say of how it is run. */
const TALKATIVE = [
  'USER 0',
  'ENV LD_PRELOAD=/lib/evil.so',
  'EXPOSE 80',
  'HEALTHCHECK CMD true',
  'LABEL souk.instance=other com.docker.compose.project=x',
  'ONBUILD RUN false',
  'VOLUME /tmp',
  'WORKDIR /root',
]

describe('the walls of a Docker container, as the engine reports them before it starts', function () {
  this.timeout(120_000)
  let place: DockerPlace
  let engine: DockerEngine
  let image: string
  let recipe: ContainerRecipe
  const cleanUp = new AsyncDisposableStack()

  before(async () => {
    place = await startDockerPlace()
    cleanUp.defer(() => place.stop())
    image = await place.image({ busybox: true, changes: TALKATIVE })
    engine = connectEngine({ socketPath: place.engine.socketPath })
    cleanUp.defer(() => engine.close())
    const info = await engine.info()
    recipe = containerRecipe({
      workdir: undefined,
      limits: { ...ROOMY_LIMITS, pids: 10, cpuShares: 512, stackBytes: 1024 * 1024 },
      image: { id: image },
      mounts: [{ source: place.launcher.stateDir, target: '/tmp', readOnly: false }],
      init: { program: INIT, folder: place.launcher.stateDir },
      user: { uid: NOBODY, gid: NOBODY },
      engine: info,
      runtime: runtimeClasses(info, []).usual,
      cpuset: '0',
      seccomp: await readSeccompProfile(info),
      instance: place.launcher.instance,
    })
  })
  after(() => cleanUp.disposeAsync())

  /** Makes a container, asks what it is, and removes it. */
  const differencesIn = async (changed: ContainerRecipe): Promise<readonly string[]> => {
    const id = await engine.create(`souk-hardening-${process.hrtime.bigint()}`, changed)
    try {
      return differencesOf(recipe, await engine.made(id))
    } finally {
      await engine.remove(id)
    }
  }

  it('are those of the recipe, whatever the image says', async () => {
    assert.deepEqual(await differencesIn(recipe), [])
  })

  it('are those that the engine would have set by itself, and more', async () => {
    const id = await engine.create('souk-hardening-plain', { Image: image, Cmd: ['true'] })
    const { HostConfig } = await engine.made(id)
    await engine.remove(id)
    for (const key of ['MaskedPaths', 'ReadonlyPaths'] as const) {
      const own = HostConfig[key] as readonly string[]
      assert.ok(own.length > 0)
      assert.deepEqual(
        own.filter((path) => !(recipe.HostConfig?.[key] ?? []).includes(path)),
        [],
        `${key} of the engine that are not ours`,
      )
    }
  })

  const LOWERED: Readonly<Record<string, (asked: NonNullable<ContainerRecipe['HostConfig']>) => object>> = {
    Privileged: () => ({ Privileged: true }),
    CapAdd: () => ({ CapAdd: ['SYS_PTRACE'] }),
    CapDrop: () => ({ CapDrop: [] }),
    NetworkMode: () => ({ NetworkMode: 'host' }),
    PidMode: () => ({ PidMode: 'host' }),
    UsernsMode: () => ({ UsernsMode: 'host' }),
    IpcMode: () => ({ IpcMode: 'host' }),
    CgroupnsMode: () => ({ CgroupnsMode: 'host' }),
    ReadonlyRootfs: () => ({ ReadonlyRootfs: false }),
    SecurityOpt: () => ({ SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] }),
    Devices: () => ({
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/x', CgroupPermissions: 'r' }],
    }),
    DeviceCgroupRules: () => ({ DeviceCgroupRules: ['c 1:3 r'] }),
    Binds: () => ({ Binds: ['/usr:/usr:ro'] }),
    Tmpfs: () => ({ Tmpfs: { '/scratch': '' } }),
    GroupAdd: () => ({ GroupAdd: ['0'] }),
    Memory: (asked) => ({ Memory: (asked.Memory ?? 0) * 2, MemorySwap: (asked.Memory ?? 0) * 2 }),
    MemorySwap: () => ({ MemorySwap: -1 }),
    NanoCpus: () => ({ NanoCpus: 0 }),
    CpusetCpus: () => ({ CpusetCpus: '' }),
    PidsLimit: () => ({ PidsLimit: -1 }),
    OomScoreAdj: () => ({ OomScoreAdj: -500 }),
    Ulimits: () => ({ Ulimits: [] }),
    LogConfig: () => ({ LogConfig: { Type: 'json-file', Config: {} } }),
    RestartPolicy: () => ({ RestartPolicy: { Name: 'always' } }),
    AutoRemove: () => ({ AutoRemove: true }),
    Init: () => ({ Init: true }),
    MaskedPaths: () => ({ MaskedPaths: [] }),
    ReadonlyPaths: () => ({ ReadonlyPaths: [] }),
    Mounts: (asked) => ({ Mounts: [...(asked.Mounts ?? []), { Type: 'bind', Source: '/usr', Target: '/usr' }] }),
  }
  for (const [wall, lower] of Object.entries(LOWERED)) {
    it(`are found to be lower by ${wall}`, async () => {
      const found = await differencesIn({
        ...recipe,
        HostConfig: { ...recipe.HostConfig, ...lower(recipe.HostConfig ?? {}) },
      })
      assert.ok(
        found.some((difference) => difference.startsWith(`HostConfig.${wall} is `)),
        found.join('; '),
      )
    })
  }

  it('are found to be lower by a volume of the image that nothing lies over', async () => {
    const [difference = '', ...others] = await differencesIn({
      ...recipe,
      HostConfig: {
        ...recipe.HostConfig,
        Mounts: (recipe.HostConfig?.Mounts ?? []).filter(({ Target }) => Target !== '/tmp'),
      },
    })
    assert.match(difference, /^HostConfig\.Mounts/)
    assert.match(others.join('; '), /it has the mount volume rw \/tmp of \S+, which nobody asked for/)
    assert.deepEqual((await place.docker.listVolumes()).Volumes ?? [], [])
  })

  const run = (executor: Executor<DockerTask>, command: readonly string[]) => {
    const stdout = collector()
    return place
      .jobDir()
      .then((dir) =>
        executor.run({
          task: { runtime: 'docker', image, command, env: {}, inputs: [], outputs: [] },
          limits: ROOMY_LIMITS,
          dir,
          stdin: Readable.from([]),
          stdout: stdout.stream,
          stderr: collector().stream,
          signal: new AbortController().signal,
          onStarted: () => {},
        }),
      )
      .then(() => stdout.content().toString())
  }

  it('keep a task on the cores that are for tasks', async () => {
    const executor = place.executor({ images: [image], cpuset: '0' })
    assert.match(await run(executor, ['grep', 'Cpus_allowed_list', '/proc/self/status']), /\t0\n$/)
    await executor.close()
  })

  it('are held against what was asked for: a container of an engine that did something else is not started', async () => {
    const socketPath = join(place.launcher.stateDir, 'altered')
    // What an engine that does not know a setting, or does not want to, makes of it.
    const stop = await alteredEngine({
      socketPath,
      engine: place.engine.socketPath,
      alter: (text) => text.replace('"CapDrop":["ALL"]', '"CapAdd": ["ALL"]'),
    })
    const executor = place.executor({ images: [image], socketPath, instance: 'altered' })
    try {
      await assert.rejects(
        run(executor, ['true']),
        (error) =>
          isSoukError(error, 'EXECUTOR_FAILED') &&
          error.fault === 'provider' &&
          /not started: HostConfig\.CapDrop is null, and was to be \["ALL"\]/.test(error.message),
      )
    } finally {
      await executor.close()
      await stop()
    }
    const containers = async (): Promise<string> =>
      (await place.docker.listContainers({ all: true })).map(({ Names }) => Names.join()).join()
    await settled('containers', containers, '')
  })
})

/** A socket that passes on everything between a node and an engine, but for what it alters on the way to the engine. */
async function alteredEngine({
  socketPath,
  engine,
  alter,
}: {
  readonly socketPath: string
  readonly engine: string
  alter(text: string): string
}): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((node) => {
    const onward = connect(engine)
    for (const socket of [node, onward]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
    }
    const altering = new Transform({
      transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.from(alter(chunk.toString('latin1')), 'latin1')),
    })
    node.pipe(altering).pipe(onward)
    onward.pipe(node)
  })
  server.listen(socketPath)
  await once(server, 'listening')
  return async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
}
