import { setTimeout as delay } from 'node:timers/promises'
import type { ArtifactStore } from '../../artifacts/store.ts'
import type { DockerTask, NativeRoot, RuntimeTask, TaskBase } from '../../executors/executor.ts'
import { SoukError, isSoukError } from '../../protocol/errors.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import {
  blobsOf,
  classOf,
  isDeterministic,
  mountsOf,
  runtimesOf,
  type BlobRef,
  type RuntimeSpec,
  type TaskSpec,
} from '../../protocol/task.ts'
import type { TakeTurn } from './prepare-lanes.ts'

/** Where a task's blobs come from: its requester, over the network or in this process. */
export interface BlobSource {
  /** The blob's bytes from `offset` on, at the consumer's pace. */
  read(request: {
    readonly peer: string
    readonly blob: BlobRef
    readonly offset: number
    readonly signal: AbortSignal
  }): AsyncIterable<Uint8Array>
  /** Resolves when the peer can be asked; rejects with the signal's reason when it aborts first. */
  connected(request: { readonly peer: string; readonly signal: AbortSignal }): Promise<void>
}

/** Before a transfer that broke off is resumed: the first pause; it doubles up to the longest one while transfers bring nothing new. */
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000

export interface FetchProgress {
  readonly fetchedBytes: number
  readonly totalBytes: number
}

/** The blobs of a task that are not in the store yet, each once. */
export function missingBlobs(options: {
  readonly spec: TaskSpec
  readonly owner: string
  readonly store: ArtifactStore
}): readonly BlobRef[] {
  const { spec, owner, store } = options
  const missing = new Map<string, BlobRef>()
  for (const blob of blobsOf(spec)) if (!store.has({ owner, sha256: blob.sha256 })) missing.set(blob.sha256, blob)
  return [...missing.values()]
}

/**
 * Brings every blob that the task names into the store. If the requester goes away in the middle, this waits for it until `signal`
 * aborts, keeps what it had sent, and resumes the transfer there.
 *
 * @throws SoukError INVALID_INPUT when content does not match its digest, BLOB_UNAVAILABLE when the requester
 *   does not serve it, STORAGE_FULL; or the signal's reason.
 */
export async function fetchInputs(options: {
  readonly spec: TaskSpec
  readonly peer: string
  readonly store: ArtifactStore
  readonly blobs: BlobSource
  readonly signal: AbortSignal
  readonly onProgress: (progress: FetchProgress) => void
  readonly takeTurn: TakeTurn
}): Promise<void> {
  const { spec, peer, store, blobs, signal } = options
  const missing = missingBlobs({ spec, owner: peer, store })
  const totalBytes = missing.reduce((sum, blob) => sum + blob.bytes, 0)
  let doneBytes = 0
  options.onProgress({ fetchedBytes: 0, totalBytes })
  for (const blob of missing) {
    await fetchOne({
      blob,
      peer,
      store,
      blobs,
      signal,
      takeTurn: options.takeTurn,
      onFetched: (fetchedBytes) => options.onProgress({ fetchedBytes: doneBytes + fetchedBytes, totalBytes }),
    })
    doneBytes += blob.bytes
  }
}

async function fetchOne(options: {
  readonly blob: BlobRef
  readonly peer: string
  readonly store: ArtifactStore
  readonly blobs: BlobSource
  readonly signal: AbortSignal
  readonly onFetched: (bytes: number) => void
  readonly takeTurn: TakeTurn
}): Promise<void> {
  const { blob, peer, store, blobs, signal } = options
  let pauseMs = 0
  for (let reached = -1; ;) {
    await blobs.connected({ peer, signal })
    let fetched = 0
    try {
      await options.takeTurn(async () => {
        await store.fetch({
          owner: peer,
          blob,
          source: (offset) => blobs.read({ peer, blob, offset, signal }),
          signal,
          onProgress: ({ fetchedBytes }) => {
            fetched = fetchedBytes
            options.onFetched(fetchedBytes)
          },
        })
      })
      return
    } catch (error) {
      signal.throwIfAborted()
      if (isSoukError(error, 'NOT_FOUND')) throw unavailable(blob, error)
      if (!isSoukError(error, 'CONNECTION_LOST') && !isSoukError(error, 'UNREACHABLE')) throw error
      // A requester that breaks off each transfer at once must not make this side ask in a tight loop.
      pauseMs = fetched > reached ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      reached = Math.max(reached, fetched)
      await delay(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

function unavailable(blob: BlobRef, cause: unknown): SoukError {
  return new SoukError({
    code: 'BLOB_UNAVAILABLE',
    message: `The requester does not serve the blob ${blob.sha256.slice(0, 12)}… that its task names`,
    details: { sha256: blob.sha256 },
    cause,
  })
}

/**
 * The task with every blob replaced by its file on this host. The random numbers of a deterministic one follow from its
 * spec alone, and so are the same on every provider and in every attempt.
 *
 * @param specDigest sha256 of the spec as its requester serialised it, 64 hex digits
 * @throws SoukError BLOB_UNAVAILABLE when a blob is not in the store, RUNTIME_UNAVAILABLE for what the runtime
 * cannot run (an image as a native task, say).
 */
export function resolveTask(options: {
  readonly spec: TaskSpec
  readonly specDigest: string
  readonly runtime: RuntimeName
  readonly owner: string
  readonly store: ArtifactStore
}): RuntimeTask {
  const { spec, runtime } = options
  const fileOf = (blob: BlobRef): string => storedFile({ ...options, blob })
  const base: TaskBase = {
    command: spec.command,
    env: spec.env,
    ...(spec.workdir !== undefined && { workdir: spec.workdir }),
    inputs: spec.inputs.map(({ source, target }) => ({ source: fileOf(source), bytes: source.bytes, target })),
    outputs: spec.outputs,
  }
  const brought = spec.runtime
  if (!runtimesOf(brought).includes(runtime)) throw cannotRun({ runtime, brought })
  switch (runtime) {
    case 'wasm':
      if (!('module' in brought)) throw cannotRun({ runtime, brought })
      return {
        ...base,
        runtime,
        name: spec.name,
        module: { source: fileOf(brought.module), ...brought.module },
        ...(isDeterministic(brought) && { deterministic: { seed: options.specDigest } }),
      }
    case 'docker':
      if (!('image' in brought)) throw cannotRun({ runtime, brought })
      return { ...base, runtime, ...imageOf({ brought, fileOf }), ...dockerWishesOf(spec) }
    case 'native': {
      const root = nativeRootOf({ brought, fileOf })
      if (root === undefined) throw cannotRun({ runtime, brought })
      const writable = 'writable' in brought && brought.writable === true
      return { ...base, runtime, name: spec.name, root, writable, mounts: mountsOf(brought) }
    }
  }
}

function nativeRootOf({
  brought,
  fileOf,
}: {
  readonly brought: RuntimeSpec
  readonly fileOf: (blob: BlobRef) => string
}): NativeRoot | undefined {
  if ('program' in brought) return { kind: 'program', source: fileOf(brought.program), ...brought.program }
  if ('tar' in brought) return { kind: 'tar', source: fileOf(brought.tar), ...brought.tar }
  if ('rootfs' in brought) return { kind: 'named', ...brought.rootfs }
  return 'image' in brought ? { kind: 'image', ...imageOf({ brought, fileOf }) } : undefined
}

function imageOf({
  brought,
  fileOf,
}: {
  readonly brought: Extract<RuntimeSpec, { readonly image: string }>
  readonly fileOf: (blob: BlobRef) => string
}): Pick<DockerTask, 'image' | 'archive'> {
  const { image } = brought
  if (!('archive' in brought)) return { image }
  return { image, archive: { source: fileOf(brought.archive), ...brought.archive } }
}

function dockerWishesOf({ runtime, limits }: TaskSpec): Pick<DockerTask, 'runtimeClass' | 'gpus'> {
  const runtimeClass = classOf(runtime)
  return {
    ...(runtimeClass !== undefined && { runtimeClass }),
    ...(limits.gpus !== undefined && { gpus: limits.gpus }),
  }
}

function cannotRun({
  runtime,
  brought,
}: {
  readonly runtime: RuntimeName
  readonly brought: RuntimeSpec
}): SoukError<'RUNTIME_UNAVAILABLE'> {
  const what = Object.keys(brought).find((key) => key !== 'type') ?? 'nothing'
  const why = `it does not run a task that brings its ${what}`
  return new SoukError({
    code: 'RUNTIME_UNAVAILABLE',
    message: `The runtime ${runtime} cannot run this task here: ${why}`,
    details: { runtime, why },
    retryable: false,
  })
}

/** The file on this host that is the task's stdin; undefined where it has none. */
export function stdinFileOf(options: {
  readonly spec: TaskSpec
  readonly owner: string
  readonly store: ArtifactStore
}): string | undefined {
  const { stdin } = options.spec
  return stdin === undefined ? undefined : storedFile({ ...options, blob: stdin })
}

function storedFile(options: {
  readonly owner: string
  readonly store: ArtifactStore
  readonly blob: BlobRef
}): string {
  const { owner, store, blob } = options
  const path = store.path({ owner, sha256: blob.sha256 })
  if (path === undefined) throw unavailable(blob, undefined)
  return path
}
