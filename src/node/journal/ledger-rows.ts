import type { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { voucherSchema, type Voucher } from '../../protocol/payment.ts'
import { bytes32Schema } from '../../protocol/receipt.ts'
import { weiSchema } from '../../protocol/task.ts'
import { SoukError } from '../../protocol/errors.ts'

/**
 * What is journaled of a channel, beside what tasks do to it: a `finished` with a channel charges it in the same write.
 *
 * - `voucher`: one that is newer than what is there, or the first of its channel, which makes the row; else nothing.
 * - `redeemed`: the chain has paid this much out, all told.
 * - `closing`: its payer may close it with this much for the payee at any time; never changed once it is there.
 * - `forgotten`: the channel is over.
 */
export type LedgerRecord =
  | { readonly kind: 'voucher'; readonly channelId: string; readonly voucher: Voucher }
  | { readonly kind: 'redeemed'; readonly channelId: string; readonly redeemedWei: string }
  | { readonly kind: 'closing'; readonly channelId: string; readonly amountWei: string }
  | { readonly kind: 'forgotten'; readonly channelId: string }

/** A channel as it is on disk. */
export interface LedgerRow {
  readonly channelId: string
  readonly voucher: Voucher
  readonly chargedWei: bigint
  readonly redeemedWei: bigint
  /** What the payee consented to close it with. */
  readonly closingWei?: bigint
}

/** Amounts are text: SQLite's integers end at 9.2 coins of 10^18 wei. */
export const LEDGER_SCHEMA = `
  CREATE TABLE channels (
    channel_id TEXT NOT NULL PRIMARY KEY,
    voucher TEXT NOT NULL,
    charged_wei TEXT NOT NULL,
    redeemed_wei TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`

/** What is added to {@link LEDGER_SCHEMA}. */
export const LEDGER_CLOSING = 'ALTER TABLE channels ADD COLUMN closing_wei TEXT'

const rowSchema = z.object({
  channelId: bytes32Schema,
  voucher: z.string(),
  chargedWei: weiSchema,
  redeemedWei: weiSchema,
  closingWei: weiSchema.nullable(),
})

/** The rows of the journal's database; who calls has the transaction. */
export interface LedgerTable {
  write(record: LedgerRecord): void
  /** @throws SoukError INTERNAL where there is no such channel: nothing may be charged to nobody. */
  charge(charge: { readonly channelId: string; readonly priceWei: string }): void
  /** @throws SoukError START_FAILED where a row cannot be read. */
  load(): Iterable<LedgerRow>
}

export function openLedgerTable(db: DatabaseSync): LedgerTable {
  const columns =
    'channel_id AS channelId, voucher, charged_wei AS chargedWei, redeemed_wei AS redeemedWei, closing_wei AS closingWei'
  const sql = {
    all: db.prepare(`SELECT ${columns} FROM channels ORDER BY channel_id`),
    charged: db.prepare('SELECT charged_wei AS chargedWei FROM channels WHERE channel_id = ?'),
    // Decimal digits without leading zeros: the longer number is the higher one, and of two that are as long the one that sorts later.
    voucher: db.prepare(
      `INSERT INTO channels (channel_id, voucher, charged_wei, redeemed_wei) VALUES (?, ?, '0', '0')
       ON CONFLICT (channel_id) DO UPDATE SET voucher = excluded.voucher
       WHERE (length(${amountIn('excluded.voucher')}), ${amountIn('excluded.voucher')})
           > (length(${amountIn('channels.voucher')}), ${amountIn('channels.voucher')})`,
    ),
    charge: db.prepare('UPDATE channels SET charged_wei = ? WHERE channel_id = ?'),
    redeem: db.prepare('UPDATE channels SET redeemed_wei = ? WHERE channel_id = ?'),
    consent: db.prepare('UPDATE channels SET closing_wei = ? WHERE channel_id = ? AND closing_wei IS NULL'),
    forget: db.prepare('DELETE FROM channels WHERE channel_id = ?'),
  }
  return {
    write(record) {
      const { channelId } = record
      if (record.kind === 'redeemed') sql.redeem.run(record.redeemedWei, channelId)
      else if (record.kind === 'closing') sql.consent.run(record.amountWei, channelId)
      else if (record.kind === 'forgotten') sql.forget.run(channelId)
      else sql.voucher.run(channelId, JSON.stringify(record.voucher))
    },
    charge({ channelId, priceWei }) {
      const row = sql.charged.get(channelId)
      if (row === undefined) {
        const reason = `channel ${channelId} is not in the ledger`
        throw new SoukError({ code: 'INTERNAL', message: `A task cannot be charged: ${reason}`, details: { reason } })
      }
      sql.charge.run(String(BigInt(weiSchema.parse(row['chargedWei'])) + BigInt(priceWei)), channelId)
    },
    load: () => sql.all.all().map(decodeRow),
  }
}

const amountIn = (column: string): string => `${column} ->> 'amountWei'`

function decodeRow(row: unknown): LedgerRow {
  try {
    const { channelId, voucher, chargedWei, redeemedWei, closingWei } = rowSchema.parse(row)
    return {
      channelId,
      voucher: voucherSchema.parse(JSON.parse(voucher)),
      chargedWei: BigInt(chargedWei),
      redeemedWei: BigInt(redeemedWei),
      ...(closingWei !== null && { closingWei: BigInt(closingWei) }),
    }
  } catch (cause) {
    const reason = 'a row of the ledger of channels cannot be read'
    throw new SoukError({
      code: 'START_FAILED',
      message: `The node could not start: ${reason}`,
      details: { reason },
      hint: 'The journal is damaged, or was written by another version: restore it from a backup. Vouchers in it are worth money.',
      cause,
    })
  }
}
