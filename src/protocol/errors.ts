import { z } from 'zod'
import {
  FAULTS,
  type Fault,
  PHASES,
  type Phase,
  type Issue,
  type ErrorDetails,
  type ErrorCode,
  ERROR_CODES,
} from './error-codes.ts'
import { LIMIT_NAMES } from './limits.ts'

export interface SoukErrorOptions<C extends ErrorCode> {
  readonly code: C
  /** What happened and why, in one sentence. */
  readonly message: string
  readonly details: ErrorDetails[C]
  readonly phase?: Phase
  readonly fault?: Fault
  readonly retryable?: boolean
  readonly hint?: string
  readonly cause?: unknown
}

/** The form in which an error crosses the wire, is journaled, and is printed with `--json`. */
export const serialisedErrorSchema = z.strictObject({
  code: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]),
  message: z.string().max(10_000),
  fault: z.enum(FAULTS),
  phase: z.enum(PHASES),
  retryable: z.boolean(),
  hint: z.string().max(10_000),
  details: z.record(z.string(), z.unknown()),
})
export type SerialisedError = z.infer<typeof serialisedErrorSchema>

/**
 * The only error type that any part of souk throws to the outside. `message` tells a person what happened, `hint` what to do; the other
 * fields are for programs. `cause` is the error that it was made from, and never crosses the wire.
 */
export class SoukError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'SoukError'
  readonly code: C
  readonly fault: Fault
  readonly phase: Phase
  readonly retryable: boolean
  readonly hint: string
  readonly details: ErrorDetails[C]

  constructor(options: SoukErrorOptions<C>) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    const facts = ERROR_CODES[options.code]
    this.code = options.code
    this.fault = options.fault ?? facts.fault
    this.phase = options.phase ?? facts.phase
    this.retryable = options.retryable ?? facts.retryable
    this.hint = options.hint ?? facts.hint
    this.details = options.details
  }

  toJSON(): SerialisedError {
    const { code, message, fault, phase, retryable, hint } = this
    return { code, message, fault, phase, retryable, hint, details: { ...this.details } }
  }

  /** Rebuilds an error that came from elsewhere; its details have the shape its sender gave them. */
  static fromJSON(error: SerialisedError): SoukError {
    return new SoukError(error)
  }

  /** Whatever was thrown, as a SoukError: a SoukError stays itself, anything else is a bug. */
  static from(thrown: unknown): SoukError {
    if (thrown instanceof SoukError) return thrown as SoukError
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return new SoukError({ code: 'INTERNAL', message: `Internal error: ${reason}`, details: { reason }, cause: thrown })
  }
}

export function isSoukError<C extends ErrorCode>(thrown: unknown, code: C): thrown is SoukError<C> {
  return thrown instanceof SoukError && thrown.code === code
}

/** zod's issues in the form that our errors carry. */
export function issuesOf(error: z.ZodError): readonly Issue[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }))
}

export const limitNameSchema = z.enum(LIMIT_NAMES)
