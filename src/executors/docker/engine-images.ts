import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { z } from 'zod'
import { inTime, strings, unlessMissing } from './engine-calls.ts'
import { statusOf } from './engine-errors.ts'

/** An image's own word about itself comes from whoever made the image. */
const imageSchema = z.object({
  Id: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  RepoDigests: strings,
  Os: z.string(),
  Architecture: z.string(),
  Config: z
    .object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: z.string().nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
})

export interface ImageFacts {
  /** The engine's own id, `sha256:…`: the digest of the image's configuration, which names its layers by digest. */
  readonly id: string
  /** `name@sha256:…`, as it was pulled. */
  readonly repoDigests: readonly string[]
  readonly os: string
  readonly architecture: string
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** `NAME=VALUE`. */
  readonly env: readonly string[]
  readonly workdir: string
  readonly volumes: readonly string[]
}

/** A name of an image on the engine. */
export interface ImageName {
  readonly repo: string
  readonly tag: string
}

/** The part of Docker's API that is about images. */
export interface ImageCalls {
  /** Resolves to undefined where the engine has no such image. */
  image(reference: string): Promise<ImageFacts | undefined>
  /** Every image that the engine has, with its names (`repo:tag`, `repo@sha256:…`). */
  images(): Promise<readonly { readonly id: string; readonly names: readonly string[] }[]>
  /** @returns the id of the image that the engine makes of a root file system, a tar archive, and keeps by a name. */
  importImage(archive: NodeJS.ReadableStream, name: ImageName): Promise<string>
  /**
   * Takes in the images of an archive in the form of `docker save`. Once all of it is sent it is not given up any more: the
   * engine would go on by itself.
   *
   * @throws what the archive fails with; the signal's reason; Error with the engine's words.
   */
  loadImage(archive: Readable, options: { readonly signal: AbortSignal }): Promise<void>
  /** Gives an image one more name. */
  tagImage(id: string, name: ImageName): Promise<void>
  /** Takes away a name, and the image with its last one; where there is none that is no error. */
  removeImage(name: string): Promise<void>
  /** The same, unless a container is made of the image: false then. */
  removeUnusedImage(name: string): Promise<boolean>
}

/** Unpacking what was sent: an image of some gigabytes takes minutes on a slow disk. */
const LOAD_TIMEOUT_MS = 15 * 60_000
const CONFLICT = 409
/** What the engine says where there is no name. */
const NO_NAME = '<none>'

const listSchema = z.array(z.object({ Id: z.string(), RepoTags: strings, RepoDigests: strings }))

export function imageCalls(docker: Docker): ImageCalls {
  return {
    async image(reference) {
      const found = await unlessMissing(inTime(docker.getImage(reference).inspect()))
      return found === undefined ? undefined : factsOf(imageSchema.parse(found))
    },
    async images() {
      const list = listSchema.parse(await inTime(docker.listImages()))
      return list.map(({ Id, RepoTags, RepoDigests }) => ({
        id: Id,
        names: [...RepoTags, ...RepoDigests].filter((name) => !name.includes(NO_NAME)),
      }))
    },
    async importImage(archive, name) {
      const answer = await docker.importImage(archive, { ...name })
      return importedId(await inTime(readAll(answer)))
    },
    loadImage: (archive, { signal }) => load({ docker, archive, signal }),
    async tagImage(id, name) {
      await inTime(docker.getImage(id).tag({ ...name }))
    },
    async removeImage(name) {
      await unlessMissing(inTime(docker.getImage(name).remove({ force: true })))
    },
    async removeUnusedImage(name) {
      try {
        await unlessMissing(inTime(docker.getImage(name).remove({})))
        return true
      } catch (error) {
        if (statusOf(error) === CONFLICT) return false
        throw error
      }
    },
  }
}

async function load({
  docker,
  archive,
  signal,
}: {
  readonly docker: Docker
  readonly archive: Readable
  readonly signal: AbortSignal
}): Promise<void> {
  signal.throwIfAborted()
  const sending = new AbortController()
  const abort = (): void => sending.abort()
  let failure: Error | undefined
  archive.once('error', (error) => {
    failure = error
    // What ends in the middle the engine throws away.
    abort()
  })
  signal.addEventListener('abort', abort, { once: true })
  archive.once('end', () => signal.removeEventListener('abort', abort))
  try {
    const options = { quiet: true, abortSignal: sending.signal }
    const answer = await inTime(
      docker.loadImage(archive, options).then((stream) => readAll(stream)),
      LOAD_TIMEOUT_MS,
    )
    if (!/"stream":"Loaded image/.test(answer))
      throw new Error(`the engine did not take the image: ${answer.slice(0, 500)}`)
  } catch (error) {
    if (failure !== undefined) throw failure
    if (sending.signal.aborted) throw signal.reason
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    archive.destroy()
  }
}

function factsOf({ Id, RepoDigests, Os, Architecture, Config }: z.infer<typeof imageSchema>): ImageFacts {
  return {
    id: Id,
    repoDigests: RepoDigests,
    os: Os,
    architecture: Architecture,
    entrypoint: Config?.Entrypoint ?? [],
    command: Config?.Cmd ?? [],
    env: Config?.Env ?? [],
    workdir: Config?.WorkingDir ?? '',
    volumes: Object.keys(Config?.Volumes ?? {}),
  }
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString()
  return text
}

/** The answer is a line of JSON for each step; the last one has the id, or one says what went wrong. */
function importedId(answer: string): string {
  const id = /"status":"(sha256:[0-9a-f]{64})"/.exec(answer)?.[1]
  if (id === undefined) throw new Error(`the engine did not import the image: ${answer.slice(0, 500)}`)
  return id
}
