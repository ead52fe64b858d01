import { mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { placeOf } from '../../../artifacts/image-reference.ts'
import { OWN_ARCHITECTURE } from '../../../artifacts/oci-image.ts'
import { pullImage } from '../../../artifacts/registry/pull-image.ts'
import { SoukError } from '../../../protocol/errors.ts'
import { StopReason, type DockerTask, type PrepareProgress, type Prepared } from '../../executor.ts'
import type { ImageCalls, ImageFacts } from '../engine-images.ts'
import { containerFailed, imageRefused } from '../failures.ts'
import { giveImage, removeComing } from './give-image.ts'
import { openKeptRecords } from './kept-records.ts'
import { createOwnImages, type OwnImage } from './own-images.ts'
import { checkFacts, isPinnedBy } from './policy.ts'
import { accessTo, type OfferedRegistry } from './registries.ts'
import { SharedWork, Turns, type Waiter } from './shared-work.ts'
import { wantedOf, type WantedImage } from './wanted-image.ts'

/** Where images come from that the engine does not have, and how much of them. */
export interface ImageSupply {
  /** Those that may be pulled from. */
  readonly registries: readonly OfferedRegistry[]
  /** Whether tasks may bring an image. */
  readonly archives: boolean
  /** What one image may come to: its blobs as a registry has them, and what it takes of the disk, unpacked. */
  readonly maxImageBytes: number
  /** The longest that one may take to come, its giving to the engine included. */
  readonly pullTimeoutMs: number
  /** What all those that were brought in may take of the disk of the engine, unpacked. */
  readonly cacheBytes: number
  /** Whether they stay for the next process of this instance; where there is none, they are removed in the end. */
  readonly keep: boolean
  /** A folder of this instance alone, made where it is missing. */
  readonly dir: string
}

/** An image that a task runs in, on the engine, and there until it is released. */
export interface HeldImage extends Prepared {
  /** What runs: its id says everything that is in it. */
  readonly facts: ImageFacts
}

export interface TaskImages {
  /** An image that is known to be there, at once. */
  hold(task: DockerTask): HeldImage | undefined
  /**
   * An image that is allowed, brought in where the engine lacks it: once for all who wait for it.
   *
   * @throws SoukError IMAGE_REFUSED; UNREACHABLE and CONNECTION_LOST of a registry; STORAGE_FULL; what the engine fails
   *   with; or the signal's reason.
   */
  acquire(options: { readonly task: DockerTask } & Waiter<PrepareProgress>): Promise<HeldImage>
  /** Something may not be there any more: the engine is asked again. */
  doubt(): void
  /** The engine was away: it may be another one now. */
  forget(): void
  /** Removes what a dead process has left in the middle, and what is over the budget; resolves to how many images. */
  reap(): Promise<number>
  /** @throws SoukError CONFIG_INVALID where a file with a login cannot be used. */
  checkLogins(): Promise<void>
  /** Ends what is on its way. */
  close(): Promise<void>
  /** Removes what was brought in, where it is not to stay; no container is made of it any more. Never rejects. */
  clear(): Promise<void>
}

export interface TaskImagesOptions {
  readonly engine: ImageCalls
  readonly instance: string
  /** What tasks may name, as `allowedReference` takes it. */
  readonly allowed: readonly string[]
  readonly supply: ImageSupply
  /** Told the id of an image that is to be removed: resolves when nothing is made of it ahead. */
  readonly letGo: (id: string) => Promise<void>
}

interface Known {
  readonly facts: ImageFacts
  /** Undefined for one that the engine has from somebody else. */
  readonly own?: OwnImage
}

/** What is known of a digest never changes; this many answers are kept. */
const MOST_KNOWN = 1000
/** Images on their way at once, each with its compressed form on the disk. */
const COMING_AT_ONCE = 3

export function createTaskImages({ engine, instance, allowed, supply, letGo }: TaskImagesOptions): TaskImages {
  const comingDir = join(supply.dir, 'coming')
  const known = new Map<string, Known>()
  const own = createOwnImages({
    engine,
    instance,
    records: openKeptRecords(join(supply.dir, 'kept')),
    quotaBytes: supply.cacheBytes,
    async onRemove({ key, id }) {
      for (const [wanted, { own: image }] of known) if (image?.key === key) known.delete(wanted)
      await letGo(id)
    },
  })
  const work = new SharedWork<void, PrepareProgress>()
  const turns = new Turns(COMING_AT_ONCE)
  /** Folders that this process works in. */
  const inUse = new Set<string>()
  let looked: Promise<number> | undefined

  const look = async (): Promise<number> => {
    await mkdir(comingDir, { recursive: true, mode: 0o700 })
    let removed = await own.reconcile()
    for (const name of await readdir(comingDir)) {
      const dir = join(comingDir, name)
      if (!inUse.has(dir)) removed += await removeComing(engine, dir)
    }
    return removed
  }
  const lookOnce = async (): Promise<number> => {
    looked ??= look()
    try {
      return await looked
    } catch (error) {
      looked = undefined
      throw error
    }
  }
  const tryHold = ({ key }: WantedImage): HeldImage | undefined => {
    const found = known.get(key)
    if (found === undefined) return undefined
    if (found.own === undefined) return { facts: found.facts, release: () => {} }
    const { release } = own.hold(found.own)
    return { facts: found.facts, release }
  }
  const learn = ({ key, image, ...wanted }: WantedImage, { facts, own: ours }: Known): void => {
    checkFacts(image, facts)
    if (ours !== undefined) {
      if (wanted.archive !== undefined) ours.sources.add(wanted.archive.sha256)
      // Until those who waited for it have had their turn.
      const { release } = own.hold(ours)
      setImmediate(release)
    }
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(key, { facts, ...(ours !== undefined && { own: ours }) })
  }
  /** One that the engine has already: somebody else's, or one of ours. */
  const findThere = async ({ image, ownKey, archive, reference }: WantedImage): Promise<Known | undefined> => {
    if (reference !== undefined) {
      const facts = await engine.image(image)
      if (facts !== undefined && !isPinnedBy(reference, facts))
        throw imageRefused({ image, reason: `the engine has ${facts.id} in its place, which is another image` })
      const ours = facts && own.findById(facts.id)
      if (facts !== undefined) return { facts, ...(ours !== undefined && { own: ours }) }
    }
    const ours = own.find(ownKey)
    if (ours === undefined || (archive !== undefined && !ours.sources.has(archive.sha256))) return undefined
    const facts = await engine.image(ours.id)
    if (facts !== undefined) return { facts, own: ours }
    await own.reconcile()
    return undefined
  }
  const give = async (
    { ownKey: key, image }: WantedImage,
    given: { source: string; digest: string; dir: string; hint?: string; signal: AbortSignal },
  ): Promise<Known> => {
    const maxBytes = supply.maxImageBytes
    const ours = await giveImage({ key, image, ...given }, { engine, own, maxBytes })
    const facts = await engine.image(ours.id)
    if (facts === undefined) throw containerFailed(`the engine has lost the image ${ours.id}`)
    return { facts, ...('key' in ours && { own: ours }) }
  }
  const bring = async (wanted: WantedImage, dir: string, { signal, onProgress }: Waiter<PrepareProgress>) => {
    const { image, archive, reference } = wanted
    if (archive !== undefined) return give(wanted, { source: archive.source, digest: image, dir, signal })
    if (reference.kind === 'id') throw imageRefused({ image, ...NOT_THERE })
    const { repository, digest } = reference
    const { host } = placeOf(repository)
    const registry = supply.registries.find((offered) => offered.host === host)
    if (registry === undefined) throw imageRefused({ image, ...NOT_PULLED(host) })
    const access = await accessTo(registry).catch((error: unknown) => {
      throw loginUnusable(host, error)
    })
    const source = join(dir, 'layout')
    await mkdir(source, { mode: 0o700 })
    const pulled = await pullImage({
      ...access,
      repository,
      digest,
      into: source,
      maxBytes: supply.maxImageBytes,
      platform: { os: 'linux', architecture: OWN_ARCHITECTURE },
      signal,
      onProgress: (progress) => onProgress({ what: 'image', ...progress }),
    })
    return give(wanted, { source, digest: pulled.digest, dir, signal, hint: OTHER_IMAGE })
  }
  const bringInTime = async (wanted: WantedImage, { signal, onProgress }: Waiter<PrepareProgress>): Promise<Known> => {
    const timeout = AbortSignal.timeout(supply.pullTimeoutMs)
    const dir = await mkdtemp(join(comingDir, 'image-'))
    inUse.add(dir)
    try {
      return await bring(wanted, dir, { signal: AbortSignal.any([signal, timeout]), onProgress })
    } catch (error) {
      throw timeout.aborted && !signal.aborted ? tooSlow(wanted, supply.pullTimeoutMs) : error
    } finally {
      // What cannot be removed now is when the engine is there again.
      await removeComing(engine, dir).catch(() => {})
      inUse.delete(dir)
    }
  }
  return {
    hold(task) {
      try {
        return tryHold(wantedOf(task, { allowed, archives: supply.archives }))
      } catch {
        return undefined
      }
    },
    async acquire({ task, signal, onProgress }) {
      const wanted = wantedOf(task, { allowed, archives: supply.archives })
      for (;;) {
        signal.throwIfAborted()
        const held = tryHold(wanted)
        if (held !== undefined) return held
        await work.join(wanted.key, { signal, onProgress }, async (all) => {
          await lookOnce()
          const found = (await findThere(wanted)) ?? (await turns.take(all.signal, () => bringInTime(wanted, all)))
          learn(wanted, found)
        })
      }
    },
    doubt: () => known.clear(),
    forget() {
      known.clear()
      looked = undefined
    },
    reap() {
      looked = undefined
      return lookOnce()
    },
    async checkLogins() {
      for (const registry of supply.registries) await accessTo(registry)
    },
    close: () => work.close(new StopReason('shutdown')),
    async clear() {
      if (!supply.keep) await own.removeAll().catch(() => {})
    },
  }
}

const NOT_THERE = {
  reason: 'the engine of this provider does not have it, and an image id is no name to pull it by',
  hint: 'Name it as name@sha256:… with a registry that the provider pulls from, or have its operator load it.',
}
const NOT_PULLED = (host: string): { reason: string; hint: string } => ({
  reason: `the engine of this provider does not have it, and it is not pulled from ${host}`,
  hint: 'Have the operator load the image into his engine (docker pull, docker load), or allow the registry.',
})
const OTHER_IMAGE = 'Use another image, or a smaller one.'

function loginUnusable(host: string, cause: unknown): SoukError<'EXECUTOR_FAILED'> {
  const reason = `the login that this provider has for the registry ${host} cannot be used`
  return new SoukError({
    code: 'EXECUTOR_FAILED',
    fault: 'operator',
    phase: 'prepare',
    message: `The image cannot be pulled: ${reason}.`,
    details: { runtime: 'docker', reason },
    hint: 'Ask another provider; the operator runs `souk doctor`.',
    cause,
  })
}

function tooSlow({ image, reference }: WantedImage, timeoutMs: number): SoukError {
  const message = `The image ${image} did not come within the ${timeoutMs / 1000} s that this provider waits for one.`
  const hint = 'Try again later, use a smaller image, or ask another provider.'
  if (reference?.kind === 'digest') {
    const { host: address } = placeOf(reference.repository)
    return new SoukError({ code: 'CONNECTION_LOST', phase: 'prepare', message, details: { address }, hint })
  }
  const details = { runtime: 'docker', reason: message }
  return new SoukError({ code: 'EXECUTOR_FAILED', phase: 'prepare', message, details, hint })
}
