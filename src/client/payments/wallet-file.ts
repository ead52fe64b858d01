import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SoukError } from '../../protocol/errors.ts'

const SCHEMA_VERSION = 2
/** How long one process waits for another's write, which takes less than a millisecond. */
const BUSY_TIMEOUT_MS = 10_000

/** Amounts are text: SQLite's integers end at 9.2 coins of 10^18 wei. */
const SCHEMA = `
  CREATE TABLE channels (
    channel_id TEXT NOT NULL PRIMARY KEY,
    chain_id INTEGER NOT NULL,
    contract TEXT NOT NULL,
    payer TEXT NOT NULL,
    payee TEXT NOT NULL,
    token TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    deposit_wei TEXT NOT NULL,
    charged_wei TEXT NOT NULL,
    signed_wei TEXT NOT NULL,
    signature TEXT,
    claimed_wei TEXT NOT NULL,
    closed INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tasks (
    task_id TEXT NOT NULL PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES channels (channel_id),
    provider TEXT NOT NULL,
    max_wei TEXT NOT NULL,
    expiry_ms INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    agreed TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tasks_of_channel ON tasks (channel_id)`

/** Settled tasks stay for a month: what is asked for with every payment must not take longer with each of them. */
const INDEXES = `
  CREATE INDEX IF NOT EXISTS open_tasks_of_channel ON tasks (channel_id, max_wei) WHERE settled = 0;
  CREATE INDEX IF NOT EXISTS open_tasks_at ON tasks (provider, task_id) WHERE settled = 0;
  CREATE INDEX IF NOT EXISTS settled_tasks ON tasks (expiry_ms) WHERE settled = 1`

/** The wallet's database: any number of processes at once, one write after the other. */
export interface WalletFile {
  readonly db: DatabaseSync
  /**
   * Runs `work` with nobody else writing, all of it or nothing. What it returns is in the file by then: a process that is killed
   * loses nothing of it. A machine that loses its power may lose the last of it, which a provider's statement brings back;
   * to wait for the disk with every voucher would cost more than all else that a payment does.
   */
  write<T>(work: () => T): T
  close(): void
}

/** @throws SoukError START_FAILED where it cannot be opened, or is of another version. */
export function openWalletFile({ dir }: { readonly dir: string }): WalletFile {
  const path = join(dir, 'wallet.sqlite')
  let opened: DatabaseSync | undefined
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
    opened = db
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    const sql = { begin: db.prepare('BEGIN IMMEDIATE'), commit: db.prepare('COMMIT'), undo: db.prepare('ROLLBACK') }
    const write = <T>(work: () => T): T => {
      sql.begin.run()
      try {
        const result = work()
        sql.commit.run()
        return result
      } catch (thrown) {
        if (db.isTransaction) sql.undo.run()
        throw thrown
      }
    }
    write(() => {
      prepare(db, path)
      db.exec(INDEXES)
    })
    return { db, write, close: () => db.close() }
  } catch (thrown) {
    opened?.close()
    throw thrown instanceof SoukError ? SoukError.from(thrown) : unusable(path, thrown)
  }
}

function prepare(db: DatabaseSync, path: string): void {
  const version = db.prepare('PRAGMA user_version').get()?.['user_version']
  if (version === SCHEMA_VERSION) return
  // Before, rates and limits were not kept.
  if (version === 1) return db.exec(`ALTER TABLE tasks ADD COLUMN agreed TEXT; PRAGMA user_version = ${SCHEMA_VERSION}`)
  if (version !== 0) throw unusable(path, new Error(`it is of version ${String(version)}`))
  db.exec(`${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}`)
}

function unusable(path: string, cause: unknown): SoukError<'START_FAILED'> {
  const reason = `the wallet ${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`
  return new SoukError({
    code: 'START_FAILED',
    message: `Nothing can be paid: ${reason}`,
    details: { reason },
    hint: 'Check that the folder can be written, or restore the file; what was signed is also with the providers.',
    cause,
  })
}
