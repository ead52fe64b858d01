import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SoukError } from '../protocol/errors.ts'

const SCHEMA_VERSION = 2
/** How long another process may have the file. */
const BUSY_TIMEOUT_MS = 10_000

const schemaOf = (states: readonly string[]): string => `
  CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    chain_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    recipient TEXT NOT NULL,
    data TEXT NOT NULL,
    value_wei TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN (${states.map((state) => `'${state}'`).join(', ')})),
    nonce INTEGER,
    gas_limit TEXT,
    hash TEXT,
    block_number INTEGER,
    fee_wei TEXT,
    reason TEXT,
    told INTEGER NOT NULL DEFAULT 0,
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

/** Before, it was not kept who knows of what; what is settled was told, as far as one can tell. */
const FROM_VERSION_1 = `
  ALTER TABLE intents ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
  UPDATE intents SET told = 1 WHERE state IN ('confirmed', 'failed', 'replaced')`

/**
 * `transactions.sqlite`, which several processes may have open at once.
 * @throws SoukError START_FAILED where it cannot be opened, or is of another version.
 */
export function openTransactionFile({
  dir,
  states,
}: {
  readonly dir: string
  readonly states: readonly string[]
}): DatabaseSync {
  const path = join(dir, 'transactions.sqlite')
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    // SQLite would make it readable by others.
    closeSync(openSync(path, 'a', 0o600))
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    db.exec('BEGIN IMMEDIATE')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { readonly user_version: number }
    if (version !== 0 && version !== 1 && version !== SCHEMA_VERSION)
      throw new Error(`it has schema version ${version}, this souk reads version ${SCHEMA_VERSION}`)
    if (version === 1) db.exec(FROM_VERSION_1)
    db.exec(`${schemaOf(states)}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
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
