import { mkdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { digestFile } from '../artifacts/digest-file.ts'
import { openImageCache } from '../artifacts/oci-cache.ts'
import { connectEngine } from '../executors/docker/engine.ts'
import { createDockerExecutor } from '../executors/docker/executor.ts'
import type { Executor } from '../executors/executor.ts'
import type { CappedStorage, Confinement } from '../executors/ports.ts'
import { createWasmExecutor } from '../executors/wasm/executor.ts'
import { createCappedStorage } from '../native/capped-storage.ts'
import { createConfinement } from '../native/confinement.ts'
import { createNativeExecutor } from '../native/executor.ts'
import { identityBeside } from '../native/identity.ts'
import { startLauncher, type Launcher } from '../native/launcher.ts'
import { LAUNCHER_BINARY } from '../native/launcher-process.ts'
import type { RuntimeName } from '../protocol/execution.ts'
import type { Config } from './config/config.ts'
import { instanceIdOf, instancesFolder } from './instance-id.ts'
import { bootId, type ProbeSubject } from './admission/probe-cache.ts'

/** The runtimes that the operator has turned on, and the launcher that they share. */
export interface Executors {
  readonly subjects: readonly ProbeSubject[]
  /** Unmounts the file systems that tasks of a dead process have left mounted below the folder; resolves to how many. */
  unmountLeftovers: CappedStorage['unmountLeftovers']
  /** Closes all executors, then the launcher. */
  close(): Promise<void>
}

export interface CreateExecutorsOptions {
  readonly config: Config
  /** Souk's own. Another version may find something else when it probes, so what was found is kept per version. */
  readonly version: string
  readonly dataDir: string
  /** Whether images that an engine was given stay for the next process of this data folder; they do where absent. */
  readonly keepsImages?: boolean
  /** One that was started while this process had the privileges to do so; it is closed with the rest. */
  readonly launcher?: Launcher
}

/**
 * Constructs the executors of the runtimes that are enabled, and gives each the ports that it needs of the launcher: the confinement
 * of the WebAssembly runtime's processes, where this host can have one, and the storage of Docker's writable folders.
 */
export async function createExecutors(options: CreateExecutorsOptions): Promise<Executors> {
  const { config, dataDir } = options
  const { wasm, docker, native } = config.sandbox
  const instance = await instanceIdOf(dataDir)
  // Before anything large is loaded: fork(2) takes longer the more memory a process has.
  const shared = shareLauncher({ ...options, stateDir: instancesFolder(dataDir), instance })
  const needed: SubjectOptions = { ...options, instance, shared }
  const subjects = [
    ...(wasm.enabled ? [await wasmSubject(needed)] : []),
    ...(docker.enabled ? [await dockerSubject(needed)] : []),
    ...(native.enabled ? [await nativeSubject(needed)] : []),
  ]
  return {
    subjects,
    unmountLeftovers: (options) => shared.storage.unmountLeftovers(options),
    async close() {
      await Promise.all(subjects.map(({ executor }) => executor.close()))
      await shared.launcher.close()
    },
  }
}

/** Wraps executors that the caller has constructed. */
export function asExecutors({
  all,
  config,
  version,
}: {
  readonly all: readonly Executor[]
  readonly config: Config
  readonly version: string
}): Executors {
  const dependsOn = (): Promise<string> => Promise.resolve(JSON.stringify([version, config.sandbox]))
  return {
    subjects: all.map((executor) => ({ executor, dependsOn })),
    unmountLeftovers: () => Promise.resolve(0),
    async close() {
      await Promise.all(all.map((executor) => executor.close()))
    },
  }
}

/** The one launcher, and what the executors need to know of it. */
interface SharedLauncher {
  readonly launcher: Launcher
  readonly storage: CappedStorage
  /** The launcher's version and abilities, on which the outcome of probing depends. @throws SoukError RUNTIME_UNAVAILABLE */
  facts(): Promise<object>
}

function shareLauncher({
  config,
  launcher: given,
  stateDir,
  instance,
}: Pick<CreateExecutorsOptions, 'config' | 'launcher'> & {
  readonly stateDir: string
  readonly instance: string
}): SharedLauncher {
  const { launcherSocket } = config.sandbox.native
  const place = launcherSocket === undefined ? { stateDir, instance } : { socket: launcherSocket }
  const launcher = given ?? startLauncher(place)
  return {
    launcher,
    storage: createCappedStorage(launcher),
    async facts() {
      const hello = await launcher.hello()
      // The binary of one that the operator runs cannot be digested from here: its version has to do.
      return launcherSocket === undefined ? { ...hello, ...(await digestFile({ file: LAUNCHER_BINARY })) } : hello
    },
  }
}

/** What the construction of an executor may need. */
interface SubjectOptions extends CreateExecutorsOptions {
  readonly instance: string
  readonly shared: SharedLauncher
}

async function wasmSubject({ config, version, dataDir, shared }: SubjectOptions): Promise<ProbeSubject> {
  const { prewarm, stackSizeBytes, maxModuleBytes, compileTimeoutMs, memoryLimitBytes, host, reuse } =
    config.sandbox.wasm
  const asked = config.sandbox.native
  const settings = {
    stackBytes: stackSizeBytes,
    maxModuleBytes,
    compileTimeoutMs,
    maxMemoryBytes: memoryLimitBytes,
    host,
    reuse,
  }
  const instanceDir = await folderOf({ dataDir, runtime: 'wasm' })
  const confinement = await confinementOf(shared, asked)
  return {
    executor: createWasmExecutor({ instanceDir, prewarm, confinement, ...settings }),
    dependsOn: async () =>
      JSON.stringify([
        version,
        settings,
        confinement === undefined ? 'bare' : [asked.uid, asked.gid, await shared.facts()],
      ]),
  }
}

/** The native sandbox for the processes of other runtimes; undefined where this host lacks it, or its control groups or seccomp. */
async function confinementOf(
  { launcher }: SharedLauncher,
  asked: Config['sandbox']['native'],
): Promise<Confinement | undefined> {
  const hello = await launcher.hello().catch(() => undefined)
  if (hello === undefined || hello.cgroup === 'none' || !hello.seccomp) return undefined
  return createConfinement({ launcher, hello, ...identityBeside(hello, asked) })
}

async function nativeSubject({ config, version, dataDir, shared }: SubjectOptions): Promise<ProbeSubject> {
  const {
    uid,
    gid,
    mode,
    maxRootBytes,
    rootfs,
    images: offered,
    imageCacheBytes,
    mounts: folders,
  } = config.sandbox.native
  const folder = await folderOf({ dataDir, runtime: 'native' })
  const settings = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }), mode, maxRootBytes }
  const cache = await openImageCache({
    dir: join(folder, 'images'),
    quotaBytes: imageCacheBytes,
    bootId: await bootId(),
    own: new Set(offered.map(({ digest }) => digest)),
  })
  const roots = new Map(rootfs.map(({ name, ...root }) => [name, root]))
  const mounts = new Map(folders.map(({ name, path }) => [name, path]))
  return {
    executor: createNativeExecutor({
      launcher: shared.launcher,
      roots,
      mounts,
      images: { cache, offered },
      ...settings,
    }),
    dependsOn: async () =>
      JSON.stringify([version, settings, offered.length, [...mounts.keys()], await shared.facts()]),
  }
}

async function dockerSubject({
  config,
  version,
  dataDir,
  keepsImages = true,
  instance,
  shared,
}: SubjectOptions): Promise<ProbeSubject> {
  const {
    socket: socketPath,
    uid,
    gid,
    images,
    classes,
    prewarm,
    reattachMs,
    registries,
    archives,
    cpuset,
    gpus,
    ...bounds
  } = config.sandbox.docker
  const folder = await folderOf({ dataDir, runtime: 'docker' })
  const settings = { socketPath, uid, gid, classes, gpus, ...(cpuset !== undefined && { cpuset }) }
  const supply = {
    registries,
    archives,
    maxImageBytes: bounds.maxImageBytes,
    pullTimeoutMs: bounds.pullTimeoutMs,
    cacheBytes: bounds.imageCacheBytes,
    keep: keepsImages,
    dir: join(folder, 'images'),
  }
  return {
    executor: createDockerExecutor({
      ...settings,
      images,
      prewarm,
      reattachMs,
      supply,
      instance,
      instanceDir: dataDir,
      storage: shared.storage,
    }),
    async dependsOn() {
      const [launcher, engine] = await Promise.all([shared.facts(), factsOfEngine(socketPath)])
      return JSON.stringify([version, settings, images, archives, registries, launcher, engine])
    },
  }
}

async function factsOfEngine(socketPath: string): Promise<object> {
  const engine = connectEngine({ socketPath })
  try {
    const info = await engine.info()
    // The engine does not tell the versions of its low-level runtimes: the size and time of their programs stand for them.
    const programs = info.runtimes.map(({ path }) => path).filter((path) => isAbsolute(path))
    const found = await Promise.all(programs.map((path) => stat(path).catch(() => undefined)))
    return { ...info, programs: found.map((file) => [file?.size, file?.mtimeMs]) }
  } finally {
    engine.close()
  }
}

/** The runtime's own folder. That it exists tells later processes of this data folder that the runtime was enabled once. */
async function folderOf({
  dataDir,
  runtime,
}: {
  readonly dataDir: string
  readonly runtime: RuntimeName
}): Promise<string> {
  const folder = join(instancesFolder(dataDir), runtime)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}
