import { SoukError } from '../../protocol/errors.ts'
import type { ChannelKey, Voucher } from '../../protocol/payment.ts'
import { channelIdOf } from '../../settlement/voucher.ts'
import { exposureOf, isPaid, moved, NOTHING_YET, type Movement, type PaymentUsage, type Standing } from './exposure.ts'
import type { LedgerRecord, LedgerRow } from '../journal/ledger-rows.ts'

/** A channel in this provider's books. What was received is durable. */
export interface Account {
  readonly channelId: string
  readonly channel: ChannelKey
  readonly standing: Standing
  /** What the chain has paid out of it, all told. */
  readonly redeemedWei: bigint
  /** The newest durable one; absent while the first one is on its way to the disk. */
  readonly voucher: Voucher | undefined
  /** Set once closing it with this much was consented to, or is about to be: nothing more is taken on it. */
  readonly closingWei: bigint | undefined
}

/** What is set aside for one task between its admission and its acceptance. */
export interface Hold {
  readonly channelId: string
  /** What has to be in the same write as the acceptance: all that it was admitted on. */
  readonly records: readonly LedgerRecord[]
  /** The write is durable: what is set aside stays so until the task settles. Returns the voucher where it is new. */
  keep(): Voucher | undefined
  /** The task was not accepted. */
  release(): void
}

/** A task that is charged to a channel. */
interface ChargedTask {
  readonly channelId?: string
  readonly maxPriceWei: string
}

/**
 * The books of all channels, in memory; what is durable of them is in the journal. Every change is made in one turn of the
 * event loop, so that two tasks that are admitted at once cannot both have the last of a credit.
 */
export interface Accounts {
  all(): Iterable<Account>
  get(channelId: string): Account | undefined
  /** Channels of a payer, and of all payers: what strangers can fill is bounded. */
  countOf(payer: string): number
  count(): number
  /** How a channel stands for a task of its payer's that brings this voucher. */
  usage(request: { readonly voucher: Voucher; readonly creditWei: bigint }): PaymentUsage
  /** Of a voucher that was checked. */
  hold(request: { readonly voucher: Voucher; readonly maxPriceWei: bigint }): Hold
  /** The newest voucher that was checked, durable or not: nothing older has to be checked again. */
  checkedWei(channelId: string): bigint
  /** A voucher is durable. Returns whether it is newer than the one before. */
  received(voucher: Voucher): boolean
  /** A task that an earlier process of this node had accepted, and that has not settled. */
  resume(task: ChargedTask): void
  /**
   * A task has settled, durably; `priceWei` is absent where it is free. Returns what its channel is charged with now, all told, where
   * it has one.
   */
  settle(task: ChargedTask, priceWei: string | undefined): bigint | undefined
  /** Whether closing the channel is consented to, and with how much. */
  closing(change: { readonly channelId: string; readonly amountWei: bigint | undefined }): void
  redeemed(change: { readonly channelId: string; readonly redeemedWei: bigint }): void
  /** The channel is over: it stays only while somebody owes something on it, or a task of it runs. Returns whether it is gone. */
  forget(channelId: string): boolean
  /**
   * Whether what a task has put out may go to its requester. `dueWei` is what its channel was charged with when it finished: without it,
   * all that is charged has to be paid.
   */
  isPaid(task: { readonly channelId?: string; readonly dueWei?: bigint | undefined }): boolean
}

interface Entry {
  readonly channelId: string
  readonly channel: ChannelKey
  standing: Standing
  redeemedWei: bigint
  closingWei: bigint | undefined
  voucher: Voucher | undefined
  /** The newest that was checked: at least as high as `voucher`. */
  checked: Voucher | undefined
}

const amountOf = (voucher: Voucher | undefined): bigint => (voucher === undefined ? 0n : BigInt(voucher.amountWei))
const newerOf = (a: Voucher | undefined, b: Voucher): Voucher => (a === undefined || amountOf(b) > amountOf(a) ? b : a)

export function createAccounts({
  rows,
  isKnown,
}: {
  /** From the journal. */
  readonly rows: Iterable<LedgerRow>
  readonly isKnown: (payer: string) => boolean
}): Accounts {
  const entries = new Map<string, Entry>()
  const byPayer = new Map<string, Set<Entry>>()
  let unknownExposureWei = 0n

  function add(entry: Entry): Entry {
    const { payer } = entry.channel
    entries.set(entry.channelId, entry)
    byPayer.set(payer, (byPayer.get(payer) ?? new Set()).add(entry))
    if (!isKnown(payer)) unknownExposureWei += exposureOf(entry.standing)
    return entry
  }

  function remove(entry: Entry): void {
    const { payer } = entry.channel
    const own = byPayer.get(payer)
    own?.delete(entry)
    if (own?.size === 0) byPayer.delete(payer)
    entries.delete(entry.channelId)
    if (!isKnown(payer)) unknownExposureWei -= exposureOf(entry.standing)
  }

  function move(entry: Entry, movement: Movement): void {
    const next = moved(entry.standing, movement)
    if (!isKnown(entry.channel.payer)) unknownExposureWei += exposureOf(next) - exposureOf(entry.standing)
    entry.standing = next
  }

  function entryOf(channelId: string): Entry {
    const entry = entries.get(channelId)
    if (entry !== undefined) return entry
    const reason = `channel ${channelId} is not in the books`
    throw new SoukError({ code: 'INTERNAL', message: `A task cannot be charged: ${reason}`, details: { reason } })
  }

  /** What others owe who share this payer's credit: its other channels, or all of those whom the operator does not know. */
  function othersOf(payer: string, own: Entry | undefined): bigint {
    const ownWei = own === undefined ? 0n : exposureOf(own.standing)
    if (!isKnown(payer)) return unknownExposureWei - ownWei
    let sumWei = -ownWei
    for (const { standing } of byPayer.get(payer) ?? []) sumWei += exposureOf(standing)
    return sumWei
  }

  function received(voucher: Voucher): boolean {
    const channelId = channelIdOf(voucher.channel)
    const entry = entries.get(channelId) ?? add(newEntry(voucher.channel))
    const isNewer = entry.voucher === undefined || amountOf(voucher) > amountOf(entry.voucher)
    entry.checked = newerOf(entry.checked, voucher)
    if (!isNewer) return false
    entry.voucher = voucher
    move(entry, { kind: 'received', amountWei: amountOf(voucher) })
    return true
  }

  for (const { channelId, voucher, chargedWei, redeemedWei, closingWei } of rows) {
    const standing = { receivedWei: amountOf(voucher), chargedWei, reservedWei: 0n }
    add({ channelId, channel: voucher.channel, standing, redeemedWei, closingWei, voucher, checked: voucher })
  }

  return {
    all: () => entries.values(),
    get: (channelId) => entries.get(channelId),
    countOf: (payer) => byPayer.get(payer)?.size ?? 0,
    count: () => entries.size,
    usage({ voucher, creditWei }) {
      const entry = entries.get(channelIdOf(voucher.channel))
      const standing = moved(entry?.standing ?? NOTHING_YET, {
        kind: 'received',
        amountWei: amountOf(newerOf(entry?.checked, voucher)),
      })
      return { standing, creditWei, othersWei: othersOf(voucher.channel.payer, entry) }
    },
    hold({ voucher, maxPriceWei }) {
      const channelId = channelIdOf(voucher.channel)
      const entry = entries.get(channelId) ?? add(newEntry(voucher.channel))
      const newest = newerOf(entry.checked, voucher)
      entry.checked = newest
      move(entry, { kind: 'reserved', maxPriceWei })
      const isDurable = entry.voucher !== undefined && amountOf(entry.voucher) >= amountOf(newest)
      return {
        channelId,
        // Another task may have brought it and be on its way to the disk: should that one fail, this one still stands on it.
        records: isDurable ? [] : [{ kind: 'voucher', channelId, voucher: newest }],
        keep: () => (received(newest) ? newest : undefined),
        release() {
          move(entry, { kind: 'released', maxPriceWei })
          if (entry.voucher === undefined && entry.standing.reservedWei === 0n && entries.get(channelId) === entry)
            remove(entry)
        },
      }
    },
    checkedWei: (channelId) => {
      const entry = entries.get(channelId)
      return entry?.checked === undefined ? -1n : amountOf(entry.checked)
    },
    received,
    resume({ channelId, maxPriceWei }) {
      if (channelId !== undefined) move(entryOf(channelId), { kind: 'reserved', maxPriceWei: BigInt(maxPriceWei) })
    },
    settle({ channelId, maxPriceWei: most }, price) {
      if (channelId === undefined) return undefined
      const maxPriceWei = BigInt(most)
      const entry = entryOf(channelId)
      if (price === undefined) move(entry, { kind: 'released', maxPriceWei })
      else move(entry, { kind: 'charged', maxPriceWei, priceWei: BigInt(price) })
      return entry.standing.chargedWei
    },
    closing({ channelId, amountWei }) {
      const entry = entries.get(channelId)
      if (entry !== undefined) entry.closingWei = amountWei
    },
    redeemed({ channelId, redeemedWei }) {
      const entry = entries.get(channelId)
      if (entry !== undefined) entry.redeemedWei = redeemedWei
    },
    forget(channelId) {
      const entry = entries.get(channelId)
      if (entry === undefined) return true
      if (entry.standing.reservedWei > 0n || !isPaid(entry.standing)) return false
      remove(entry)
      return true
    },
    isPaid({ channelId, dueWei }) {
      const entry = channelId === undefined ? undefined : entries.get(channelId)
      if (entry === undefined) return true
      return isPaid(entry.standing) || (dueWei !== undefined && entry.standing.receivedWei >= dueWei)
    },
  }
}

function newEntry(channel: ChannelKey): Entry {
  return {
    channelId: channelIdOf(channel),
    channel,
    standing: NOTHING_YET,
    redeemedWei: 0n,
    closingWei: undefined,
    voucher: undefined,
    checked: undefined,
  }
}
