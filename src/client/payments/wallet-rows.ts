import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { limitsSchema } from '../../protocol/limits.ts'
import { channelKeySchema, type ChannelKey } from '../../protocol/payment.ts'
import { ratesSchema } from '../../protocol/price.ts'
import type { Quote } from '../../protocol/quote.ts'
import { addressSchema, bytes32Schema, signatureSchema } from '../../protocol/receipt.ts'
import { weiSchema } from '../../protocol/task.ts'
import type { NonceRange } from '../../settlement/channel-nonces.ts'

/** A channel as it is in the file. */
export interface ChannelRow {
  readonly channelId: string
  readonly chainId: number
  readonly contract: string
  readonly channel: ChannelKey
  readonly depositWei: bigint
  readonly chargedWei: bigint
  readonly signedWei: bigint
  /** Of the newest voucher; absent before the first. */
  readonly signature: string | undefined
  /** The most that its payee has ever said is charged. */
  readonly claimedWei: bigint
  readonly closed: boolean
}

/** What the receipt of a task has to follow from, as it was quoted. */
export type AgreedPrice = Pick<Quote, 'rates' | 'limits'>

/** A task under way, as far as it may cost something. */
export interface OpenTask {
  readonly taskId: string
  readonly channelId: string
  readonly provider: string
  readonly maxPriceWei: bigint
  readonly expiryMs: number
  /** The process that sent it. */
  readonly pid: number
  /** Its receipt is charged; it is kept for a while for whoever fetches the result again. */
  readonly settled: boolean
}

/** Longer than providers keep results. */
const SETTLED_KEPT_MS = 30 * 24 * 3_600_000

const wei = weiSchema.transform(BigInt)
/** Made once: a schema that is derived anew for each row costs more than all else that is done with it. */
const ownChannelSchema = channelKeySchema.strip()
const channelRowSchema = z.object({
  channelId: bytes32Schema,
  chainId: z.int(),
  contract: addressSchema,
  depositWei: wei,
  chargedWei: wei,
  signedWei: wei,
  signature: signatureSchema.nullable(),
  claimedWei: wei,
  closed: z.int(),
})
const agreedSchema = z.object({ rates: ratesSchema, limits: limitsSchema })
const agreedRowSchema = z.object({ agreed: z.string().nullable() })
const taskRowSchema = z.object({
  taskId: bytes32Schema,
  channelId: bytes32Schema,
  provider: addressSchema,
  maxPriceWei: wei,
  expiryMs: z.int(),
  pid: z.int(),
  settled: z.int().transform((value) => value !== 0),
})

function channelOf(row: unknown): ChannelRow {
  const { closed, signature, ...facts } = channelRowSchema.parse(row)
  const channel = ownChannelSchema.parse(row)
  return { ...facts, channel, closed: closed !== 0, signature: signature ?? undefined }
}

const CHANNEL = `SELECT channel_id AS channelId, chain_id AS chainId, contract, payer, payee, token, nonce, deposit_wei AS depositWei,
  charged_wei AS chargedWei, signed_wei AS signedWei, signature, claimed_wei AS claimedWei, closed FROM channels`
const TASK = `SELECT task_id AS taskId, channel_id AS channelId, provider, max_wei AS maxPriceWei, expiry_ms AS expiryMs, pid, settled FROM tasks`

type Names = 'chainId' | 'contract' | 'channelId'

/** The statements of the wallet; who calls has the transaction. Rows were written here, and are checked all the same. */
export interface WalletRows {
  find(channelId: string): ChannelRow | undefined
  all(payer: string): readonly ChannelRow[]
  /** Channels that are not closed, the newest first. */
  open(
    wanted: Omit<ChannelKey, 'nonce'> & Pick<ChannelRow, 'chainId' | 'contract'> & { readonly nonces: NonceRange },
  ): readonly ChannelRow[]
  note(row: Pick<ChannelRow, Names | 'channel' | 'depositWei' | 'closed'>): void
  sign(row: Pick<ChannelRow, 'channelId' | 'signedWei' | 'signature'>): void
  charge(row: Pick<ChannelRow, 'channelId' | 'chargedWei'>): void
  claim(row: Pick<ChannelRow, 'channelId' | 'claimedWei'>): void
  begin(task: Omit<OpenTask, 'settled'> & { readonly agreed: AgreedPrice }): void
  /** Absent also in files from before it was kept. */
  agreed(taskId: string): AgreedPrice | undefined
  settle(taskId: string): void
  /** Nothing is left of a task that has not settled. */
  end(taskId: string): void
  task(taskId: string): OpenTask | undefined
  /** Of one provider, those that have not settled. */
  tasksAt(provider: string): readonly OpenTask[]
  reservedOf(channelId: string): bigint
}

export function walletRows(db: DatabaseSync): WalletRows {
  const sql = {
    find: db.prepare(`${CHANNEL} WHERE channel_id = ?`),
    all: db.prepare(`${CHANNEL} WHERE payer = ? ORDER BY nonce`),
    open: db.prepare(
      `${CHANNEL} WHERE payer = ? AND chain_id = ? AND contract = ? AND payee = ? AND token = ? AND nonce >= ? AND nonce < ?
       AND closed = 0 ORDER BY nonce DESC`,
    ),
    note: db.prepare(
      `INSERT INTO channels VALUES (?, ?, ?, ?, ?, ?, ?, ?, '0', '0', NULL, '0', ?)
       ON CONFLICT (channel_id) DO UPDATE SET deposit_wei = excluded.deposit_wei, closed = excluded.closed`,
    ),
    sign: db.prepare('UPDATE channels SET signed_wei = ?, signature = ? WHERE channel_id = ?'),
    charge: db.prepare('UPDATE channels SET charged_wei = ? WHERE channel_id = ?'),
    claim: db.prepare('UPDATE channels SET claimed_wei = ? WHERE channel_id = ?'),
    begin: db.prepare(
      `INSERT INTO tasks (task_id, channel_id, provider, max_wei, expiry_ms, pid, agreed, settled)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
    ),
    agreed: db.prepare('SELECT agreed FROM tasks WHERE task_id = ? AND settled = 0'),
    settle: db.prepare('UPDATE tasks SET settled = 1 WHERE task_id = ?'),
    end: db.prepare('DELETE FROM tasks WHERE task_id = ? AND settled = 0'),
    purge: db.prepare('DELETE FROM tasks WHERE settled = 1 AND expiry_ms < ?'),
    task: db.prepare(`${TASK} WHERE task_id = ?`),
    tasksAt: db.prepare(`${TASK} WHERE provider = ? AND settled = 0 ORDER BY task_id`),
    reserved: db.prepare('SELECT max_wei AS maxPriceWei FROM tasks WHERE channel_id = ? AND settled = 0'),
  }
  return {
    find(channelId) {
      const row = sql.find.get(channelId)
      return row === undefined ? undefined : channelOf(row)
    },
    all: (payer) => sql.all.all(payer).map(channelOf),
    open: ({ payer, chainId, contract, payee, token, nonces: { first, end } }) =>
      sql.open.all(payer, chainId, contract, payee, token, first, end).map(channelOf),
    note({ channelId, chainId, contract, channel, depositWei, closed }) {
      const { payer, payee, token, nonce } = channel
      sql.note.run(channelId, chainId, contract, payer, payee, token, nonce, String(depositWei), closed ? 1 : 0)
    },
    sign({ channelId, signedWei, signature }) {
      sql.sign.run(String(signedWei), signature ?? null, channelId)
    },
    charge({ channelId, chargedWei }) {
      sql.charge.run(String(chargedWei), channelId)
    },
    claim({ channelId, claimedWei }) {
      sql.claim.run(String(claimedWei), channelId)
    },
    begin({ taskId, channelId, provider, maxPriceWei, expiryMs, pid, agreed }) {
      sql.purge.run(expiryMs - SETTLED_KEPT_MS)
      sql.begin.run(taskId, channelId, provider, String(maxPriceWei), expiryMs, pid, JSON.stringify(agreed))
    },
    agreed(taskId) {
      const { agreed } = agreedRowSchema.parse(sql.agreed.get(taskId) ?? { agreed: null })
      return agreed === null ? undefined : agreedSchema.parse(JSON.parse(agreed))
    },
    settle(taskId) {
      sql.settle.run(taskId)
    },
    end(taskId) {
      sql.end.run(taskId)
    },
    task(taskId) {
      const row = sql.task.get(taskId)
      return row === undefined ? undefined : taskRowSchema.parse(row)
    },
    tasksAt: (provider) => sql.tasksAt.all(provider).map((row) => taskRowSchema.parse(row)),
    reservedOf: (channelId) =>
      sql.reserved.all(channelId).reduce((sum, { maxPriceWei }) => sum + wei.parse(maxPriceWei), 0n),
  }
}
