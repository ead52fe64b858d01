const SIZE_UNITS = ['k', 'm', 'g', 't'] as const

/** Bytes to three digits, for reading: `512 B`, `1.5k`, `12.3m`. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = ''
  for (const next of SIZE_UNITS) {
    if (value < 1000) break
    value /= 1024
    unit = next
  }
  return unit === '' ? `${value} B` : `${Number(value.toPrecision(3))}${unit}`
}

/** Milliseconds since a start, for reading: `0.31s`, `12.5s`, `3m07s`, `2h05m`. */
export function formatElapsed(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000
  if (seconds < 9.995) return `${seconds.toFixed(2)}s`
  if (seconds < 99.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}m${two(whole % 60)}s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h${two(minutes % 60)}m` : `${Math.floor(hours / 24)}d${two(hours % 24)}h`
}

/** How long ago, in one unit: `now`, `12s`, `5m`, `3h`, `2d`. */
export function formatAge(durationMs: number): string {
  const seconds = Math.floor(Math.max(0, durationMs) / 1000)
  if (seconds < 1) return 'now'
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}

const COUNT = new Intl.NumberFormat('en-US')

/** A large number, for reading and for comparing: `1,234,567`. */
export function formatCount(count: number): string {
  return COUNT.format(count)
}

/** One of a thing, or several: `1 file`, `3 files`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
