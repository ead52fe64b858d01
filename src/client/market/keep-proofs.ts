import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equivocationOf, type Proof } from '../../identity/proofs.ts'
import { checkReceipt } from '../../identity/receipt.ts'
import { receiptHashOf } from '../../identity/typed-data.ts'
import type { Receipt } from '../../protocol/receipt.ts'

/** Longer than providers keep results. */
const KEPT_MS = 30 * 86_400_000

/**
 * Saves a proof for whoever it is to be shown to, under a name that says what it is; the same one is there once.
 * @returns the path of the file
 */
export async function writeProof({ dir, proof }: { readonly dir: string; readonly proof: Proof }): Promise<string> {
  const text = `${JSON.stringify(proof)}\n`
  const digest = createHash('sha256').update(text).digest('hex')
  const about = proof.kind === 'equivocation' ? proof.receipts[0].taskId.slice(2, 14) : proof.specDigest.slice(0, 12)
  const file = join(dir, `${proof.kind}-${about}-${digest.slice(0, 8)}.json`)
  await writeWhole({ dir, file, text })
  return file
}

/**
 * Keeps the receipt of a task, which its provider signs once. Where another one for the same task was kept earlier, the two
 * prove that the provider lied: the proof is saved, the first receipt stays.
 *
 * @param receipt one that was verified
 * @param dir of kept receipts, made where it is missing; those of a month ago are removed
 * @returns the path of the proof, where there is one
 */
export async function keepReceipt({
  receipt,
  dir,
  proofsDir,
  nowMs,
}: {
  readonly receipt: Receipt
  readonly dir: string
  readonly proofsDir: string
  readonly nowMs: number
}): Promise<string | undefined> {
  const file = join(dir, `${receipt.taskId}.json`)
  const earlier = await readReceipt(file)
  if (earlier?.provider === receipt.provider && earlier.taskId === receipt.taskId) {
    if (receiptHashOf(earlier) === receiptHashOf(receipt)) return undefined
    return writeProof({ dir: proofsDir, proof: equivocationOf([earlier, receipt]) })
  }
  await writeWhole({ dir, file, text: `${JSON.stringify(receipt)}\n` })
  await removeOld({ dir, nowMs })
  return undefined
}

/** What is there, where it is a receipt that verifies; what a crash or a hand has made of it otherwise is worth nothing. */
async function readReceipt(file: string): Promise<Receipt | undefined> {
  try {
    const { receipt, reasons } = checkReceipt(JSON.parse(await readFile(file, 'utf8')))
    return reasons.length === 0 ? receipt : undefined
  } catch {
    return undefined
  }
}

/** At once and whole, also where several processes do it. */
async function writeWhole({
  dir,
  file,
  text,
}: {
  readonly dir: string
  readonly file: string
  readonly text: string
}): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const partial = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(partial, text, { mode: 0o600, flush: true })
    await rename(partial, file)
  } catch (thrown) {
    await rm(partial, { force: true })
    throw thrown
  }
}

async function removeOld({ dir, nowMs }: { readonly dir: string; readonly nowMs: number }): Promise<void> {
  for (const name of await readdir(dir)) {
    const file = join(dir, name)
    const stats = await stat(file).catch(() => undefined)
    if (stats !== undefined && nowMs - stats.mtimeMs > KEPT_MS) await rm(file, { force: true })
  }
}
