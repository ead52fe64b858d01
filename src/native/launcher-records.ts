/**
 * Records, of which a request to the launcher and its reports consist: u16 LE tag, u32 LE length, value. Numbers
 * are u64 LE, strings UTF-8 without NUL.
 */
const HEADER_BYTES = 6
const NUMBER_BYTES = 8
const MAX_RECORDS = 1024

/** Values by tag, repeated ones in their order. */
export type Records = ReadonlyMap<number, readonly Buffer[]>

/** The records of a report, or undefined where the bytes are none, or too many. */
export function decodeRecords(bytes: Buffer): Records | undefined {
  const records = new Map<number, Buffer[]>()
  let count = 0
  for (let start = 0; start < bytes.length;) {
    count += 1
    if (bytes.length - start < HEADER_BYTES || count > MAX_RECORDS) return undefined
    const tag = bytes.readUInt16LE(start)
    const end = start + HEADER_BYTES + bytes.readUInt32LE(start + 2)
    if (end > bytes.length) return undefined
    const value = bytes.subarray(start + HEADER_BYTES, end)
    const values = records.get(tag)
    if (values === undefined) records.set(tag, [value])
    else values.push(value)
    start = end
  }
  return records
}

/** A number that is there once and that a JavaScript number holds exactly, else undefined. */
export function numberOf(records: Records, tag: number): number | undefined {
  const values = records.get(tag)
  const [value] = values ?? []
  if (value === undefined || values?.length !== 1 || value.length !== NUMBER_BYTES) return undefined
  const number = Number(value.readBigUInt64LE(0))
  return Number.isSafeInteger(number) ? number : undefined
}

/** The strings of a tag, each cut to `maxCharacters`. */
export function textsOf(records: Records, tag: number, maxCharacters: number): string[] {
  return (records.get(tag) ?? []).map((value) => value.toString('utf8').slice(0, maxCharacters).toWellFormed())
}

/** Collects records; the launcher takes them in any order. */
export interface RecordWriter {
  number(tag: number, value: number): void
  /** @throws RangeError where `text` has a NUL: what comes after it would be lost. */
  text(tag: number, text: string): void
  bytes(tag: number, value: Uint8Array): void
  end(): Buffer
}

export function createRecordWriter(): RecordWriter {
  const parts: Uint8Array[] = []
  const bytes = (tag: number, value: Uint8Array): void => {
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header.writeUInt16LE(tag)
    header.writeUInt32LE(value.length, 2)
    parts.push(header, value)
  }
  return {
    bytes,
    number(tag, value) {
      const encoded = Buffer.allocUnsafe(NUMBER_BYTES)
      encoded.writeBigUInt64LE(BigInt(value))
      bytes(tag, encoded)
    },
    text(tag, text) {
      if (text.includes('\0')) throw new RangeError('a NUL in a string for the launcher')
      bytes(tag, Buffer.from(text))
    },
    end: () => Buffer.concat(parts),
  }
}
