import { join } from 'node:path'
import { SoukError } from '../../protocol/errors.ts'
import { MAX_EXPIRY_AHEAD_MS } from '../../protocol/receipt.ts'
import { decodeEvent, encodeEvent, type EventRow } from './journal-rows.ts'
import type { AppendResult, Journal, JournalRecord, NonceKey } from './journal.ts'
import { LEDGER_CLOSING, LEDGER_SCHEMA, openLedgerTable } from './ledger-rows.ts'
import { reserveLog } from './log-reserve.ts'
import { openDatabase, SQLITE_CONSTRAINT, SQLITE_FULL, sqliteCodeOf } from './sqlite-file.ts'
import type { AcceptedEvent } from './task-state.ts'

/** 2: the ledger of channels. 3: those that are being closed. */
const SCHEMA_VERSION = 3
const MIGRATIONS = { 1: LEDGER_SCHEMA, 2: LEDGER_CLOSING }

/**
 * What cannot be is refused by the file itself: an event of a task that is not there, anything after its end
 * (but a late cancellation, which changes nothing), a task accepted or a nonce used twice. A task's removal takes its events along; its nonce stays.
 */
const SCHEMA = `
  CREATE TABLE tasks (task_id TEXT NOT NULL UNIQUE, spec BLOB NOT NULL) STRICT;
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('accepted', 'started', 'requeued', 'cancelRequested', 'finished', 'failed')),
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_of_task ON events (task_id);
  CREATE TRIGGER nothing_after_the_end BEFORE INSERT ON events WHEN NEW.kind <> 'cancelRequested' AND EXISTS
    (SELECT 1 FROM events WHERE task_id = NEW.task_id AND kind IN ('finished', 'failed'))
    BEGIN SELECT RAISE(ABORT, 'the task has settled'); END;
  CREATE TABLE nonces (
    requester TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expiry_ms INTEGER NOT NULL,
    PRIMARY KEY (requester, nonce)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX nonces_by_expiry ON nonces (expiry_ms);
  ${LEDGER_SCHEMA};
  ${LEDGER_CLOSING}`

const DEFAULT_MAX_BYTES = 1024 ** 3
/**
 * The share of the quota that acceptances may fill. The rest is kept for how accepted tasks end: if that cannot be written, the node
 * stops.
 */
const ROOM_FOR_NEW_TASKS = 0.75
const PAGE_BYTES = 4096
const CACHE_KIB = 8192
/** The write-ahead log is checkpointed at this many pages: a page that many tasks have changed is then copied to the file only once. */
const LOG_PAGES = 4000
/** More than LOG_PAGES take with their frame headers (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
const LOG_BYTES = 16 * 1024 ** 2
const LOAD_ROWS = 500

interface Waiting {
  readonly events: readonly JournalRecord[]
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: SoukError) => void
}

type Written = { readonly result: AppendResult } | { readonly error: SoukError }

/**
 * The journal in one SQLite file, `journal.sqlite` in the data folder, which is locked for as long as it is
 * open. A commit is one write to the log and one fsync, some 0.4 ms on an SSD, on the event loop's thread:
 * shorter than the way to a worker and back, and shared by all appends of one turn.
 *
 * `maxBytes` is the most that the file holds (16 MiB of log come on top).
 *
 * @throws SoukError START_FAILED when another node has the folder (its pid is named), or the file is damaged,
 *   not a journal, or of another version.
 */
export function openSqliteJournal({
  dir,
  maxBytes = DEFAULT_MAX_BYTES,
}: {
  readonly dir: string
  readonly maxBytes?: number
}): Journal {
  const file = openDatabase({
    dir,
    name: 'journal',
    schema: SCHEMA,
    schemaVersion: SCHEMA_VERSION,
    migrations: MIGRATIONS,
  })
  const { db } = file
  const maxPages = Math.ceil(maxBytes / PAGE_BYTES)
  // temp_store: otherwise SQLite writes what a savepoint may have to restore to a temporary file, four writes a task.
  db.exec(`PRAGMA max_page_count = ${maxPages}; PRAGMA journal_size_limit = ${LOG_BYTES};
    PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`)
  const sql = {
    begin: db.prepare('BEGIN IMMEDIATE'),
    commit: db.prepare('COMMIT'),
    rollback: db.prepare('ROLLBACK'),
    savepoint: db.prepare('SAVEPOINT append'),
    release: db.prepare('RELEASE append'),
    undo: db.prepare('ROLLBACK TO append'),
    pages: db.prepare('PRAGMA page_count'),
    freePages: db.prepare('PRAGMA freelist_count'),
    addTask: db.prepare('INSERT OR IGNORE INTO tasks (task_id, spec) VALUES (?, ?)'),
    removeTask: db.prepare('DELETE FROM tasks WHERE task_id = ?'),
    addEvent: db.prepare('INSERT INTO events (task_id, kind, at_ms, body) VALUES (?, ?, ?, ?)'),
    addNonce: db.prepare('INSERT OR IGNORE INTO nonces (requester, nonce, expiry_ms) VALUES (?, ?, ?)'),
    findNonce: db.prepare('SELECT 1 FROM nonces WHERE requester = ? AND nonce = ?'),
    purgeNonces: db.prepare('DELETE FROM nonces WHERE expiry_ms < ?'),
    page: db.prepare(`
      SELECT seq, events.task_id AS taskId, kind, at_ms AS atMs, body, CASE kind WHEN 'accepted' THEN spec END AS spec
      FROM events JOIN tasks USING (task_id) WHERE seq > ? ORDER BY seq LIMIT ${LOAD_ROWS}`),
  }
  const ledger = openLedgerTable(db)
  const reserve = reserveLog({ path: join(dir, 'journal.sqlite-wal'), maxBytes: LOG_BYTES })
  let waiting: Waiting[] = []
  let pendingNonces = new Set<string>()
  let scheduled: NodeJS.Immediate | undefined
  let closed = false
  /** Set after a failed write, when the state of the file is unknown: nothing more is appended until a restart has read it. */
  let broken: SoukError | undefined

  function flush(): void {
    clearImmediate(scheduled)
    scheduled = undefined
    const batch = waiting
    waiting = []
    const outcomes = writeAll(batch)
    pendingNonces = new Set()
    for (const [index, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined && 'result' in outcome) resolve(outcome.result)
      else reject(outcome?.error ?? failed('the append was lost'))
    }
    reserve.renew()
  }

  function writeAll(batch: readonly Waiting[]): readonly Written[] {
    if (broken !== undefined) return batch.map(() => ({ error: failed('the disk failed before', broken) }))
    try {
      return writeTogether(batch)
    } catch (thrown) {
      const full = sqliteCodeOf(thrown) === SQLITE_FULL
      const undone = rollBack()
      if (!full || !undone) {
        const error = failed('the disk failed', thrown)
        broken = error
        return batch.map(() => ({ error }))
      }
      // One append that is too big must not fail the others of the batch.
      return batch.length > 1 ? batch.flatMap((one) => writeAll([one])) : [{ error: storageFull(maxBytes, thrown) }]
    }
  }

  /** False when even that failed. After some errors SQLite has rolled back by itself. */
  function rollBack(): boolean {
    try {
      if (db.isTransaction) sql.rollback.run()
      return true
    } catch {
      return false
    }
  }

  function writeTogether(batch: readonly Waiting[]): readonly Written[] {
    sql.begin.run()
    const [only, ...others] = batch
    if (only !== undefined && others.length === 0) return [writeAlone(only.events)]
    const outcomes = batch.map(({ events }) => {
      sql.savepoint.run()
      const outcome = writeEvents(events)
      if (!isAppended(outcome)) sql.undo.run()
      sql.release.run()
      return outcome
    })
    sql.commit.run()
    return outcomes
  }

  /** The transaction has nothing else in it, and is undone as a whole. */
  function writeAlone(events: readonly JournalRecord[]): Written {
    const outcome = writeEvents(events)
    const end = isAppended(outcome) ? sql.commit : sql.rollback
    end.run()
    return outcome
  }

  /** What was written before something that could not be has to be undone. */
  function writeEvents(events: readonly JournalRecord[]): Written {
    try {
      for (const event of events) {
        if (event.kind === 'accepted' && !accept(event)) return { result: { appended: false, reason: 'REPLAYED' } }
        write(event)
      }
      return { result: { appended: true } }
    } catch (thrown) {
      if (thrown instanceof SoukError) return { error: SoukError.from(thrown) }
      if (sqliteCodeOf(thrown) === SQLITE_CONSTRAINT)
        return { error: failed('the events cannot follow what is there', thrown) }
      throw thrown
    }
  }

  function usedPages(): number {
    const { page_count: all } = sql.pages.get() as { page_count: number }
    const { freelist_count: free } = sql.freePages.get() as { freelist_count: number }
    return all - free
  }

  /** False when the nonce, or the task, was there before. */
  function accept({ taskId, spec, authorization, atMs }: AcceptedEvent): boolean {
    if (usedPages() + spec.byteLength / PAGE_BYTES > maxPages * ROOM_FOR_NEW_TASKS) throw storageFull(maxBytes)
    const { requester, nonce, expiryMs } = authorization
    // Nonces are kept well beyond their expiry: a clock that is set back must not let an old task in again.
    sql.purgeNonces.run(atMs - MAX_EXPIRY_AHEAD_MS)
    return sql.addNonce.run(requester, nonce, expiryMs).changes === 1 && sql.addTask.run(taskId, spec).changes === 1
  }

  function write(record: JournalRecord): void {
    if (!('taskId' in record)) return ledger.write(record)
    if (record.kind === 'removed') {
      sql.removeTask.run(record.taskId)
      return
    }
    const row = encodeEvent(record)
    sql.addEvent.run(row.taskId, row.kind, row.atMs, row.body)
    if (record.kind === 'finished' && record.channelId !== undefined)
      ledger.charge({ channelId: record.channelId, priceWei: record.receipt.priceWei })
  }

  return {
    append(events) {
      if (closed) return Promise.reject(failed('the journal is closed'))
      return new Promise((resolve, reject) => {
        waiting.push({ events, resolve, reject })
        for (const event of events) if (event.kind === 'accepted') pendingNonces.add(keyOf(event.authorization))
        scheduled ??= setImmediate(flush)
      })
    },
    *load() {
      for (let after = 0, rows = sql.page.all(after); rows.length > 0; rows = sql.page.all(after)) {
        for (const row of rows) {
          const { seq, ...event } = row as unknown as EventRow & { readonly seq: number }
          after = seq
          yield decodeEvent(event)
        }
      }
    },
    channels: () => ledger.load(),
    isNonceUsed: (key) => pendingNonces.has(keyOf(key)) || sql.findNonce.get(key.requester, key.nonce) !== undefined,
    close() {
      if (closed) return Promise.resolve()
      closed = true
      flush()
      reserve.close()
      file.close()
      return Promise.resolve()
    },
  }
}

const isAppended = (written: Written): boolean => 'result' in written && written.result.appended

const keyOf = ({ requester, nonce }: NonceKey): string => `${requester} ${nonce}`

function storageFull(quotaBytes: number, cause?: unknown): SoukError {
  return new SoukError({
    code: 'STORAGE_FULL',
    message: "The provider's journal is full",
    phase: 'admission',
    details: { quotaBytes },
    hint: 'Ask another provider; the operator frees the disk or shortens retention.',
    cause,
  })
}

function failed(reason: string, cause?: unknown): SoukError {
  return new SoukError({
    code: 'INTERNAL',
    message: `The journal could not be written: ${reason}`,
    details: { reason },
    hint: "Check the disk under the node's data folder, then restart the node.",
    cause,
  })
}
