import { refusalHint } from '../../protocol/refusal-hint.ts'
import { ERROR_CODES, type ErrorCode, type ErrorDetails, type Issue } from '../../protocol/error-codes.ts'
import type { SerialisedError } from '../../protocol/errors.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { formatBytes, formatDurationMs, formatWei } from '../../protocol/units.ts'
import { printable, printableLines } from './printable.ts'
import type { Colors } from './terminal.ts'

/** What happened, in a few words; why is for the error's message to say. */
const HEADLINES: { readonly [C in ErrorCode]: string } = {
  INVALID_INPUT: 'The input is not valid',
  INVALID_USAGE: 'The command line is not valid',
  MODULE_REFUSED: 'The WebAssembly module is refused',
  IMAGE_REFUSED: 'The image is refused',
  REFUSED: 'The provider refuses the task',
  EXECUTION_TIMEOUT: 'The task met a time limit',
  RESOURCE_LIMIT: 'The task met a limit',
  QUEUE_TIMEOUT: 'The task waited for too long',
  TOTAL_TIMEOUT: 'The task did not start in time',
  CANCELLED: 'The task was cancelled',
  NOT_FOUND: 'There is no such thing there',
  BLOB_UNAVAILABLE: 'A file could not be transferred',
  RUNTIME_UNAVAILABLE: 'The runtime does not work there',
  EXECUTOR_FAILED: 'The sandbox failed',
  STORAGE_FULL: 'There is no room for the task',
  PROVIDER_STOPPED: 'The provider stopped',
  UNREACHABLE: 'There is no connection to the provider',
  CONNECTION_LOST: 'The connection to the provider broke',
  PROTOCOL_ERROR: 'The other side broke the protocol',
  CONFIG_INVALID: 'The configuration is not valid',
  KEY_UNUSABLE: 'The key file cannot be used',
  START_FAILED: 'The start failed',
  NODE_NOT_RUNNING: 'No node is running here',
  RECEIPT_INVALID: 'The receipt does not verify',
  NO_QUORUM: 'No majority of the providers agrees',
  INTERNAL: 'souk itself failed',
  CHAIN_UNREACHABLE: 'The chain cannot be reached',
  WRONG_CHAIN: 'This is another chain',
  CHAIN_REFUSED: 'The chain refuses it',
  PAYMENT_REQUIRED: 'It has to be paid first',
  CONNECTION_LIMITED: 'The connection is too small for it',
}

/**
 * An error for a person: what happened, why, and what to do, a line each; where there are several reasons,
 * each has a line.
 */
export function errorLines({
  error,
  colors,
}: {
  readonly error: SerialisedError
  readonly colors: Colors
}): readonly string[] {
  const label = (text: string): string => colors.dim(text.padEnd(LABEL_WIDTH))
  const [why = '', ...more] = reasonsOf(error)
  return [
    `${colors.red(colors.bold('error'.padEnd(LABEL_WIDTH)))}${colors.bold(HEADLINES[error.code])} ${colors.dim(`(${error.code})`)}`,
    `${label('why')}${why}`,
    ...more.map((reason) => `${' '.repeat(LABEL_WIDTH)}${reason}`),
    `${label('do')}${printable(hintOf(error))}`,
  ]
}

const LABEL_WIDTH = 'error'.length + 2

/** What the reasons of a refusal come to says more than what holds for each of them. */
function hintOf({ code, hint, details }: SerialisedError): string {
  if (code !== 'REFUSED' || hint !== ERROR_CODES.REFUSED.hint) return hint
  return refusalHint((details['reasons'] as readonly Refusal[] | undefined) ?? []) ?? hint
}

function reasonsOf(error: SerialisedError): readonly string[] {
  const { details } = error
  if (error.code === 'REFUSED') {
    const reasons = details['reasons'] as readonly Refusal[] | undefined
    if (reasons !== undefined && reasons.length > 0) return reasons.map(refusalText)
  }
  if (error.code === 'RECEIPT_INVALID') {
    const reasons = details['reasons'] as readonly string[] | undefined
    if (reasons !== undefined && reasons.length > 0) return reasons.map(printable)
  }
  if (error.code === 'NO_QUORUM') {
    const said = (details['said'] as ErrorDetails['NO_QUORUM']['said'] | undefined) ?? []
    return [...printableLines(error.message), ...said.map(({ provider, what }) => printable(`${provider}: ${what}`))]
  }
  const lines = printableLines(error.message)
  // A message that only counts what the details list.
  const issues = lines.length === 1 ? (details['issues'] as readonly Issue[] | undefined) : undefined
  if (issues === undefined || issues.length < 2) return lines
  return [...lines, ...issues.map(({ path, message }) => printable(path === '' ? message : `${path} ${message}`))]
}

/** What a provider says of sizes, times and prices is in bytes, milliseconds and wei; people write `512m`, `30s` and `20gwei`. */
function refusalText({ message: text, subject = '', asked, offered }: Refusal): string {
  const message = text.replaceAll(/\b(\d{10,78}) wei\b/g, (_, digits: string) => formatWei(BigInt(digits)))
  const format = subject.endsWith('Bytes') ? formatBytes : subject.endsWith('Ms') ? formatDurationMs : undefined
  const numbers = [asked, offered].filter((value) => value !== undefined && /^\d{1,15}$/.test(value))
  if (format === undefined || numbers.length === 0) return printable(message)
  return printable(
    message.replaceAll(/\b\d+\b/g, (digits) => (numbers.includes(digits) ? format(Number(digits)) : digits)),
  )
}
