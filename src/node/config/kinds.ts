import { isAbsolute, join, resolve } from 'node:path'
import { coresIn } from '../../executors/docker/cpuset.ts'
import { isSoukError } from '../../protocol/errors.ts'
import { excerpt, nearestKey } from '../../protocol/issues.ts'
import {
  formatBytes,
  formatDurationMs,
  formatWei,
  MAX_TIMER_MS,
  parseBytes,
  parseDurationMs,
  parseWei,
} from '../../protocol/units.ts'
import type { Machine } from './machine.ts'

/** What a value may depend on besides what is written. */
export interface KindContext {
  readonly machine: Machine
  /** What relative paths start from: the folder of the file, or the working directory. */
  readonly baseDir: string
}

/**
 * A kind of value: how it is read from YAML or from an environment variable (always text), and shown.
 * `parse` throws an Error whose message completes the sentence "KEY …".
 */
export interface Kind<T> {
  /** What may be written, for the documentation. */
  readonly accepts: string
  parse(value: unknown, context: KindContext): T
  /** As it would be written in the file. */
  show(value: T): string | number | boolean | readonly string[]
}

type Bound = number | ((machine: Machine) => number)
interface Range {
  readonly min: number
  readonly max: number
  /** Why no more, or no less, where that is not plain. */
  readonly why?: string
  /** What `auto` stands for; without it `auto` is not accepted. */
  readonly auto?: (machine: Machine) => number
}

/** Documentation's text as an error says it. */
export function plain(accepts: string): string {
  return accepts.replaceAll('`', '')
}

const auto = (range: { readonly auto?: unknown }): string => (range.auto === undefined ? '' : '`auto` or ')

export function integer(range: Range): Kind<number> {
  return numeric({ range, accepts: 'a whole number', whole: true })
}

export function decimal(range: Range): Kind<number> {
  return numeric({ range, accepts: 'a number', whole: false })
}

function numeric({ range, accepts, whole }: { range: Range; accepts: string; whole: boolean }): Kind<number> {
  const right = `${accepts} from ${range.min} to ${range.max}`
  const why = range.why === undefined ? '' : ` (${range.why})`
  return {
    accepts: auto(range) + right,
    parse(value, { machine }) {
      if (value === 'auto' && range.auto !== undefined) return range.auto(machine)
      const number = typeof value === 'string' && /^\d{1,15}(\.\d{1,15})?$/.test(value.trim()) ? Number(value) : value
      if (
        typeof number !== 'number' ||
        Number.isNaN(number) ||
        (whole && !Number.isInteger(number)) ||
        number < range.min ||
        number > range.max
      ) {
        throw new Error(`must be ${plain(auto(range))}${right}${why}, not ${excerpt(value)}`)
      }
      return number
    },
    show: (value) => value,
  }
}

export interface SizeRange {
  readonly min?: number
  readonly max?: Bound
  readonly why?: string
  readonly auto?: (machine: Machine) => number
}

export function size(range: SizeRange): Kind<number> {
  const { min = 0 } = range
  return {
    accepts: `${auto(range)}a size such as \`512m\`, \`1.5g\` or bytes${min > 0 ? `, at least ${formatBytes(min)}` : ''}`,
    parse(value, { machine }) {
      if (value === 'auto' && range.auto !== undefined) return range.auto(machine)
      const bytes = measured({ value, parse: parseBytes, right: 'must be a size such as 512m' })
      const max = typeof range.max === 'function' ? range.max(machine) : (range.max ?? Number.MAX_SAFE_INTEGER)
      if (bytes < min) throw new Error(`must be at least ${formatBytes(min)}, not ${excerpt(value)}`)
      if (bytes > max)
        throw new Error(
          `must be at most ${formatBytes(max)}${range.why === undefined ? '' : ` (${range.why})`}, not ${excerpt(value)}`,
        )
      return bytes
    },
    show: formatBytes,
  }
}

export function duration({
  min = 1,
  max = MAX_TIMER_MS,
}: { readonly min?: number; readonly max?: number } = {}): Kind<number> {
  return {
    accepts: 'a duration such as `30s`, `5m`, `1h30m` or milliseconds',
    parse(value) {
      const durationMs = measured({ value, parse: parseDurationMs, right: 'must be a duration such as 30s' })
      if (durationMs < min) throw new Error(`must be at least ${formatDurationMs(min)}, not ${excerpt(value)}`)
      if (durationMs > max) throw new Error(`must be at most ${formatDurationMs(max)}, not ${excerpt(value)}`)
      return durationMs
    },
    show: formatDurationMs,
  }
}

interface Measured<T> {
  value: unknown
  parse: (value: string | number) => T
  right: string
}

function measured<T>({ value, parse, right }: Measured<T>): T {
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`${right}, not ${excerpt(value)}`)
  try {
    return parse(value)
  } catch (error) {
    if (isSoukError(error, 'INVALID_INPUT')) throw new Error(error.message, { cause: error })
    throw error
  }
}

export function flag(): Kind<boolean> {
  return {
    accepts: '`true` or `false`',
    parse(value) {
      if (value === true || value === 'true') return true
      if (value === false || value === 'false') return false
      throw new Error(`must be true or false, not ${excerpt(value)}`)
    },
    show: (value) => value,
  }
}

/** A flag that exists so that asking for the dangerous thing is answered with why not. */
export function neverTrue(why: string): Kind<false> {
  const { parse } = flag()
  return {
    accepts: '`false` only',
    parse(value, context) {
      if (parse(value, context)) throw new Error(`must be false: ${why}`)
      return false
    },
    show: () => false,
  }
}

export function oneOf<const T extends string>(values: readonly T[], { why }: { readonly why?: string } = {}): Kind<T> {
  const right = values.length === 1 ? `${values[0]}` : `one of ${values.join(', ')}`
  return {
    accepts: values.length === 1 ? `\`${values[0]}\` only` : values.map((value) => `\`${value}\``).join(', '),
    parse(value) {
      const found = values.find((known) => known === value)
      if (found !== undefined) return found
      const near = typeof value === 'string' && values.length > 1 ? nearestKey(value, values) : undefined
      throw new Error(
        `must be ${right}${why === undefined ? '' : ` (${why})`}, not ${excerpt(value)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      )
    },
    show: (value) => value,
  }
}

/** An absolute path; `~/` is the home folder. */
export function path(): Kind<string> {
  return {
    accepts: 'a path; relative ones start at the folder of the file, `~/` is the home folder',
    parse(value, { machine, baseDir }) {
      if (typeof value !== 'string' || value.trim() === '' || value.includes('\0'))
        throw new Error(`must be a path, not ${excerpt(value)}`)
      if (value === '~' || value.startsWith('~/')) return join(machine.home, value.slice(1))
      return isAbsolute(value) ? resolve(value) : resolve(baseDir, value)
    },
    show: (value) => value,
  }
}

/** An absolute path, or nothing. */
export function optionalPath(): Kind<string | undefined> {
  const { accepts, parse } = path()
  return {
    accepts: `nothing, or ${accepts}`,
    parse: (value, context) => (value === '' ? undefined : parse(value, context)),
    show: (value) => value ?? '',
  }
}

/** Cores of this host, as cpuset(7) lists them, or nothing. */
/** Undefined where nothing is said. */
export function optionalInteger(range: Omit<Range, 'auto'>): Kind<number | undefined> {
  const { accepts, parse } = integer(range)
  return {
    accepts: `nothing, or ${accepts}`,
    parse: (value, context) => (value === '' ? undefined : parse(value, context)),
    show: (value) => value ?? '',
  }
}

export function optionalCpuset(): Kind<string | undefined> {
  const right = 'cores of this host as in `0-3,6`'
  return {
    accepts: `nothing, or ${right}`,
    parse(value) {
      const text = typeof value === 'number' ? String(value) : value
      if (text === '') return undefined
      if (typeof text !== 'string' || coresIn(text) === undefined)
        throw new Error(`must be ${plain(right)}, not ${excerpt(value)}`)
      return text
    },
    show: (value) => value ?? '',
  }
}

const USER = /^(?:[A-Za-z_][A-Za-z0-9_.-]{0,31}|\d{1,10}(?::\d{1,10})?)$/

/** A user of this host, or nothing. Which there are is looked up by who becomes him. */
export function optionalUser(): Kind<string | undefined> {
  const right = 'a user, by name or number, or the numbers of user and group as in `990:990`'
  return {
    accepts: `nothing, or ${right}`,
    parse(value) {
      const text = typeof value === 'number' ? String(value) : value
      if (text === '') return undefined
      if (typeof text !== 'string' || !USER.test(text))
        throw new Error(`must be ${plain(right)}, not ${excerpt(value)}`)
      return text
    },
    show: (value) => value ?? '',
  }
}

/** An amount in wei. Beyond 2^53 a number loses digits: text is exact. */
export function wei(): Kind<bigint> {
  return {
    accepts: 'an amount in wei, or as in `20gwei`, `0.001eth`',
    parse: (value) => measured({ value, parse: parseWei, right: 'must be an amount such as 20gwei' }),
    show: formatWei,
  }
}

/** One entry of a list. */
export interface Item {
  readonly accepts: string
  /** Throws an Error whose message completes "item n …". */
  parse(item: string): string
}

/** A list; an environment variable has its items separated by commas. */
export function list({
  item,
  max,
  min = 0,
}: {
  readonly item: Item
  readonly max: number
  readonly min?: number
}): Kind<readonly string[]> {
  return {
    accepts: `a list of ${item.accepts}${min > 0 ? `, at least ${min}` : ''}, at most ${max}`,
    parse(value) {
      const items: unknown = typeof value === 'string' ? splitList(value) : value
      if (!Array.isArray(items)) throw new Error(`must be a list of ${plain(item.accepts)}, not ${excerpt(value)}`)
      if (items.length < min) throw new Error(`must have at least ${min} item${min === 1 ? '' : 's'}`)
      if (items.length > max) throw new Error(`must have at most ${max} items, not ${items.length}`)
      const parsed = items.map((one: unknown, index) => {
        if (typeof one !== 'string')
          throw new Error(`must be a list of ${plain(item.accepts)}; item ${index + 1} is ${excerpt(one)}`)
        try {
          return item.parse(one)
        } catch (error) {
          throw new Error(`item ${index + 1} ${(error as Error).message}`, { cause: error })
        }
      })
      const twice = parsed.find((one, index) => parsed.indexOf(one) !== index)
      if (twice !== undefined) throw new Error(`has ${excerpt(twice)} twice`)
      return parsed
    },
    show: (value) => value,
  }
}

/** Any of some words, each once. */
export function subset<const T extends string>(values: readonly T[]): Kind<readonly T[]> {
  const word = oneOf(values)
  const { parse, show } = list({ item: { accepts: '', parse: String }, max: values.length })
  return {
    accepts: `a list of ${values.map((value) => `\`${value}\``).join(' and ')}, or of one of them, or of none`,
    parse: (value, context) => parse(value, context).map((one) => word.parse(one, context)),
    show,
  }
}

function splitList(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map((item) => item.trim())
}
