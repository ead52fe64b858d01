import { SoukError } from './errors.ts'

/** The most milliseconds that a timer takes: beyond 2^31 - 1 (24 days) it would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647

const SIZE_UNITS = { b: 1n, k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n } as const
const DURATION_UNITS = { d: 86_400_000n, h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n } as const
const DURATION_ORDER = ['d', 'h', 'm', 's', 'ms'] as const

const SIZE = /^(\d{1,16})(?:\.(\d{1,16}))?\s?(b|[kmgt](?:i|ib)?)?$/i
const DECIMAL_SIZE = /^(\d{1,16}(?:\.\d{1,16})?)\s?([kmgt])b$/i
const DURATION_PART = /(\d{1,16})(?:\.(\d{1,16}))?(ms|[dhms])/y
const MAX_TEXT = 64

/**
 * Bytes of a size as people write it: `512m`, `1.5g`, `64k`, `512MiB`, `10485760`. Units are binary
 * (k is 1024). Exact: what is not a whole number of bytes, or not a safe integer, is refused.
 *
 * @throws SoukError INVALID_INPUT that says what would be right.
 */
export function parseBytes(value: string | number): number {
  const right = 'must be a size such as 512m, 1.5g, 64k or a number of bytes'
  if (typeof value === 'number') return wholeNumber({ value, right, unit: 'bytes' })
  const text = value.trim()
  const decimal = text.length <= MAX_TEXT ? DECIMAL_SIZE.exec(text) : null
  if (decimal !== null)
    throw invalid(
      `${right}: write ${decimal[1]}${decimal[2]?.toLowerCase()} (units are binary, 1k is 1024 bytes), not ${quote(value)}`,
    )
  const match = text.length <= MAX_TEXT ? SIZE.exec(text) : null
  if (match === null) throw invalid(`${right}, not ${quote(value)}`)
  const unit = (match[3]?.[0]?.toLowerCase() ?? 'b') as keyof typeof SIZE_UNITS
  return exact({ whole: match[1] ?? '', fraction: match[2] ?? '', factor: SIZE_UNITS[unit], value, unit: 'bytes' })
}

/**
 * Milliseconds of a duration as people write it: `500ms`, `30s`, `1m30s`, `1.5h`, `7d`; a plain number is
 * milliseconds. Units go from the largest to the smallest, each at most once, and only a duration of one
 * part may have a fraction.
 *
 * @throws SoukError INVALID_INPUT that says what would be right.
 */
export function parseDurationMs(value: string | number): number {
  const right = 'must be a duration such as 30s, 2m, 1h, 1m30s, 500ms or a number of milliseconds'
  if (typeof value === 'number') return wholeNumber({ value, right, unit: 'milliseconds' })
  const text = value.trim()
  if (text.length > MAX_TEXT || text === '') throw invalid(`${right}, not ${quote(value)}`)
  if (/^\d{1,16}$/.test(text)) return exact({ whole: text, fraction: '', factor: 1n, value, unit: 'milliseconds' })

  let totalMs = 0n
  let parts = 0
  let smallest = -1
  let fractions = false
  DURATION_PART.lastIndex = 0
  while (DURATION_PART.lastIndex < text.length) {
    const match = DURATION_PART.exec(text)
    if (match === null) throw invalid(`${right}, not ${quote(value)}`)
    const unit = match[3] as keyof typeof DURATION_UNITS
    const rank = DURATION_ORDER.indexOf(unit)
    if (rank <= smallest) throw invalid(`${right}, its units from the largest to the smallest, not ${quote(value)}`)
    smallest = rank
    parts += 1
    fractions ||= match[2] !== undefined
    totalMs += BigInt(
      exact({
        whole: match[1] ?? '',
        fraction: match[2] ?? '',
        factor: DURATION_UNITS[unit],
        value,
        unit: 'milliseconds',
      }),
    )
  }
  if (fractions && parts > 1) throw invalid(`${right}; a fraction only where there is one part, not ${quote(value)}`)
  return safe({ total: totalMs, value, unit: 'milliseconds' })
}

/** The shortest size that {@link parseBytes} reads back as exactly these bytes: `1.5g`, `64k`, `1000`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['t', 'g', 'm', 'k'] as const) {
    const factor = Number(SIZE_UNITS[unit])
    if (bytes >= factor && (bytes * 4) % factor === 0) return `${bytes / factor}${unit}`
  }
  return String(bytes)
}

/** The duration that {@link parseDurationMs} reads back as exactly these milliseconds: `1m30s`, `1.5s`, `250ms`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs < 1000) return `${durationMs}ms`
  if (durationMs < 60_000) return `${durationMs / 1000}s`
  let rest = BigInt(durationMs)
  let text = ''
  for (const unit of DURATION_ORDER) {
    const count = rest / DURATION_UNITS[unit]
    rest %= DURATION_UNITS[unit]
    if (count > 0n) text += `${count}${unit}`
  }
  return text
}

const WEI_UNITS = { wei: 0, gwei: 9, eth: 18 } as const
const WEI = /^(0|[1-9]\d{0,77})(?:\.(\d{1,18}))?\s?(wei|gwei|eth)?$/i
/** What EIP-712 and the chain can say: below 2^256. */
const MAX_WEI = (1n << 256n) - 1n

/**
 * Wei of an amount as people write it: `20gwei`, `0.001eth`, `1000`; without a unit it is wei. Exact: what is no whole number
 * of wei is refused.
 *
 * @throws SoukError INVALID_INPUT that says what would be right.
 */
export function parseWei(value: string | number): bigint {
  const right = 'must be an amount in wei, or as in 20gwei or 0.001eth'
  if (typeof value === 'number') return BigInt(wholeNumber({ value, right, unit: 'wei' }))
  const text = value.trim()
  const match = text.length <= MAX_TEXT + 32 ? WEI.exec(text) : null
  if (match === null) throw invalid(`${right}, not ${quote(value)}`)
  const [, whole = '', fraction = '', unit = 'wei'] = match
  const digits = WEI_UNITS[unit.toLowerCase() as keyof typeof WEI_UNITS]
  const scaled = BigInt(whole + fraction) * 10n ** BigInt(digits)
  const scale = 10n ** BigInt(fraction.length)
  if (scaled % scale !== 0n) throw invalid(`must be a whole number of wei, and ${quote(value)} is not`)
  const amountWei = scaled / scale
  if (amountWei > MAX_WEI) throw invalid(`must be less than 2^256 wei, and ${quote(value)} is more`)
  return amountWei
}

/** The amount that {@link parseWei} reads back as exactly this: `20gwei`, `0.001eth`, `1000`. */
export function formatWei(amountWei: bigint): string {
  // A unit only where few digits follow the point: who compares amounts counts none.
  for (const [unit, digits] of [
    ['eth', 18],
    ['gwei', 9],
  ] as const) {
    const one = 10n ** BigInt(digits)
    const fine = one / 1_000_000n
    if (amountWei * 1000n < one || amountWei % fine !== 0n) continue
    const fraction = String((amountWei % one) / fine)
      .padStart(6, '0')
      .replace(/0+$/, '')
    return `${amountWei / one}${fraction === '' ? '' : `.${fraction}`}${unit}`
  }
  return String(amountWei)
}

interface Exact {
  readonly whole: string
  readonly fraction: string
  readonly factor: bigint
  readonly value: string
  readonly unit: string
}

/** whole.fraction × factor in integers: floating point would make 0.1t something else. */
function exact({ whole, fraction, factor, value, unit }: Exact): number {
  const scale = 10n ** BigInt(fraction.length)
  const scaled = BigInt(whole + fraction) * factor
  if (scaled % scale !== 0n) throw invalid(`must be a whole number of ${unit}, and ${quote(value)} is not`)
  return safe({ total: scaled / scale, value, unit })
}

function safe({ total, value, unit }: { total: bigint; value: string; unit: string }): number {
  if (total > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalid(`must be at most ${Number.MAX_SAFE_INTEGER} ${unit}, and ${quote(value)} is more`)
  return Number(total)
}

function wholeNumber({ value, right, unit }: { value: number; right: string; unit: string }): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${right}: a whole number of ${unit} that is not negative, not ${value}`)
}

function quote(value: string): string {
  return JSON.stringify(value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value)
}

function invalid(message: string): SoukError<'INVALID_INPUT'> {
  return new SoukError({ code: 'INVALID_INPUT', message, details: { issues: [{ path: '', message }] } })
}
