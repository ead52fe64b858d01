import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** What is known of an image beside what the engine knows of it. */
export interface KeptRecord {
  /** What it was named by: `manifest-HEX` as it was pulled, `archive-HEX` as a task has brought it. */
  readonly key: string
  /** The engine's. */
  readonly id: string
  /** What it takes of the disk, unpacked. */
  readonly diskBytes: number
}

const KEY = /^(?:manifest|archive)-[0-9a-f]{64}$/
const recordSchema = z.object({ id: z.string(), diskBytes: z.int().nonnegative() })

/** One file for each image: its content what is known of it, its time of change when it was used last. */
export interface KeptRecords {
  /** Those not used for longest first; what is no record is removed. */
  read(): Promise<readonly KeptRecord[]>
  write(record: KeptRecord): Promise<void>
  /** Says that it is used now. Never rejects: at worst it is taken for older than it is. */
  touch(key: string): Promise<void>
  remove(key: string): Promise<void>
}

export function openKeptRecords(dir: string): KeptRecords {
  const fileOf = (key: string): string => join(dir, key)
  const readOne = async (name: string): Promise<(KeptRecord & { readonly usedMs: number }) | undefined> => {
    try {
      const [{ mtimeMs }, text] = await Promise.all([stat(fileOf(name)), readFile(fileOf(name), 'utf8')])
      return { ...recordSchema.parse(JSON.parse(text)), key: name, usedMs: mtimeMs }
    } catch {
      return undefined
    }
  }
  return {
    async read() {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      const found: (KeptRecord & { readonly usedMs: number })[] = []
      for (const name of await readdir(dir)) {
        const record = KEY.test(name) ? await readOne(name) : undefined
        if (record === undefined) await rm(fileOf(name), { recursive: true, force: true })
        else found.push(record)
      }
      return found.toSorted((one, other) => one.usedMs - other.usedMs)
    },
    async write({ key, id, diskBytes }) {
      const partial = fileOf(`${key}.partial`)
      await writeFile(partial, JSON.stringify({ id, diskBytes }), { mode: 0o600 })
      await rename(partial, fileOf(key))
    },
    async touch(key) {
      const now = new Date()
      await utimes(fileOf(key), now, now).catch(() => {})
    },
    remove: (key) => rm(fileOf(key), { force: true }),
  }
}
