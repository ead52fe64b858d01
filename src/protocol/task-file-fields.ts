import { z } from 'zod'
import { isSoukError } from './errors.ts'
import { excerpt } from './issues.ts'
import { MAX_TIMER_MS, parseBytes, parseDurationMs } from './units.ts'

/** The most cores that a task can ask for. */
export const MAX_CORES = 4096

/** What a key is for, in the JSON Schema and the documentation. */
export interface Described {
  readonly description: string
  readonly examples?: unknown[]
}

interface Measure extends Described {
  readonly parse: (value: string | number) => number
  /** Completes "must be …". */
  readonly right: string
  readonly min?: 0 | 1
  readonly max?: { readonly value: number; readonly shown: string }
}

/** A size or duration as it is written; bytes or milliseconds as it is read. */
export type MeasureSchema = z.ZodOptional<
  z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodNumber]>, z.ZodTransform<number, string | number>>
>

/** A size or duration as people write it, read into bytes or milliseconds. */
function measure({ parse, right, min = 1, max, ...meta }: Measure): MeasureSchema {
  return z
    .union([z.string(), z.number()], { error: (issue) => `must be ${right}, not ${excerpt(issue.input)}` })
    .meta(meta)
    .transform((value, context) => {
      const fail = (message: string): never => {
        context.issues.push({ code: 'custom', message, input: value })
        return z.NEVER
      }
      try {
        const parsed = parse(value)
        if (parsed < min) return fail('must be more than 0')
        return max !== undefined && parsed > max.value
          ? fail(`must be at most ${max.shown}, not ${excerpt(value)}`)
          : parsed
      } catch (error) {
        if (isSoukError(error, 'INVALID_INPUT')) return fail(error.message)
        throw error
      }
    })
    .optional()
}

export function size({ description, examples, min = 1 }: Described & { readonly min?: 0 | 1 }): MeasureSchema {
  return measure({ parse: parseBytes, right: 'a size such as 512m', min, description, ...(examples && { examples }) })
}

/** Bounded by what a timer takes. */
export function duration({ description, examples }: Described): MeasureSchema {
  return measure({
    parse: parseDurationMs,
    right: 'a duration such as 30s',
    max: { value: MAX_TIMER_MS, shown: '24 days' },
    description,
    ...(examples && { examples }),
  })
}

export function count({ max, ...meta }: Described & { readonly max?: number }): z.ZodOptional<z.ZodInt> {
  return z
    .int()
    .min(1)
    .max(max ?? Number.MAX_SAFE_INTEGER)
    .optional()
    .meta({ ...meta })
}

/** A period and the CPU time within it, in microseconds, as the kernel takes them (sched-bwc: 1 ms to 1 s, 1 ms at least). */
const QUOTA = /^\s*(\d{1,12})\s+(\d{1,12})\s*$/
const MIN_PERIOD_US = 1000
const MAX_PERIOD_US = 1_000_000
const MIN_QUOTA_US = 1000
/** A task's cores are counted in thousandths. */
const MILLI = 1000

/** Cores as `PERIOD QUOTA`, read into a number of cores: the older form of `cpu`. */
export const cpuQuota = (meta: Described): z.ZodOptional<z.ZodPipe<z.ZodString, z.ZodTransform<number, string>>> =>
  z
    .string({ error: (issue) => `must be text such as "100000 50000", not ${excerpt(issue.input)}` })
    .meta({ ...meta })
    .transform((text, context) => {
      const fail = (message: string): never => {
        context.issues.push({ code: 'custom', message, input: text })
        return z.NEVER
      }
      const [, period = '', quota = ''] = QUOTA.exec(text) ?? []
      if (period === '')
        return fail(
          `must be a period and the CPU time in it, in microseconds, such as "100000 50000" for half a core, not ${excerpt(text)}`,
        )
      const [periodUs, quotaUs] = [Number(period), Number(quota)]
      if (periodUs < MIN_PERIOD_US || periodUs > MAX_PERIOD_US)
        return fail(`must begin with a period from ${MIN_PERIOD_US} to ${MAX_PERIOD_US} microseconds, not ${period}`)
      if (quotaUs < MIN_QUOTA_US)
        return fail(`must end with a CPU time of at least ${MIN_QUOTA_US} microseconds, not ${quota}`)
      const cores = Math.round((quotaUs / periodUs) * MILLI) / MILLI
      return cores > MAX_CORES ? fail(`must come to at most ${MAX_CORES} cores, not ${cores}`) : cores
    })
    .optional()

/** The path of a file, as it is written. */
export const file = (meta: Described): z.ZodString =>
  z
    .string()
    .min(1, 'must be the path of a file')
    .max(4096, 'must be at most 4096 characters')
    .refine((text) => !text.includes('\0'), 'must not contain a NUL byte')
    .meta({ ...meta })
