import { SoukError } from '../protocol/errors.ts'

/** The command line is wrong. @param message what is wrong and what would be right, in one sentence */
export function usageError({
  message,
  argument,
  hint,
  cause,
}: {
  readonly message: string
  readonly argument?: string
  readonly hint?: string
  readonly cause?: unknown
}): SoukError<'INVALID_USAGE'> {
  return new SoukError({
    code: 'INVALID_USAGE',
    message,
    details: argument === undefined ? {} : { argument },
    ...(hint !== undefined && { hint }),
    ...(cause !== undefined && { cause }),
  })
}
