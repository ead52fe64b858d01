import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Logger } from 'pino'
import { digestFile } from '../../artifacts/digest-file.ts'
import { termsKeyOf, whyNotCounted } from '../../identity/comparison.ts'
import type { Execution } from '../../protocol/execution.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { BlobRef } from '../../protocol/task.ts'

/** What is asked: the same task, on the same engine, with the same limits as applied, comes to the same. */
export interface CacheQuestion {
  readonly specDigest: string
  /** As a receipt's isolation names it, the version of what rewrites modules included. */
  readonly engine: string
  readonly limits: Limits
}

/**
 * Results of deterministic tasks, kept to answer whoever asks the same again. It says nothing of who may have an answer: the
 * caller has seen to it that a requester has brought every file of the task. It is empty when a node starts, and so never
 * has an answer of another version of souk.
 */
export interface ResultCache {
  /** What an answer costs, in percent of what the task costs, where there is one now. */
  percentFor(question: CacheQuestion): number | undefined
  /**
   * What the task came to, as first measured; its files are in `dir`/results, and its output was written. Undefined, and nothing
   * was done, where there is no answer.
   */
  answer(request: {
    readonly question: CacheQuestion
    readonly dir: string
    readonly stdout: Writable
    readonly stderr: Writable
  }): Promise<{ readonly execution: Execution; readonly percent: number } | undefined>
  /** Keeps what came of a task, where it is one that comes out the same again. Never rejects. */
  keep(request: {
    readonly question: CacheQuestion
    readonly receipt: Receipt
    readonly stdoutFile: string
    readonly stderrFile: string
    /** The file of a result, where it is still there. */
    readonly fileOf: (sha256: string) => string | undefined
  }): Promise<void>
}

export interface ResultCacheOptions {
  /** A folder of its own. What is in it is removed. */
  readonly dir: string
  readonly maxEntries: number
  /** Of all files in it, each counted in whole blocks, and one more for each entry. */
  readonly maxBytes: number
  readonly percent: number
  readonly logger: Logger
}

interface Entry {
  readonly dir: string
  readonly bytes: number
  readonly execution: Execution
  /** By name in `dir`: the two streams, and result files by their digest. */
  readonly files: ReadonlyMap<string, BlobRef>
  /** Who is being answered with it: its files stay until they are done. */
  users: number
  evicted: boolean
}

const BLOCK_BYTES = 4096
const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES

/** Opens it, empty. @throws what making the folder fails with */
export async function openResultCache(options: ResultCacheOptions): Promise<ResultCache> {
  const { dir, percent, logger } = options
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true, mode: 0o700 })
  /** The one that was asked for longest ago is first. */
  const entries = new Map<string, Entry>()
  /** Being copied in: they count, and nobody has to copy the same. */
  const coming = new Set<string>()
  let bytes = 0

  async function evict(key: string, entry: Entry): Promise<void> {
    entries.delete(key)
    bytes -= entry.bytes
    entry.evicted = true
    if (entry.users === 0) await rm(entry.dir, { recursive: true, force: true })
  }

  async function makeRoom(neededBytes: number): Promise<void> {
    while (bytes + neededBytes > options.maxBytes || entries.size + coming.size > options.maxEntries) {
      const [oldest] = entries
      if (oldest === undefined) return
      await evict(...oldest)
    }
  }

  /** Each file is what it was: a disk that forgets must not make its provider a liar. */
  async function isWhole({ dir: folder, files }: Entry): Promise<boolean> {
    for (const [name, { sha256, bytes: length }] of files) {
      const found = await digestFile({ file: join(folder, name) })
      if (found.sha256 !== sha256 || found.bytes !== length) return false
    }
    return true
  }

  /** Copies every file to where a run would have left it; false where that cannot be done. */
  async function layOut(entry: Entry, target: string): Promise<boolean> {
    try {
      if (!(await isWhole(entry))) return false
      const results = join(target, 'results')
      await mkdir(results, { recursive: true, mode: 0o700 })
      for (const name of entry.files.keys())
        if (!(name in STREAMS)) await copyFile(join(entry.dir, name), join(results, name), constants.COPYFILE_FICLONE)
      return true
    } catch (error) {
      logger.warn({ err: error }, 'an entry of the result cache cannot be used')
      return false
    }
  }

  return {
    percentFor: (question) => (entries.has(keyOf(question)) ? percent : undefined),

    async answer({ question, dir: target, stdout, stderr }) {
      const key = keyOf(question)
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      entries.set(key, entry)
      entry.users += 1
      try {
        if (!(await layOut(entry, target))) {
          await rm(join(target, 'results'), { recursive: true, force: true })
          if (!entry.evicted) await evict(key, entry)
          return undefined
        }
        await replay(join(entry.dir, 'stdout'), stdout)
        await replay(join(entry.dir, 'stderr'), stderr)
        return { execution: entry.execution, percent }
      } finally {
        entry.users -= 1
        if (entry.evicted && entry.users === 0) await rm(entry.dir, { recursive: true, force: true })
      }
    },

    async keep({ question, receipt, stdoutFile, stderrFile, fileOf }) {
      const key = keyOf(question)
      if (whyNotCounted(receipt) !== undefined || entries.has(key) || coming.has(key)) return
      if (coming.size >= options.maxEntries) return
      const files = filesOf(receipt)
      const charge = [...files.values()].reduce((sum, file) => sum + blocksOf(file.bytes), BLOCK_BYTES)
      if (charge > options.maxBytes) return
      const folder = join(dir, randomBytes(12).toString('hex'))
      try {
        coming.add(key)
        await makeRoom(charge)
        if (bytes + charge > options.maxBytes || entries.size + coming.size > options.maxEntries) return
        bytes += charge
        try {
          await mkdir(folder, { mode: 0o700 })
          for (const [name, { bytes: length }] of files) {
            const source = name === 'stdout' ? stdoutFile : name === 'stderr' ? stderrFile : fileOf(name)
            if (source === undefined) throw new Error(`the result ${name} is gone`)
            // Of a stream without a byte there is no file.
            if (length > 0 || !(name in STREAMS)) await copyFile(source, join(folder, name), constants.COPYFILE_FICLONE)
            else await writeFile(join(folder, name), '')
          }
        } catch (error) {
          bytes -= charge
          throw error
        }
        const { outcome, usage, isolation, outputs } = receipt
        const execution: Execution = { outcome, usage, isolation, outputs }
        entries.set(key, { dir: folder, bytes: charge, execution, files, users: 0, evicted: false })
      } catch (error) {
        logger.warn({ taskId: receipt.taskId, err: error }, 'a result was not kept in the cache')
        await rm(folder, { recursive: true, force: true }).catch(() => {})
      } finally {
        coming.delete(key)
      }
    },
  }
}

const STREAMS = { stdout: true, stderr: true } as const

function filesOf({ stdout, stderr, outputs }: Receipt): ReadonlyMap<string, BlobRef> {
  const files = new Map<string, BlobRef>([
    ['stdout', stdout],
    ['stderr', stderr],
  ])
  for (const output of outputs)
    if ('sha256' in output) files.set(output.sha256, { sha256: output.sha256, bytes: output.bytes })
  return files
}

function keyOf({ specDigest, ...terms }: CacheQuestion): string {
  return createHash('sha256')
    .update(`${specDigest} ${termsKeyOf(terms)}`)
    .digest('hex')
}

/** Writes a file into a stream that stays open, at the stream's pace. */
async function replay(file: string, target: Writable): Promise<void> {
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) {
    await new Promise<void>((resolve, reject) => {
      target.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
  }
}
