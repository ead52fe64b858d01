import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SoukError } from '../protocol/errors.ts'
import type { Fees } from './chain.ts'

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
  byKey(idempotencyKey: string): StoredTransaction | undefined
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
  close(): void
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    chain_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    recipient TEXT NOT NULL,
    data TEXT NOT NULL,
    value_wei TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (${TRANSACTION_STATES.map((state) => `'${state}'`).join(', ')})),
    nonce INTEGER,
    gas_limit TEXT,
    hash TEXT,
    block_number INTEGER,
    fee_wei TEXT,
    reason TEXT,
    changed_ms INTEGER NOT NULL,
    UNIQUE (chain_id, sender, idempotency_key),
    UNIQUE (chain_id, sender, nonce)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS attempts (
    hash TEXT PRIMARY KEY,
    intent_id INTEGER NOT NULL REFERENCES intents (id) ON DELETE CASCADE,
    raw TEXT NOT NULL,
    max_fee_wei TEXT NOT NULL,
    max_priority_fee_wei TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS attempts_of_intent ON attempts (intent_id)`

const SCHEMA_VERSION = 1
/** How long another process may have the file. */
const BUSY_TIMEOUT_MS = 10_000
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
  const db = openFile(join(dir, 'transactions.sqlite'), dir)
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
    byKey,
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
    close: () => db.close(),
  }
}

function openFile(path: string, dir: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    // SQLite would make it readable by others.
    closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    db.exec('BEGIN IMMEDIATE')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { readonly user_version: number }
    if (version !== 0 && version !== SCHEMA_VERSION)
      throw new Error(`it has schema version ${version}, this souk reads version ${SCHEMA_VERSION}`)
    db.exec(`${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
    return db
  } catch (cause) {
    db?.close()
    const reason = `cannot use ${path}: ${cause instanceof Error ? cause.message : String(cause)}`
    throw new SoukError({
      code: 'START_FAILED',
      message: `The transactions of this account cannot be kept: ${reason}`,
      details: { reason },
      hint: 'Check that the folder can be written and the disk has room, or restore the file from a backup.',
      cause,
    })
  }
}

function statements(db: DatabaseSync) {
  const columns = `id, idempotency_key AS idempotencyKey, recipient, data, value_wei AS valueWei, state, nonce,
    gas_limit AS gasLimit, hash, block_number AS blockNumber, fee_wei AS feeWei, reason`
  const mine = 'chain_id = ? AND sender = ?'
  const settled = `state IN ('confirmed', 'failed', 'replaced')`
  return {
    add: db.prepare(`INSERT OR IGNORE INTO intents
      (chain_id, sender, idempotency_key, recipient, data, value_wei, state, changed_ms)
      VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)`),
    get: db.prepare(`SELECT ${columns} FROM intents WHERE id = ?`),
    byKey: db.prepare(`SELECT ${columns} FROM intents WHERE ${mine} AND idempotency_key = ?`),
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
  const { id, idempotencyKey, recipient, data, valueWei, state, nonce, gasLimit, hash, blockNumber, feeWei, reason } =
    row as Record<string, string | number | null>
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
