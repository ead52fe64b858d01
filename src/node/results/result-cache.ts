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

/** The key of a result: the same task, on the same engine and with the same applied limits, has the same result. */
export interface CacheQuestion {
  readonly specDigest: string
  /** As a receipt's isolation names it; that includes the version of the module rewriter. */
  readonly engine: string
  readonly limits: Limits
}

/**
 * Results of deterministic tasks, kept to answer the same task again. Who may have an answer is not its business: the caller makes sure
 * that the requester has brought every file of the task. It is empty when a node starts, so it never has a result of another version
 * of souk.
 */
export interface ResultCache {
  /** The price of an answer in percent of what the task would cost; undefined if there is no answer now. */
  percentFor(question: CacheQuestion): number | undefined
  /**
   * The execution as it was first measured. Its result files are in `dir`/results then, and its output was written to the streams.
   * Undefined if there is no answer; then nothing was written.
   */
  answer(request: {
    readonly question: CacheQuestion
    readonly dir: string
    readonly stdout: Writable
    readonly stderr: Writable
  }): Promise<{ readonly execution: Execution; readonly percent: number } | undefined>
  /** Keeps the result of a task, unless its outcome may differ the next time (a time limit, say). Never rejects. */
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
  /** Of all files in it. Each counts in whole blocks of 4 KiB, and each entry for one block more. */
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
  /** How many answers are being made of it: its files stay until they are done. */
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
  /** In order of their last use, the least recent first. */
  const entries = new Map<string, Entry>()
  /** Keys of results that are being copied in: they count, and the same result is not copied twice. */
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

  /** Whether each file still has its digest: a corrupt disk must not make the provider sign a wrong result. */
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
            // An empty stream has no file.
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
