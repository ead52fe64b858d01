import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SoukError } from '../../protocol/errors.ts'

/** SQLite's primary result codes, as in https://www.sqlite.org/rescode.html. */
export const SQLITE_BUSY = 5
export const SQLITE_CORRUPT = 11
export const SQLITE_FULL = 13
export const SQLITE_CONSTRAINT = 19
export const SQLITE_NOTADB = 26

/** The primary result code of what node:sqlite threw; undefined when it was something else. */
export function sqliteCodeOf(thrown: unknown): number | undefined {
  const code = thrown instanceof Error && 'errcode' in thrown ? thrown.errcode : undefined
  return typeof code === 'number' ? code & 0xff : undefined
}

/** 'souk' in ASCII: says whose file it is, so that another program's database is never written to. */
const APPLICATION_ID = 0x736f756b

export interface DatabaseFile {
  readonly dir: string
  /** Without extension: `journal` is journal.sqlite, with journal.pid beside it. */
  readonly name: string
  /** SQL that makes an empty database; run once, in one transaction. */
  readonly schema: string
  readonly schemaVersion: number
  /** SQL that makes the next version of each earlier one; run once, in one transaction. */
  readonly migrations?: Readonly<Record<number, string>>
}

/**
 * Opens a database that this process alone uses, made anew only where there is nothing at all. SQLite's own
 * lock on the file goes with the process however it ends; the pid file beside it only says whose it is.
 *
 * @throws SoukError START_FAILED when another process has it, when it is damaged, not ours, or of another
 *   version, or when the folder cannot be written. What is there is never replaced.
 */
export function openDatabase({ dir, name, schema, schemaVersion, migrations = {} }: DatabaseFile): {
  readonly db: DatabaseSync
  readonly close: () => void
} {
  const path = join(dir, `${name}.sqlite`)
  const pidPath = join(dir, `${name}.pid`)
  let db: DatabaseSync | undefined
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    if (!existsSync(path)) create({ dir, path, schema, schemaVersion })
    if (statSync(path).size === 0) throw startFailed(`${path} is empty: it was damaged from outside`)
    const opened = new DatabaseSync(path)
    db = opened
    // Exclusive before the first access: the lock is then kept, and WAL needs no shared-memory file.
    opened.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
    )
    opened.exec('BEGIN IMMEDIATE; COMMIT')
    check(opened, { path, schemaVersion, migrations })
    migrate(opened, { schemaVersion, migrations })
    writeFileSync(pidPath, `${process.pid}\n`, { mode: 0o600 })
    return {
      db: opened,
      close() {
        // The pid first: once the database is closed, the file may be another's.
        rmSync(pidPath, { force: true })
        opened.close()
      },
    }
  } catch (thrown) {
    db?.close()
    throw explain(thrown, { path, pidPath })
  }
}

/** Complete or not there: a crash in here leaves no half-made database under the final name. */
function create({
  dir,
  path,
  schema,
  schemaVersion,
}: {
  readonly dir: string
  readonly path: string
  readonly schema: string
  readonly schemaVersion: number
}): void {
  if (existsSync(`${path}-wal`))
    throw startFailed(`${path} is missing, but its write-ahead log is there: it was removed from outside`)
  const draft = `${path}.new-${process.pid}`
  rmSync(draft, { force: true })
  closeSync(openSync(draft, 'wx', 0o600))
  try {
    const db = new DatabaseSync(draft)
    try {
      db.exec('PRAGMA synchronous = FULL')
      db.exec(
        `BEGIN; ${schema}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${schemaVersion}; COMMIT`,
      )
    } finally {
      db.close()
    }
    linkSync(draft, path)
  } catch (thrown) {
    // Another process made it at the same time: who of us gets it is up to the lock.
    if (!existsSync(path)) throw thrown
  } finally {
    rmSync(draft, { force: true })
  }
  const folder = openSync(dir, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

interface Versions {
  readonly schemaVersion: number
  readonly migrations: Readonly<Record<number, string>>
}

/** One step at a time, each with its new version in one transaction: a crash in here leaves a version that is one. */
function migrate(db: DatabaseSync, { schemaVersion, migrations }: Versions): void {
  for (let version = Number(pragma(db, 'user_version')); version < schemaVersion; version += 1)
    db.exec(`BEGIN; ${migrations[version] ?? ''}; PRAGMA user_version = ${version + 1}; COMMIT`)
}

const pragma = (db: DatabaseSync, name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]

function canRead(version: unknown, { schemaVersion, migrations }: Versions): boolean {
  if (typeof version !== 'number' || version > schemaVersion) return false
  for (let from = version; from < schemaVersion; from += 1) if (migrations[from] === undefined) return false
  return true
}

function check(db: DatabaseSync, { path, ...versions }: Versions & { readonly path: string }): void {
  if (pragma(db, 'application_id') !== APPLICATION_ID) throw startFailed(`${path} is a database of another program`)
  const version = pragma(db, 'user_version')
  if (!canRead(version, versions)) {
    throw startFailed(
      `${path} has schema version ${String(version)}, this souk reads version ${versions.schemaVersion}`,
    )
  }
  const verdict = pragma(db, 'quick_check(1)')
  if (verdict !== 'ok') throw startFailed(`${path} is damaged: ${String(verdict)}`)
}

function explain(thrown: unknown, { path, pidPath }: { readonly path: string; readonly pidPath: string }): SoukError {
  if (thrown instanceof SoukError) return SoukError.from(thrown)
  switch (sqliteCodeOf(thrown)) {
    case SQLITE_BUSY:
      return startFailed(
        `another node (${pidIn(pidPath)}) uses ${path}`,
        thrown,
        'Stop the other node, or give this one a data folder of its own.',
      )
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return startFailed(`${path} is damaged: ${messageOf(thrown)}`, thrown)
    default:
      return startFailed(
        `cannot open ${path}: ${messageOf(thrown)}`,
        thrown,
        'Check that the folder can be written and the disk has room.',
      )
  }
}

function pidIn(pidPath: string): string {
  try {
    return `pid ${Number.parseInt(readFileSync(pidPath, 'utf8'), 10)}`
  } catch {
    return 'of unknown pid'
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

function startFailed(
  reason: string,
  cause?: unknown,
  hint = 'Restore the file from a backup, or move it away to start without it.',
): SoukError {
  return new SoukError({
    code: 'START_FAILED',
    message: `The node could not start: ${reason}`,
    details: { reason },
    hint,
    cause,
  })
}
