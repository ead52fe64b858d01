import { rm } from 'node:fs/promises'
import { collectResult } from '../client/collect-result.ts'
import type { LoadedTask } from '../client/load-task.ts'
import { saveOutputs } from '../client/save-outputs.ts'
import { ServedBlobs } from '../client/served-blobs.ts'
import { loadOrCreateKey, type Key } from '../identity/key-file.ts'
import { signTask } from '../identity/task.ts'
import { loadConfig, type Config } from '../node/config.ts'
import { createLocalNode, type CreateLocalNodeOptions, type LocalNode } from '../node/create-node.ts'
import { SoukError } from '../protocol/errors.ts'
import type { BlobRef } from '../protocol/task.ts'
import type { Cli } from './cli.ts'
import { createLocalRunFolder, reapLocalRunFolders } from './local-run-folder.ts'
import { createLogger } from './logger.ts'
import type { AcceptedTask, Place } from './places.ts'

export interface LocalPlaceOptions {
  readonly cli: Cli
  readonly keyFile?: string
  readonly configFile?: string
}

const EXPIRES_IN_MS = 5 * 60_000
const READ_BYTES = 1024 * 1024

/**
 * This host as a place to run tasks: the house of a provider without its network, in a folder that is removed
 * at the end. Requester and provider are one key.
 * @throws SoukError CONFIG_INVALID, KEY_UNUSABLE, START_FAILED; nothing is left behind then
 */
export async function openLocalPlace({ cli, keyFile, configFile }: LocalPlaceOptions): Promise<Place> {
  const key = await loadOrCreateKey({ file: keyFile ?? cli.home.key })
  const { config } = await loadConfig({ ...(configFile !== undefined && { file: configFile }), env: cli.env })
  await reapLocalRunFolders({ parent: cli.home.localRuns, nowMs: Date.now() })
  const dataDir = await createLocalRunFolder({ parent: cli.home.localRuns })
  try {
    const served = new ServedBlobs({ provider: key.address })
    const node = await createLocalNode({
      config: forOneRequester({ config, dataDir }),
      version: cli.version,
      logger: createLogger({ level: cli.env['SOUK_DEBUG'] === '1' ? 'debug' : 'silent' }),
      key,
      dataDir,
      probesFile: cli.home.probes,
      blobs: blobSource({ served, peer: key.address }),
    })
    return {
      provider: key.address,
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

/** Nobody else asks for a share, and nobody pays himself. */
function forOneRequester({ config, dataDir }: { readonly config: Config; readonly dataDir: string }): Config {
  return {
    ...config,
    priceWei: 0n,
    peers: { ...config.peers, share: 1, unknownShare: 1 },
    node: { ...config.node, dataDir },
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
