import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * What became of what a provider was asked, each counted: it took or refused a task, saw one through, began one much later than it
 * had quoted, failed, contradicted others about a result, or was not paid.
 */
export const MEETINGS = ['accepted', 'refused', 'finished', 'late', 'faults', 'disagreements', 'unpaid'] as const
export type Meeting = (typeof MEETINGS)[number]

export type ProviderRecord = { readonly [M in Meeting]: number } & {
  /** The Ethereum address. */
  readonly provider: string
  readonly lastSeenMs: number
}

/** What this requester remembers of the providers that it met. It is nobody else's: no score is passed on. */
export interface MarketRecord extends Disposable {
  note(meeting: { readonly provider: string; readonly what: Meeting; readonly atMs: number }): void
  of(provider: string): ProviderRecord | undefined
}

/** Those that were not met for longest are forgotten beyond this. */
const MOST_PROVIDERS = 10_000
const BUSY_TIMEOUT_MS = 5000

/**
 * `record.sqlite` in a folder, which is made where it is missing. Several processes may have it open at once.
 * @throws Error of SQLite or the file system where it cannot be had
 */
export function openMarketRecord({ dir }: { readonly dir: string }): MarketRecord {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(join(dir, 'record.sqlite'))
  const counts = MEETINGS.map((name) => `${name} INTEGER NOT NULL DEFAULT 0`).join(', ')
  db.exec(`
    PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS providers (
      provider TEXT PRIMARY KEY, ${counts}, last_seen_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS providers_by_age ON providers (last_seen_ms)`)
  const note = new Map(
    MEETINGS.map((what) => [
      what,
      db.prepare(`
        INSERT INTO providers (provider, ${what}, last_seen_ms) VALUES (?, 1, ?) ON CONFLICT (provider)
        DO UPDATE SET ${what} = ${what} + 1, last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`),
    ]),
  )
  const forget = db.prepare(`
    DELETE FROM providers WHERE provider IN (SELECT provider FROM providers ORDER BY last_seen_ms
      LIMIT max(0, (SELECT count(*) FROM providers) - ${MOST_PROVIDERS}))`)
  const find = db.prepare(
    `SELECT provider, ${MEETINGS.join(', ')}, last_seen_ms AS lastSeenMs FROM providers WHERE provider = ?`,
  )
  return {
    note({ provider, what, atMs }) {
      note.get(what)?.run(provider, atMs)
      forget.run()
    },
    of(provider) {
      const found = find.get(provider) as ProviderRecord | undefined
      return found === undefined ? undefined : { ...found }
    },
    [Symbol.dispose]: () => db.close(),
  }
}
