import { randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ImageConfig } from './oci-image.ts'

/**
 * The folder of unpacked images:
 *
 *     boot                which boot of the host it is of
 *     images/KEY/root     the root file system of an image
 *     images/KEY/facts    what the image says of how it is run, and what it takes of the disk; JSON
 *     partial/X           one that is being unpacked
 *     trash/X             on its way out
 */
const KEY = /^(?:manifest|config)-[0-9a-f]{64}$/

export interface UnpackedImage {
  readonly key: string
  readonly config: ImageConfig
  readonly diskBytes: number
}

const factsSchema = z.object({
  config: z.object({
    entrypoint: z.array(z.string()),
    cmd: z.array(z.string()),
    env: z.array(z.string()),
    workdir: z.string(),
  }),
  diskBytes: z.int().nonnegative(),
})

export const rootOf = (dir: string, key: string): string => join(imageFolder(dir, key), 'root')
const imageFolder = (dir: string, key: string): string => join(dir, 'images', key)

/**
 * Makes the folder where it is missing and removes what a crash has left. What is there of an earlier boot goes as a
 * whole: nothing is made durable file by file, and a host that lost its power may have lost some of it.
 */
export async function openCacheFolder({
  dir,
  bootId,
}: {
  readonly dir: string
  readonly bootId: string
}): Promise<readonly UnpackedImage[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const bootFile = join(dir, 'boot')
  if ((await readFile(bootFile, 'utf8').catch(() => undefined)) !== bootId) {
    await rm(bootFile, { force: true })
    await rm(join(dir, 'images'), { recursive: true, force: true })
  }
  for (const name of ['partial', 'trash']) await rm(join(dir, name), { recursive: true, force: true })
  for (const name of ['images', 'partial', 'trash']) await mkdir(join(dir, name), { recursive: true, mode: 0o700 })
  await writeFile(bootFile, bootId, { mode: 0o600 })
  const found: UnpackedImage[] = []
  for (const key of await readdir(join(dir, 'images'))) {
    const facts = KEY.test(key) ? await readFacts(dir, key) : undefined
    if (facts === undefined) await rm(join(dir, 'images', key), { recursive: true, force: true })
    else found.push({ key, ...facts })
  }
  return found
}

async function readFacts(dir: string, key: string): Promise<Omit<UnpackedImage, 'key'> | undefined> {
  try {
    return factsSchema.parse(JSON.parse(await readFile(join(imageFolder(dir, key), 'facts'), 'utf8')))
  } catch {
    return undefined
  }
}

/** A place to unpack an image to; the image is one when `keep` has resolved, and gone when `discard` has. */
export interface PartialImage {
  readonly root: string
  keep(image: UnpackedImage): Promise<void>
  discard(): Promise<void>
}

export async function beginImage(dir: string): Promise<PartialImage> {
  const folder = join(dir, 'partial', randomName())
  const root = join(folder, 'root')
  await mkdir(root, { recursive: true, mode: 0o700 })
  return {
    root,
    async keep({ key, ...facts }) {
      await writeFile(join(folder, 'facts'), JSON.stringify(facts), { mode: 0o600, flag: 'wx' })
      await rename(folder, imageFolder(dir, key))
    },
    discard: () => rm(folder, { recursive: true, force: true }),
  }
}

/** It is out of the way when this returns; the removal itself, slow for many files, goes on. */
export function discardImage(dir: string, key: string): Promise<void> {
  const place = join(dir, 'trash', randomName())
  renameSync(imageFolder(dir, key), place)
  return rm(place, { recursive: true, force: true })
}

const randomName = (): string => randomBytes(8).toString('hex')
