import { rm } from 'node:fs/promises'
import { collectResult } from '../client/collect-result.ts'
import type { LoadedTask } from '../client/load-task.ts'
import { saveOutputs } from '../client/save-outputs.ts'
import { ServedBlobs } from '../client/served-blobs.ts'
import { loadOrCreateKey, type Key } from '../identity/key-file.ts'
import { signTask } from '../identity/task.ts'
import { loadConfig, type Config } from '../node/config/config.ts'
import { createLocalNode, type CreateLocalNodeOptions, type LocalNode } from '../node/create-local-node.ts'
import { reapDataDir } from '../node/reap-data-dir.ts'
import { SoukError } from '../protocol/errors.ts'
import { FREE_RATES } from '../protocol/price.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { classOf, runtimesOf, type BlobRef, type RuntimeSpec } from '../protocol/task.ts'
import type { Cli } from './cli.ts'
import { createLocalRunFolder, reapLocalRunFolders } from './local-run-folder.ts'
import { createLogger } from './logger.ts'
import type { AcceptedTask, Place } from './places.ts'
import type { LocalRoot } from './run-usage.ts'

export interface LocalPlaceOptions {
  readonly cli: Cli
  readonly configFile?: string
  /** What the one task needs. */
  readonly runtime: RuntimeSpec
  /** Runs it without the limits that nothing holds here, whatever the configuration says. */
  readonly degraded?: boolean
  /** A folder that it may name as its root file system. */
  readonly root?: LocalRoot
  readonly keyFile?: string
  /** Of these limits those that a WebAssembly program can feel are what it has where it asks for nothing. */
  readonly felt?: Receipt['limits']
}

const EXPIRES_IN_MS = 5 * 60_000
const READ_BYTES = 1024 * 1024

/**
 * This host as a place to run a task: the house of a provider without its network, in a folder that is removed
 * at the end. Requester and provider are one key.
 * @throws SoukError CONFIG_INVALID, KEY_UNUSABLE, START_FAILED; nothing is left behind then
 */
export async function openLocalPlace(options: LocalPlaceOptions): Promise<Place> {
  const { cli, configFile, keyFile } = options
  const key = await loadOrCreateKey({ file: keyFile ?? cli.home.key })
  const loaded = await loadConfig({ ...(configFile !== undefined && { file: configFile }), env: cli.env })
  const parent = cli.home.localRuns
  const dataDir = await createLocalRunFolder({ parent })
  const config = forOneTask({ ...options, config: loaded.config, dataDir })
  const logger = createLogger({ level: cli.env['SOUK_DEBUG'] === '1' ? 'debug' : 'silent' })
  try {
    await reapLocalRunFolders({
      parent,
      nowMs: Date.now(),
      reap: (dir) => reapDataDir({ config, version: cli.version, dataDir: dir }),
    })
    const served = new ServedBlobs({ provider: key.address })
    const node = await createLocalNode({
      config,
      version: cli.version,
      logger,
      key,
      dataDir,
      probesFile: cli.home.probes,
      blobs: blobSource({ served, peer: key.address }),
    })
    return {
      submit: ({ task, signal }) => submit({ node, key, served, task, chainId: config.chain.id, signal }),
      async [Symbol.asyncDispose]() {
        try {
          await node.stop()
        } finally {
          await rm(dataDir, { recursive: true, force: true })
        }
      },
    }
  } catch (thrown) {
    await rm(dataDir, { recursive: true, force: true })
    throw thrown
  }
}

/** Every weight that a task may ask for: it competes with nobody. */
const ANY_SHARES = 262_144

/**
 * Nobody else asks for a share, and nobody pays himself. What the task needs is on, whatever the configuration says
 * of strangers' tasks, and nothing else has to be started. Nothing is kept ready for a second task, and no next process of
 * this one goes on with the first.
 */
function forOneTask({
  config,
  runtime,
  root,
  degraded = false,
  felt = {},
  dataDir,
}: Pick<LocalPlaceOptions, 'runtime' | 'root' | 'degraded' | 'felt'> & {
  readonly config: Config
  readonly dataDir: string
}): Config {
  const { wasm, native, docker } = config.sandbox
  const [needed] = runtimesOf(runtime)
  const runtimeClass = classOf(runtime)
  const { sandbox } = config
  return {
    ...config,
    pricing: { rates: { wasm: FREE_RATES, native: FREE_RATES, docker: FREE_RATES }, freeAllowanceWei: 0n },
    peers: { ...config.peers, share: 1, unknownShare: 1 },
    node: { ...config.node, dataDir },
    cache: { ...config.cache, enabled: false },
    sandbox: {
      ...config.sandbox,
      cpuSharesLimit: ANY_SHARES,
      diskLimitBytes: felt.diskBytes ?? sandbox.diskLimitBytes,
      inodeLimit: felt.inodes ?? sandbox.inodeLimit,
      outputLimitBytes: felt.outputBytes ?? sandbox.outputLimitBytes,
      openFilesLimit: felt.openFiles ?? sandbox.openFilesLimit,
      wasm: {
        ...wasm,
        enabled: needed === 'wasm',
        memoryLimitBytes: felt.memoryBytes ?? wasm.memoryLimitBytes,
        stackSizeBytes: felt.stackBytes ?? wasm.stackSizeBytes,
        ...(felt.fuel !== undefined && { fuelLimit: felt.fuel }),
      },
      native: {
        ...native,
        enabled: needed === 'native',
        mode: degraded ? 'degraded' : native.mode,
        rootfs: root === undefined ? native.rootfs : [...native.rootfs, root],
      },
      docker: {
        ...docker,
        enabled: needed === 'docker',
        prewarm: 0,
        reattachMs: 0,
        images: 'image' in runtime && !('archive' in runtime) ? [runtime.image] : [],
        archives: 'archive' in runtime,
        classes: runtimeClass === undefined ? docker.classes : [runtimeClass],
      },
    },
  }
}

/** The task's files, read where they are. */
function blobSource({
  served,
  peer,
}: {
  readonly served: ServedBlobs
  readonly peer: string
}): CreateLocalNodeOptions['blobs'] {
  return {
    connected: () => Promise.resolve(),
    async *read({ blob, offset, signal }) {
      yield* readAll({ file: await served.open({ peer, sha256: blob.sha256 }), blob, offset, signal })
    },
  }
}

interface ReadAll {
  readonly file: Awaited<ReturnType<ServedBlobs['open']>>
  readonly blob: BlobRef
  readonly offset: number
  readonly signal: AbortSignal
}

async function* readAll({ file, blob, offset, signal }: ReadAll): AsyncGenerator<Uint8Array, void, undefined> {
  if (file === undefined) throw unavailable(blob)
  try {
    for (let at = offset; at < blob.bytes;) {
      signal.throwIfAborted()
      const data = await file.read({ offset: at, length: Math.min(READ_BYTES, blob.bytes - at) })
      if (data.byteLength === 0) throw unavailable(blob)
      yield data
      at += data.byteLength
    }
  } finally {
    await file.close()
  }
}

function unavailable({ sha256 }: BlobRef): SoukError<'BLOB_UNAVAILABLE'> {
  return new SoukError({
    code: 'BLOB_UNAVAILABLE',
    message: `The file with sha256 ${sha256} is gone, or shorter than it was when the task was read.`,
    details: { sha256 },
    hint: 'Leave the files of a task as they are while it starts, and run it again.',
  })
}

interface LocalSubmission {
  readonly node: LocalNode
  readonly key: Key
  readonly served: ServedBlobs
  readonly task: LoadedTask
  readonly chainId: number
  readonly signal: AbortSignal
}

async function submit({ node, key, served, task, chainId, signal }: LocalSubmission): Promise<AcceptedTask> {
  signal.throwIfAborted()
  const { provider } = node
  const peer = key.address
  const signed = signTask({
    spec: task.bytes,
    provider: peer,
    maxPriceWei: task.spec.maxPriceWei,
    chainId,
    key,
    expiryMs: Date.now() + EXPIRES_IN_MS,
  })
  const { taskId } = signed
  served.offer(taskId, task.blobs)
  await provider.submit({ peer, task: signed.task })
  const never = new AbortController().signal
  const events: AcceptedTask['events'] = ({ offsets = { stdout: 0, stderr: 0 }, signal: stop = never } = {}) =>
    provider.follow({ peer, taskId, offsets, signal: stop })
  return {
    taskId,
    provider: peer,
    events,
    async result({ signal: stop, ...options } = {}) {
      try {
        return await collectResult({
          ...options,
          events: events({ ...(stop !== undefined && { signal: stop }) }),
          expected: { taskId, provider: peer, requester: peer, task },
        })
      } catch (thrown) {
        // A follow that is ended from here ends without a word.
        stop?.throwIfAborted()
        throw thrown
      }
    },
    cancel: () => provider.cancel({ peer, taskId }),
    saveOutputs: ({ dir, receipt, signal: stop, onProgress }) =>
      saveOutputs({
        dir,
        outputs: receipt.outputs,
        ...(stop !== undefined && { signal: stop }),
        ...(onProgress !== undefined && { onProgress }),
        // What fails here would fail again.
        patience: () => ({
          progress: () => undefined,
          afterFailure: (thrown) => Promise.reject(SoukError.from(thrown)),
        }),
        async *read({ blob, offset, signal: reading }) {
          yield* readAll({
            file: await provider.open({ peer, sha256: blob.sha256, signal: reading }),
            blob,
            offset,
            signal: reading,
          })
        },
      }),
  }
}
