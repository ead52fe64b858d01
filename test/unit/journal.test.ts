import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { isSoukError } from '../../src/protocol/errors.ts'
import { FREE_RATES } from '../../src/protocol/price.ts'
import { MAX_EXPIRY_AHEAD_MS } from '../../src/protocol/receipt.ts'
import type { Journal } from '../../src/node/journal/journal.ts'
import { openSqliteJournal } from '../../src/node/journal/sqlite-journal.ts'
import { reduce, type TaskEventRecord, type TaskRecord } from '../../src/node/journal/task-state.ts'
import {
  ACCEPTED_AT_MS,
  acceptedEvent,
  authorizationOf,
  bytes32,
  bytesOf,
  providerFault,
  receiptOf,
  taskSpec,
} from '../fixtures/provider-tasks.ts'

const writer = fileURLToPath(new URL('../fixtures/journal-writer.ts', import.meta.url))

describe('journal', () => {
  let dir: string
  let journal: Journal
  const file = (): string => join(dir, 'journal.sqlite')
  const open = (options: { maxBytes?: number } = {}): Journal => (journal = openSqliteJournal({ dir, ...options }))
  const events = (): TaskEventRecord[] => [...journal.load()]
  const reopen = async (): Promise<void> => {
    await journal.close()
    open()
  }
  const failsToStart = (reason: RegExp): void => {
    assert.throws(
      () => openSqliteJournal({ dir }),
      (thrown) => isSoukError(thrown, 'START_FAILED') && reason.test(thrown.details.reason),
    )
  }

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-journal-'))
    open()
  })
  afterEach(async () => {
    await journal.close()
    rmSync(dir, { recursive: true })
  })

  /** What has been written to the log, without the zeros behind it. */
  const loggedBytes = (): number => readFileSync(`${file()}-wal`).findLastIndex((byte) => byte !== 0) + 1

  const one = acceptedEvent(1, { retriesLeft: 2 })
  const { taskId } = one
  const started: TaskEventRecord = { kind: 'started', taskId, attempt: 1, atMs: ACCEPTED_AT_MS + 1 }
  const failed: TaskEventRecord = { kind: 'failed', taskId, atMs: ACCEPTED_AT_MS + 9, error: providerFault() }
  const finished: TaskEventRecord = { kind: 'finished', taskId, atMs: ACCEPTED_AT_MS + 9, receipt: receiptOf(one) }
  const removed: TaskEventRecord = { kind: 'removed', taskId, atMs: ACCEPTED_AT_MS + 10 }
  const nonceOf = (event: typeof one): { requester: string; nonce: string } => event.authorization

  it('gives back every event as it was, in order, after it is closed and opened', async () => {
    const history: TaskEventRecord[] = [
      one,
      started,
      acceptedEvent(2),
      { kind: 'requeued', taskId, atMs: ACCEPTED_AT_MS + 3, error: providerFault() },
      { kind: 'cancelRequested', taskId, atMs: ACCEPTED_AT_MS + 4 },
      { kind: 'started', taskId, attempt: 2, atMs: ACCEPTED_AT_MS + 5 },
      finished,
    ]
    for (const event of history) assert.deepEqual(await journal.append([event]), { appended: true })
    assert.deepEqual(events(), history)
    await reopen()
    assert.deepEqual(events(), history)
  })

  it('keeps the bytes of a spec exactly', async () => {
    const spec = new Uint8Array(Buffer.from('{ "version" :1, "name":"\\u00e9" }\n'))
    await journal.append([acceptedEvent(1, { spec })])
    await reopen()
    const [event] = events()
    assert(event?.kind === 'accepted')
    assert.deepEqual(event.spec, spec)
  })

  it('reads an acceptance from when a price was one number', async () => {
    await journal.append([one])
    const { rates: _rates, maxPriceWei: _maxPriceWei, spec: _spec, kind: _kind, taskId: _id, atMs: _at, ...body } = one
    await journal.close()
    const db = new DatabaseSync(file())
    db.prepare('UPDATE events SET body = ?').run(JSON.stringify({ ...body, priceWei: '12' }))
    db.close()
    open()
    assert.deepEqual(events(), [{ ...one, rates: { ...FREE_RATES, startWei: '12' }, maxPriceWei: '12' }])
  })

  it('reads a journal of many pages in order', async () => {
    const many = Array.from({ length: 1201 }, (_, number) => acceptedEvent(number))
    await journal.append(many)
    assert.deepEqual(
      events().map((event) => event.taskId),
      many.map((event) => event.taskId),
    )
  })

  it('shares one commit between all appends of a turn, and keeps their order', async () => {
    const results = await Promise.all([journal.append([one]), journal.append([started]), journal.append([finished])])
    assert.deepEqual(results, Array(3).fill({ appended: true }))
    assert.deepEqual(events(), [one, started, finished])

    // Each commit adds the pages that it changed to the log: many small ones repeat the same pages.
    const logGrowth = async (work: () => Promise<unknown>): Promise<number> => {
      await reopen()
      await work()
      return loggedBytes()
    }
    const numbers = Array.from({ length: 50 }, (_, index) => index + 10)
    const together = await logGrowth(() =>
      Promise.all(numbers.map((number) => journal.append([acceptedEvent(number)]))),
    )
    const apart = await logGrowth(async () => {
      for (const number of numbers) await journal.append([acceptedEvent(number + 100)])
    })
    assert(together * 3 < apart, `${together} bytes of log for one commit, ${apart} for fifty`)
  })

  it('writes into a log that is long enough, and reads it back up to where it ends', async () => {
    await journal.append([one, started])
    const before = statSync(`${file()}-wal`).size
    assert(before > loggedBytes() + 512 * 1024, `${before} bytes of log, of which ${loggedBytes()} are in use`)
    await journal.append([finished])
    assert.equal(statSync(`${file()}-wal`).size, before)
    const log = readFileSync(`${file()}-wal`)
    const copy = mkdtempSync(join(dir, 'copy-'))
    writeFileSync(join(copy, 'journal.sqlite'), readFileSync(file()))
    writeFileSync(join(copy, 'journal.sqlite-wal'), log)
    const killed = openSqliteJournal({ dir: copy })
    assert.deepEqual([...killed.load()], [one, started, finished])
    await killed.append([removed])
    assert.deepEqual([...killed.load()], [])
    await killed.close()
  })

  it('makes its log longer as it is used, but no longer than a log gets', async () => {
    const number = (batch: number, index: number): number => batch * 1000 + index
    for (let batch = 0; batch < 4; batch++)
      await Promise.all(
        Array.from({ length: 900 }, (_, index) => journal.append([acceptedEvent(number(batch, index))])),
      )
    const { size } = statSync(`${file()}-wal`)
    assert(size > 2 * 1024 ** 2 && size <= 17 * 1024 ** 2, `${size} bytes of log`)
    await reopen()
    assert.equal(events().length, 3600)
  })

  it('refuses a nonce that was used, that append alone, all of it', async () => {
    const again = acceptedEvent(2, { authorization: one.authorization })
    const results = await Promise.all([
      journal.append([one]),
      journal.append([acceptedEvent(3), again]),
      journal.append([acceptedEvent(4)]),
    ])
    assert.deepEqual(results, [{ appended: true }, { appended: false, reason: 'REPLAYED' }, { appended: true }])
    assert.deepEqual(events(), [one, acceptedEvent(4)])
    assert.equal(journal.isNonceUsed(nonceOf(acceptedEvent(3))), false, 'what was not accepted leaves no nonce')
    assert.deepEqual(await journal.append([acceptedEvent(3)]), { appended: true })
    assert.deepEqual(await journal.append([acceptedEvent(1, { authorization: authorizationOf(one.spec) })]), {
      appended: false,
      reason: 'REPLAYED',
    })
  })

  it('knows a nonce from its append on, and beyond the removal of its task', async () => {
    assert.equal(journal.isNonceUsed(nonceOf(one)), false)
    const append = journal.append([one])
    assert.equal(journal.isNonceUsed(nonceOf(one)), true)
    await append
    await journal.append([started, finished])
    await journal.append([removed])
    assert.deepEqual(events(), [])
    await reopen()
    assert.deepEqual(events(), [])
    assert.equal(journal.isNonceUsed(nonceOf(one)), true)
    assert.equal(journal.isNonceUsed({ ...nonceOf(one), requester: bytes32('other').slice(0, 42) }), false)
    assert.deepEqual(await journal.append([one]), { appended: false, reason: 'REPLAYED' })
  })

  it('forgets nonces some time after their expiry', async () => {
    await journal.append([one])
    const { expiryMs } = one.authorization
    await journal.append([acceptedEvent(2, { atMs: expiryMs + MAX_EXPIRY_AHEAD_MS })])
    assert.equal(journal.isNonceUsed(nonceOf(one)), true)
    await journal.append([acceptedEvent(3, { atMs: expiryMs + MAX_EXPIRY_AHEAD_MS + 1 })])
    assert.equal(journal.isNonceUsed(nonceOf(one)), false)
    assert.deepEqual(
      await journal.append([one]),
      { appended: false, reason: 'REPLAYED' },
      'while the task is there, it is not accepted again',
    )
  })

  it('refuses what cannot follow: a second end, an event of no task; the rest of the batch is written', async () => {
    await journal.append([one, started])
    const outcomes = await Promise.allSettled([
      journal.append([finished]),
      journal.append([failed]),
      journal.append([{ kind: 'requeued', taskId, atMs: ACCEPTED_AT_MS, error: providerFault() }]),
      journal.append([{ ...started, taskId: bytes32('nobody') }]),
      journal.append([acceptedEvent(2)]),
      journal.append([{ kind: 'cancelRequested', taskId, atMs: ACCEPTED_AT_MS + 20 }]),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled', 'fulfilled'],
    )
    for (const outcome of outcomes) assert(outcome.status === 'fulfilled' || isSoukError(outcome.reason, 'INTERNAL'))
    await reopen()
    const states = new Map<string, TaskRecord | undefined>()
    for (const event of events()) states.set(event.taskId, reduce(states.get(event.taskId), event))
    assert.deepEqual(
      [...states.values()].map((task) => task?.state),
      ['finished', 'queued'],
    )
  })

  it('writes what was appended before it closes, and takes nothing afterwards', async () => {
    const append = journal.append([one])
    await journal.close()
    assert.deepEqual(await append, { appended: true })
    await assert.rejects(journal.append([started]), (thrown) => isSoukError(thrown, 'INTERNAL'))
    open()
    assert.deepEqual(events(), [one])
  })

  it('is only for its owner to read, and leaves nothing beside it', async () => {
    assert.equal(statSync(file()).mode & 0o777, 0o600)
    assert.equal(readFileSync(join(dir, 'journal.pid'), 'utf8'), `${process.pid}\n`)
    await journal.close()
    assert.deepEqual(readdirSync(dir), ['journal.sqlite'])
  })

  describe('when it is full', () => {
    const large = (number: number): typeof one =>
      acceptedEvent(number, { spec: bytesOf(taskSpec({ command: ['x'.repeat(100_000)] })) })

    it('takes no new task, but the end of those it took; and new tasks again once there is room', async () => {
      await journal.close()
      open({ maxBytes: 1_000_000 })
      let number = 0
      const accept = (): Promise<unknown> => journal.append([large(number++)])
      await assert.rejects(
        async () => {
          for (;;) await accept()
        },
        (thrown) => isSoukError(thrown, 'STORAGE_FULL') && thrown.details.quotaBytes === 1_000_000,
      )
      assert(number > 5, `only ${number} of 100 kB went into 1 MB`)
      const taken = events().map((event) => event.taskId)
      assert.equal(taken.length, number - 1)
      assert.equal(journal.isNonceUsed(nonceOf(large(number - 1))), false)
      for (const id of taken) await journal.append([{ ...failed, taskId: id }])
      for (const id of taken) await journal.append([{ ...removed, taskId: id }])
      await accept()
      await reopen()
      assert.equal(events().length, 1)
    })

    it('rejects what does not fit at all, and only that', async () => {
      await journal.close()
      open({ maxBytes: 400_000 })
      await journal.append([one])
      const flood: TaskEventRecord = {
        ...failed,
        error: { ...providerFault(), message: 'x'.repeat(10_000), details: { text: 'y'.repeat(500_000) } },
      }
      const outcomes = await Promise.allSettled([journal.append([flood]), journal.append([acceptedEvent(2)])])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['rejected', 'fulfilled'],
      )
      assert(outcomes[0]?.status === 'rejected' && isSoukError(outcomes[0].reason, 'STORAGE_FULL'))
      await journal.append([failed])
      assert.deepEqual(events(), [one, acceptedEvent(2), failed])
    })
  })

  describe('that cannot be opened', () => {
    it('names the process that has it', async () => {
      failsToStart(new RegExp(`another node \\(pid ${process.pid}\\) uses .*journal\\.sqlite`))
      assert.deepEqual(await journal.append([one]), { appended: true }, 'the one that has it goes on')
    })

    it('names another process too, and is free once that was killed', async function () {
      this.timeout(60_000)
      await journal.close()
      const child = spawn(process.execPath, [writer, dir, '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      await once(createInterface({ input: child.stdout }), 'line')
      failsToStart(new RegExp(`pid ${child.pid}\\)`))
      child.kill('SIGKILL')
      await exited
      open()
    })

    it('is never replaced: damaged, emptied, of another version, of another program', async () => {
      await journal.append([one, started, finished])
      await journal.close()
      const whole = readFileSync(file())
      const restore = (): void => writeFileSync(file(), whole)
      const alter = (sql: string): void => {
        restore()
        const db = new DatabaseSync(file())
        db.exec(sql)
        db.close()
      }

      writeFileSync(file(), 'this is no database, '.repeat(100))
      failsToStart(/damaged/)
      assert.match(readFileSync(file(), 'utf8'), /^this is no database/)

      writeFileSync(
        file(),
        whole.map((byte, index) => (index > 4096 ? byte ^ 0x55 : byte)),
      )
      failsToStart(/damaged/)

      truncateSync(file(), 0)
      failsToStart(/is empty/)
      assert.equal(statSync(file()).size, 0)

      alter('PRAGMA user_version = 7')
      failsToStart(/schema version 7, this souk reads version 3/)
      alter('PRAGMA application_id = 1')
      failsToStart(/another program/)

      unlinkSync(file())
      writeFileSync(`${file()}-wal`, whole)
      failsToStart(/write-ahead log/)
      assert(!existsSync(file()))
      unlinkSync(`${file()}-wal`)

      restore()
      open()
      assert.deepEqual(events(), [one, started, finished])
    })

    it('names an entry that cannot be read', async () => {
      await journal.append([one])
      await journal.close()
      for (const body of ['{', 'null', '{}', JSON.stringify({ ...one, extra: 1 })]) {
        const db = new DatabaseSync(file())
        db.prepare('UPDATE events SET body = ?').run(body)
        db.close()
        open()
        assert.throws(events, (thrown) => isSoukError(thrown, 'START_FAILED') && thrown.details.reason.includes(taskId))
        await journal.close()
      }
    })

    it('says when the folder cannot be', async () => {
      await journal.close()
      writeFileSync(join(dir, 'a-file'), '')
      assert.throws(
        () => openSqliteJournal({ dir: join(dir, 'a-file', 'below') }),
        (thrown) => isSoukError(thrown, 'START_FAILED'),
      )
    })
  })

  describe('when the disk fails', () => {
    it('rejects every later append, because what is on the disk is not known', async function () {
      this.timeout(60_000)
      await journal.close()
      // The kernel refuses to let any file of the child grow past 512 KiB: a write error that is not "disk full".
      const program = fileURLToPath(new URL('../fixtures/journal-io-error.ts', import.meta.url))
      const child = spawn(
        'sh',
        ['-c', 'trap "" XFSZ; ulimit -f 1024; exec "$@"', 'sh', process.execPath, program, dir],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      )
      const lines: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
      await once(child, 'close')
      const durable = Number(lines[0])
      assert(durable > 0)
      assert.deepEqual(lines.slice(1), ['INTERNAL', 'INTERNAL'])
      open()
      assert(events().length >= durable)
      assert.deepEqual(
        events()
          .slice(0, durable)
          .map((event) => event.taskId),
        Array.from({ length: durable }, (_, number) => acceptedEvent(number).taskId),
      )
    })
  })

  it('has everything it acknowledged, once and in order, after kill -9 at 20 random instants', async function () {
    this.timeout(300_000)
    await journal.close()
    let next = 0
    for (let round = 0; round < 20; round++) {
      const child = spawn(process.execPath, [writer, dir, String(next)], { stdio: ['ignore', 'pipe', 'inherit'] })
      const closed = once(child, 'close')
      const acknowledged: string[] = []
      const enough = Math.floor(Math.random() * 200)
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line)
        if (acknowledged.length > enough) child.kill('SIGKILL')
      }
      await closed
      assert.equal(child.signalCode, 'SIGKILL')
      assert.equal(acknowledged.shift(), 'ready')

      open()
      const loaded = events()
      const numbers = new Map(
        Array.from({ length: acknowledged.length + 8 }, (_, index) => [
          acceptedEvent(next + index).taskId,
          next + index,
        ]),
      )
      const kept = loaded.flatMap((event) => {
        const number = numbers.get(event.taskId)
        return number === undefined ? [] : [{ number, kind: event.kind }]
      })
      for (const number of new Set(kept.map((event) => event.number))) {
        const kinds = kept.filter((event) => event.number === number).map((event) => event.kind)
        const whole = ['accepted', 'started', 'finished']
        assert([1, 3].includes(kinds.length), `half an append is there: ${kinds.join()}`)
        assert.deepEqual(kinds, whole.slice(0, kinds.length))
      }
      for (const line of acknowledged) {
        const [what, number] = line.split(' ')
        const kind = what === 'settled' ? 'finished' : 'accepted'
        assert(
          kept.some((event) => event.kind === kind && event.number === Number(number)),
          `lost: ${line}`,
        )
      }
      const order = kept.filter((event) => event.kind === 'accepted').map((event) => event.number)
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      )
      await journal.close()
      next += numbers.size + 8
    }
    open()
  })
})
