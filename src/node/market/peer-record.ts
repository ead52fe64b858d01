import type { AllowanceStore } from '../admission/free-allowance.ts'
import { openDatabase } from '../journal/sqlite-file.ts'

const SCHEMA_VERSION = 1
const SCHEMA = `
  CREATE TABLE requesters (
    address TEXT PRIMARY KEY,
    accepted INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    unpaid INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requesters_by_age ON requesters (unpaid, last_seen_ms);
  CREATE TABLE free_days (
    day INTEGER NOT NULL,
    holder TEXT NOT NULL,
    spent_wei TEXT NOT NULL,
    PRIMARY KEY (day, holder)
  ) STRICT, WITHOUT ROWID`

/** Events with a requester that are counted. `unpaid`: a task whose price it owed for too long. */
export const MEETINGS = ['accepted', 'refused', 'finished', 'failed', 'unpaid'] as const
export type Meeting = (typeof MEETINGS)[number]

export type RequesterRecord = { readonly [M in Meeting]: number } & {
  readonly address: string
  readonly lastSeenMs: number
}

/** What a provider remembers of its requesters, and how much of today's free allowance is spent. */
export interface PeerRecord extends AllowanceStore {
  note(meeting: { readonly requester: string; readonly what: Meeting; readonly atMs: number }): void
  of(requester: string): RequesterRecord | undefined
  close(): void
}

/**
 * Keys cost nothing, so the table is bounded: beyond this, requesters without unpaid tasks that were not seen for longest are forgotten.
 */
const MOST_REQUESTERS = 10_000
/** Meetings that are collected before they are written in one transaction. */
const MOST_PENDING = 256
const FLUSH_MS = 1000

/**
 * `record.sqlite` in the data folder. What was spent is written at once, without waiting for the disk: it outlives the process,
 * not a loss of power. Counts are a second late.
 * @throws SoukError START_FAILED as {@link openDatabase}
 */
export function openPeerRecord({ dir }: { readonly dir: string }): PeerRecord {
  const { db, close } = openDatabase({ dir, name: 'record', schema: SCHEMA, schemaVersion: SCHEMA_VERSION })
  db.exec('PRAGMA synchronous = NORMAL')
  const columns = MEETINGS.join(', ')
  const sql = {
    spent: db.prepare('SELECT spent_wei FROM free_days WHERE day = ? AND holder = ?'),
    setSpent: db.prepare('INSERT OR REPLACE INTO free_days (day, holder, spent_wei) VALUES (?, ?, ?)'),
    forgetDays: db.prepare('DELETE FROM free_days WHERE day < ?'),
    meet: db.prepare(`
      INSERT INTO requesters (address, ${columns}, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (address) DO UPDATE SET ${MEETINGS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')},
        last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)`),
    forget: db.prepare(`
      DELETE FROM requesters WHERE address IN (SELECT address FROM requesters ORDER BY unpaid, last_seen_ms
        LIMIT max(0, (SELECT count(*) FROM requesters) - ${MOST_REQUESTERS}))`),
    find: db.prepare(`SELECT address, ${columns}, last_seen_ms AS lastSeenMs FROM requesters WHERE address = ?`),
  }
  const pending = new Map<string, { readonly counts: Record<Meeting, number>; lastSeenMs: number }>()
  let timer: NodeJS.Timeout | undefined
  let noted = 0

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    noted = 0
    if (pending.size === 0) return
    db.exec('BEGIN')
    for (const [address, { counts, lastSeenMs }] of pending)
      sql.meet.run(address, ...MEETINGS.map((name) => counts[name]), lastSeenMs)
    sql.forget.run()
    db.exec('COMMIT')
    pending.clear()
  }

  return {
    spentWei({ day, holder }) {
      const row = sql.spent.get(day, holder) as { readonly spent_wei: string } | undefined
      return BigInt(row?.spent_wei ?? '0')
    },
    setSpentWei({ day, holder, wei }) {
      sql.forgetDays.run(day)
      sql.setSpent.run(day, holder, String(wei))
    },
    note({ requester, what, atMs }) {
      const known = pending.get(requester)
      const counts = known?.counts ?? { accepted: 0, refused: 0, finished: 0, failed: 0, unpaid: 0 }
      counts[what] += 1
      pending.set(requester, { counts, lastSeenMs: Math.max(atMs, known?.lastSeenMs ?? 0) })
      noted += 1
      if (noted >= MOST_PENDING) flush()
      else timer ??= setTimeout(flush, FLUSH_MS).unref()
    },
    of(requester) {
      flush()
      return sql.find.get(requester) as RequesterRecord | undefined
    },
    close() {
      flush()
      close()
    },
  }
}
