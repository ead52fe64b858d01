import type { DatabaseSync } from 'node:sqlite'
import { SoukError } from '../protocol/errors.ts'
import type { Fees } from './chain.ts'
import { openTransactionFile } from './transaction-file.ts'

/**
 * What becomes of an intent. `queued`: no nonce yet. `sent`: a nonce is its own, and at least one signed transaction is written here,
 * whether or not an endpoint has it. `mined`: in a block that may still vanish. Then for good: `confirmed`, `failed` (reverted, or
 * refused before it had a nonce), `replaced` (another tool used its nonce; it was never executed).
 */
export const TRANSACTION_STATES = ['queued', 'sent', 'mined', 'confirmed', 'failed', 'replaced'] as const
export type TransactionState = (typeof TRANSACTION_STATES)[number]

/** What is to happen on the chain, once: whoever asks again with the same key gets the same intent. */
export interface Intent {
  readonly idempotencyKey: string
  readonly to: string
  /** `0x` and hex digits. */
  readonly data: string
  readonly valueWei: bigint
}

export interface StoredTransaction extends Intent {
  readonly id: number
  readonly state: TransactionState
  readonly nonce?: number
  readonly gasLimit?: bigint
  /** The transaction that is in a block, from `mined` on. */
  readonly hash?: string
  readonly blockNumber?: number
  /** What it cost, in wei, from `mined` on. */
  readonly feeWei?: bigint
  /** Why it failed. */
  readonly reason?: string
  /** Whoever asked for it knows what became of it. */
  readonly told: boolean
}

/** One signed transaction for an intent; a replacement is a further one with the same nonce. */
export interface Attempt {
  readonly hash: string
  readonly raw: string
  readonly fees: Fees
  readonly atMs: number
}

interface Signed {
  readonly gasLimit: bigint
  readonly attempt: Attempt
}

export interface TransactionStore {
  /** @throws SoukError INVALID_INPUT where the key stands for something else. */
  add(intent: Intent): StoredTransaction
  get(id: number): StoredTransaction | undefined
  /** The last turn of what has that key: `KEY`, `KEY #2`, `KEY #3`… */
  latest(idempotencyKey: string): StoredTransaction | undefined
  byNonce(nonce: number): StoredTransaction | undefined
  /** Neither confirmed, failed nor replaced; by nonce, those without one last, in the order in which they came. */
  open(): readonly StoredTransaction[]
  attempts(id: number): readonly Attempt[]
  /**
   * Gives a queued intent the next nonce, and keeps what is signed with it, in one step: what is broadcast is on the disk before, and
   * no two processes use one nonce. Undefined where it is queued no more.
   */
  assign(options: {
    readonly id: number
    /** The least that it may be: what the chain knows of. */
    readonly atLeast: number
    readonly sign: (nonce: number) => Signed
  }): Attempt | undefined
  /** Takes a nonce that no intent has for a transaction that does nothing. False where it is taken. */
  fill(options: { readonly nonce: number; readonly to: string; readonly signed: Signed }): boolean
  addAttempt(options: { readonly id: number; readonly attempt: Attempt }): void
  update(options: {
    readonly id: number
    readonly state: TransactionState
    readonly mined?: { readonly hash: string; readonly blockNumber: number; readonly feeWei: bigint }
    readonly reason?: string
  }): void
  /** Durable when this returns. Of what has not settled, nobody can be told yet. */
  tell(ids: readonly number[]): void
  close(): void
}

/** What is settled for so long is forgotten; no one asks again with its key. */
const KEPT_MS = 180 * 86_400_000

/**
 * The transactions of one account on one chain, in `transactions.sqlite`. Several processes may have it open at once, and each may drive what
 * the others began.
 *
 * @throws SoukError START_FAILED where the file cannot be opened, or is of another version.
 */
export function openTransactionStore({
  dir,
  chainId,
  sender,
}: {
  readonly dir: string
  readonly chainId: number
  /** Lower case. */
  readonly sender: string
}): TransactionStore {
  const db = openTransactionFile({ dir, states: TRANSACTION_STATES })
  const sql = statements(db)

  function inOneStep<T>(work: () => T): T {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (thrown) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw thrown
    }
  }

  const byKey = (idempotencyKey: string): StoredTransaction | undefined =>
    storedOf(sql.byKey.get(chainId, sender, idempotencyKey))
  const byNonce = (nonce: number): StoredTransaction | undefined => storedOf(sql.byNonce.get(chainId, sender, nonce))
  const get = (id: number): StoredTransaction | undefined => storedOf(sql.get.get(id))

  function keep(id: number, { hash, raw, fees, atMs }: Attempt): void {
    sql.addAttempt.run(hash, id, raw, String(fees.maxFeePerGas), String(fees.maxPriorityFeePerGas), atMs)
  }

  sql.forget.run(Date.now() - KEPT_MS, chainId, sender)
  return {
    latest: (key) => storedOf(sql.latest.get(chainId, sender, key, `${key} #`, `${key} $`)),
    byNonce,
    get,
    add(intent) {
      const { idempotencyKey, to, data, valueWei } = intent
      sql.add.run(chainId, sender, idempotencyKey, to, data, String(valueWei), Date.now())
      const stored = byKey(idempotencyKey)
      if (stored === undefined) throw new TypeError('what was added is there')
      if (stored.to !== to || stored.data !== data || stored.valueWei !== valueWei) throw keyTaken(idempotencyKey)
      return stored
    },
    open: () => sql.open.all(chainId, sender).flatMap((row) => storedOf(row) ?? []),
    attempts: (id) => sql.attempts.all(id).map(attemptOf),
    assign: ({ id, atLeast, sign }) =>
      inOneStep(() => {
        if (get(id)?.state !== 'queued') return undefined
        const { nonce } = sql.nextNonce.get(chainId, sender) as { readonly nonce: number | null }
        const own = Math.max(atLeast, nonce ?? 0)
        const { gasLimit, attempt } = sign(own)
        sql.assign.run(own, String(gasLimit), Date.now(), id)
        keep(id, attempt)
        return attempt
      }),
    fill: ({ nonce, to, signed }) =>
      inOneStep(() => {
        if (byNonce(nonce) !== undefined) return false
        const key = `fill nonce ${nonce}`
        sql.add.run(chainId, sender, key, to, '0x', '0', Date.now())
        const stored = byKey(key)
        if (stored === undefined) throw new TypeError('what was added is there')
        sql.assign.run(nonce, String(signed.gasLimit), Date.now(), stored.id)
        keep(stored.id, signed.attempt)
        return true
      }),
    addAttempt: ({ id, attempt }) => keep(id, attempt),
    update({ id, state, mined, reason }) {
      const { hash = null, blockNumber = null } = mined ?? {}
      const feeWei = mined === undefined ? null : String(mined.feeWei)
      sql.update.run(state, hash, blockNumber, feeWei, reason ?? null, Date.now(), id)
    },
    tell(ids) {
      inOneStep(() => ids.forEach((id) => sql.tell.run(id)))
    },
    close: () => db.close(),
  }
}

function statements(db: DatabaseSync) {
  const columns = `id, idempotency_key AS idempotencyKey, recipient, data, value_wei AS valueWei, state, nonce,
    gas_limit AS gasLimit, hash, block_number AS blockNumber, fee_wei AS feeWei, reason, told`
  const mine = 'chain_id = ? AND sender = ?'
  const settled = `state IN ('confirmed', 'failed', 'replaced')`
  return {
    add: db.prepare(`INSERT OR IGNORE INTO intents
      (chain_id, sender, idempotency_key, recipient, data, value_wei, state, changed_ms)
      VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)`),
    get: db.prepare(`SELECT ${columns} FROM intents WHERE id = ?`),
    byKey: db.prepare(`SELECT ${columns} FROM intents WHERE ${mine} AND idempotency_key = ?`),
    // Keys are compared by their bytes: `#` comes before `$`.
    latest: db.prepare(`SELECT ${columns} FROM intents WHERE ${mine}
      AND (idempotency_key = ? OR (idempotency_key >= ? AND idempotency_key < ?)) ORDER BY id DESC LIMIT 1`),
    tell: db.prepare(`UPDATE intents SET told = 1 WHERE id = ? AND ${settled}`),
    byNonce: db.prepare(`SELECT ${columns} FROM intents WHERE ${mine} AND nonce = ?`),
    open: db.prepare(
      `SELECT ${columns} FROM intents WHERE ${mine} AND NOT ${settled} ORDER BY nonce IS NULL, nonce, id`,
    ),
    nextNonce: db.prepare(`SELECT max(nonce) + 1 AS nonce FROM intents WHERE ${mine}`),
    assign: db.prepare(`UPDATE intents SET state = 'sent', nonce = ?, gas_limit = ?, changed_ms = ? WHERE id = ?`),
    update:
      db.prepare(`UPDATE intents SET state = ?, hash = ?, block_number = ?, fee_wei = ?, reason = ?, changed_ms = ?
      WHERE id = ? AND NOT ${settled}`),
    addAttempt: db.prepare(`INSERT OR IGNORE INTO attempts
      (hash, intent_id, raw, max_fee_wei, max_priority_fee_wei, at_ms) VALUES (?, ?, ?, ?, ?, ?)`),
    attempts: db.prepare('SELECT * FROM attempts WHERE intent_id = ? ORDER BY at_ms, rowid'),
    // The last nonce stays known: an endpoint that lags must not have it given away again.
    forget: db.prepare(`DELETE FROM intents WHERE ${settled} AND changed_ms < ? AND ${mine}
      AND (nonce IS NULL OR nonce < (SELECT max(nonce) FROM intents AS all_of
        WHERE all_of.chain_id = intents.chain_id AND all_of.sender = intents.sender))`),
  }
}

type Row = Record<string, unknown> | undefined

function storedOf(row: Row): StoredTransaction | undefined {
  if (row === undefined) return undefined
  const {
    id,
    idempotencyKey,
    recipient,
    data,
    valueWei,
    state,
    nonce,
    gasLimit,
    hash,
    blockNumber,
    feeWei,
    reason,
    told,
  } = row as Record<string, string | number | null>
  return {
    id: Number(id),
    idempotencyKey: String(idempotencyKey),
    to: String(recipient),
    data: String(data),
    valueWei: BigInt(valueWei ?? 0),
    state: state as TransactionState,
    ...(typeof nonce === 'number' && { nonce }),
    ...(typeof gasLimit === 'string' && { gasLimit: BigInt(gasLimit) }),
    ...(typeof hash === 'string' && { hash }),
    ...(typeof blockNumber === 'number' && { blockNumber }),
    ...(typeof feeWei === 'string' && { feeWei: BigInt(feeWei) }),
    ...(typeof reason === 'string' && { reason }),
    told: told === 1,
  }
}

function attemptOf(row: Row): Attempt {
  const { hash, raw, max_fee_wei, max_priority_fee_wei, at_ms } = row as Record<string, string | number>
  return {
    hash: String(hash),
    raw: String(raw),
    fees: { maxFeePerGas: BigInt(max_fee_wei ?? 0), maxPriorityFeePerGas: BigInt(max_priority_fee_wei ?? 0) },
    atMs: Number(at_ms),
  }
}

function keyTaken(idempotencyKey: string): SoukError {
  const message = `the key ${idempotencyKey} already stands for another transaction`
  return new SoukError({
    code: 'INVALID_INPUT',
    message: `Nothing was sent: ${message}.`,
    details: { issues: [{ path: 'idempotencyKey', message }] },
  })
}
