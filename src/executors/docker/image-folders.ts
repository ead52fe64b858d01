import { randomBytes } from 'node:crypto'
import { INSTANCE_LABEL } from './container-recipe.ts'
import { statusOf } from './engine-errors.ts'
import type { PathStat } from './engine-answers.ts'
import type { DockerEngine, ImageFacts } from './engine.ts'
import { imageRefused } from './failures.ts'
import { RESERVED, volumesOf } from './folders.ts'
import type { Removals } from './removals.ts'

/** Knows what is in images. */
export interface ImageFolders {
  /** Whether there is anything at a path of an image; rejects as {@link DockerEngine} does, and with IMAGE_REFUSED. */
  has(image: ImageFacts, path: string): Promise<boolean>
  /**
   * Refuses an image with which the engine would come to no end: before a container starts, the engine reads the files
   * of users and groups, with its own rights and outside of the container, and runc reads them inside. Where one is a
   * pipe, a device, or a link to the container's input, both wait for ever, and the container cannot even be removed.
   * And one that calls another group by the number of ours. Each image is looked at once.
   *
   * @throws SoukError IMAGE_REFUSED; as {@link DockerEngine} does.
   */
  check(image: ImageFacts): Promise<void>
}

/** What is in an image never changes; this many answers are kept. */
const MOST_KEPT = 1000
const READ_AT_START = ['/etc/passwd', '/etc/group']
/** What the engine reads of them line by line. */
const MOST_READ_BYTES = 1024 * 1024
const SERVER_ERROR = 500

/** The engine tells what is in a container, so that one is made of the image, which is never started. */
export function createImageFolders({
  engine,
  removals,
  instance,
}: {
  readonly engine: DockerEngine
  readonly removals: Removals
  readonly instance: string
}): ImageFolders {
  const known = createMemory<boolean>()
  const checked = createMemory<undefined>()

  const look = async <T>(image: ImageFacts, see: (id: string) => Promise<T>): Promise<T> => {
    const name = `souk-${instance}-${randomBytes(8).toString('hex')}`
    removals.own(name)
    try {
      const id = await engine.create(name, {
        Image: image.id,
        Entrypoint: ['never-started'],
        Labels: { [INSTANCE_LABEL]: instance },
        NetworkDisabled: true,
        HostConfig: {
          NetworkMode: 'none',
          // The engine would make its volumes now, and copy into them what the image has there.
          Mounts: volumesOf(image, image.id).map((path) => ({ Type: 'tmpfs', Source: '', Target: path })),
        },
      })
      return await see(id)
    } finally {
      removals.remove(name)
    }
  }
  const checkFile = async ({ image, id, path }: { image: ImageFacts; id: string; path: string }): Promise<void> => {
    const refuse = (why: string): never => {
      throw imageRefused({ image: image.id, reason: `its ${path} ${why}` })
    }
    const end = await endOf({ engine, id, path })
    const why = whyUnreadable(end)
    if (why !== undefined) refuse(why)
    if (end === undefined || end === 'nowhere') return
    const content = await engine.content(id, end.path, MOST_READ_BYTES)
    const name = misleadingName(content.toString('latin1'))
    if (name !== undefined) refuse(`calls something else ${name}, which is a number`)
  }
  return {
    async has(image, path) {
      if (path === '/' || path === image.workdir) return true
      return known(`${image.id} ${path}`, () => look(image, async (id) => (await engine.stat(id, path)) !== undefined))
    },
    async check(image) {
      await checked(image.id, () =>
        look(image, async (id) => {
          for (const path of READ_AT_START) await checkFile({ image, id, path })
          return undefined
        }),
      )
    },
  }
}

/** What a path comes to: a file, nothing (undefined), or what cannot be told ('nowhere'). */
async function endOf({
  engine,
  id,
  path,
}: {
  readonly engine: DockerEngine
  readonly id: string
  readonly path: string
}): Promise<(PathStat & { readonly path: string }) | 'nowhere' | undefined> {
  try {
    const found = await engine.stat(id, path)
    if (found?.kind !== 'link') return found && { ...found, path }
    // What the engine makes of these is not there before the container is.
    if (RESERVED.some((reserved) => `${found.leadsTo}/`.startsWith(`${reserved}/`))) return 'nowhere'
    const target = await engine.stat(id, found.leadsTo)
    return target?.kind === 'link' ? 'nowhere' : target && { ...target, path: found.leadsTo }
  } catch (error) {
    // Links that lead round and round.
    if (statusOf(error) === SERVER_ERROR) return 'nowhere'
    throw error
  }
}

function whyUnreadable(end: PathStat | 'nowhere' | undefined): string | undefined {
  if (end === undefined) return undefined
  if (end === 'nowhere') return 'is a link to nothing that is in it'
  if (end.kind !== 'file') return 'is no file'
  return end.bytes > MOST_READ_BYTES ? `has more than ${MOST_READ_BYTES} bytes` : undefined
}

/**
 * runc looks for the task's group by its number among the names first: a group of root's that is called `65534` would
 * make the task one of root's group (runc's additional groups, of which Docker passes on the first one).
 *
 * @returns the first name of a line of passwd(5) or group(5) that is a number, and not its own.
 */
export function misleadingName(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [name = '', _password, id] = line.split(':').map((field) => field.trim())
    if (/^[+-]?\d+$/.test(name) && name !== id) return name
  }
  return undefined
}

/** Keeps answers, and has each looked for once, however many ask. What fails is looked for again. */
function createMemory<T>(): (key: string, look: () => Promise<T>) => Promise<T> {
  const kept = new Map<string, Promise<T>>()
  return async (key, look) => {
    const answer = kept.get(key) ?? look()
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(key, answer)
    try {
      return await answer
    } catch (error) {
      if (kept.get(key) === answer) kept.delete(key)
      throw error
    }
  }
}
