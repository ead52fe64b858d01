import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createRequests } from '../../src/settlement/requests.ts'
import {
  openTransactionStore,
  type TransactionState,
  type TransactionStore,
} from '../../src/settlement/transaction-store.ts'
import { address } from '../fixtures/provider-tasks.ts'

const account = { chainId: 31_337, sender: address('sender') }
const call = { to: address('recipient'), data: '0x', valueWei: 1n }
const DAY_MS = 86_400_000

describe('transactions that are asked for', () => {
  let dir: string
  let store: TransactionStore

  /** As another process has them. */
  function reopened() {
    store.close()
    store = openTransactionStore({ dir, ...account })
    return requests()
  }
  const requests = () =>
    createRequests({
      submit: (intent) => store.add(intent),
      latest: (key) => store.latest(key),
      tell: (ids) => store.tell(ids),
    })
  const becomes = (id: number, state: TransactionState): void => store.update({ id, state })

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'souk-requests-'))
    store = openTransactionStore({ dir, ...account })
  })
  afterEach(() => {
    store.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('are others where that can be wanted again, and whoever asked knows of the one before', () => {
    const first = requests()
    const bond = { name: 'bond', ...call }
    const one = first.anew(bond)
    assert.equal(first.anew(bond).id, one.id)
    becomes(one.id, 'confirmed')
    first.answered(one)
    const two = first.anew(bond)
    assert.notEqual(two.id, one.id)
    // Another process has nothing heard of the first one, but knows of the second that it came after.
    assert.equal(reopened().anew(bond).id, two.id)
    becomes(two.id, 'confirmed')
    const later = reopened()
    assert.equal(later.anew(bond).id, two.id)
    assert.equal(later.unheard({ name: 'bond' })?.id, two.id)
    later.answered(two)
    later.told()
    assert.equal(reopened().unheard({ name: 'bond' }), undefined)
    assert.equal(reopened().anew(bond).idempotencyKey, 'bond #3')
  })

  it('are told of only where they have settled', () => {
    const asked = requests()
    const one = asked.anew({ name: 'bond', ...call })
    asked.answered(one)
    asked.told()
    assert.equal(reopened().anew({ name: 'bond', ...call }).id, one.id)
  })

  it('are others where the one before failed, and the same where it can be done once', () => {
    const asked = requests()
    const close = { name: 'close', ...call }
    const one = asked.once(close)
    becomes(one.id, 'failed')
    const two = asked.once(close)
    assert.notEqual(two.id, one.id)
    becomes(two.id, 'replaced')
    const three = asked.once(close)
    becomes(three.id, 'confirmed')
    asked.answered(three)
    asked.told()
    assert.equal(reopened().once(close).id, three.id)
    assert.throws(() => asked.once({ ...close, valueWei: 2n }), /stands for another/)
    assert.equal(asked.once({ ...close, valueWei: 2n, isSame: () => true }).id, three.id)
  })

  it('are others as soon as they have ended where the chain tells whether they are needed', () => {
    const asked = requests()
    const one = asked.step({ name: 'approve', ...call })
    assert.equal(reopened().step({ name: 'approve', ...call }).id, one.id)
    becomes(one.id, 'confirmed')
    assert.notEqual(requests().step({ name: 'approve', ...call }).id, one.id)
  })

  it('are not taken for those whose names begin the same', () => {
    const asked = requests()
    for (const name of ['top up 1', 'top up 10', 'top up 1 wei', 'top up 1#2', 'top up 1 $'])
      asked.anew({ name, ...call })
    const ids = ['top up 1', 'top up 10', 'top up 1 wei', 'top up 1#2', 'top up 1 $'].map(
      (name) => store.latest(name)?.id,
    )
    assert.deepEqual(ids, [1, 2, 3, 4, 5])
  })

  it('are gone on with also where the turn before is long forgotten', () => {
    const asked = requests()
    const one = asked.anew({ name: 'bond', ...call })
    becomes(one.id, 'confirmed')
    asked.answered(one)
    const two = asked.anew({ name: 'bond', ...call })
    asked.told()
    withFile((db) => db.exec(`UPDATE intents SET changed_ms = ${Date.now() - 200 * DAY_MS} WHERE id = ${one.id}`))
    const later = reopened()
    assert.equal(store.get(one.id), undefined)
    assert.equal(later.anew({ name: 'bond', ...call }).id, two.id)
  })

  it('of a file from before are gone on with where they are under way, and others where they had ended', () => {
    const asked = requests()
    const ended = asked.anew({ name: 'bond', ...call })
    const underWay = asked.anew({ name: 'other', ...call })
    becomes(ended.id, 'confirmed')
    withFile((db) => db.exec('ALTER TABLE intents DROP COLUMN told; PRAGMA user_version = 1'))
    const later = reopened()
    assert.notEqual(later.anew({ name: 'bond', ...call }).id, ended.id)
    assert.equal(later.anew({ name: 'other', ...call }).id, underWay.id)
  })

  function withFile(work: (db: DatabaseSync) => void): void {
    store.close()
    const db = new DatabaseSync(join(dir, 'transactions.sqlite'))
    work(db)
    db.close()
    store = openTransactionStore({ dir, ...account })
  }
})
