import { ERROR_DETAILS_SCHEMAS } from './error-details.ts'
import { serialisedErrorSchema, type SerialisedError } from './errors.ts'
import type { Error as ErrorMessage } from './messages.js'
import { WIRE_BOUNDS } from './wire-bounds.ts'
import { checked, jsonOfBytes } from './wire-fields.ts'

/** Lists in details are cut to this length where the whole would be too large for the wire. */
const KEPT_OF_LONG_LISTS = 100

/** Never throws: an error too large for the wire is cut, as an error about it would hide what happened. */
export function errorToMessage(error: SerialisedError): ErrorMessage {
  const { code, message, fault, phase, retryable, hint, details } = error
  return { code, message: cut(message), fault, phase, retryable, hint: cut(hint), details: detailsToBytes(details) }
}

/** @throws SoukError PROTOCOL_ERROR where the code is unknown, or the details are not those of the code. */
export function errorFromMessage(message: ErrorMessage): SerialisedError {
  const { code, message: text, fault, phase, retryable, hint } = message
  const details = jsonOfBytes('error.details', message.details, WIRE_BOUNDS.errorDetailsBytes)
  const error = checked('error', serialisedErrorSchema, { code, message: text, fault, phase, retryable, hint, details })
  return { ...error, details: { ...checked('error.details', ERROR_DETAILS_SCHEMAS[error.code], error.details) } }
}

function cut(text: string): string {
  const { errorTextCharacters } = WIRE_BOUNDS
  return text.length <= errorTextCharacters ? text : `${text.slice(0, errorTextCharacters - 1)}…`
}

function detailsToBytes(details: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  const { errorDetailsBytes } = WIRE_BOUNDS
  const whole = charactersOf(details) <= errorDetailsBytes && !tooLong(details) ? encoded(details) : undefined
  return whole !== undefined && whole.byteLength <= errorDetailsBytes
    ? whole
    : encoded(shortened(details, errorDetailsBytes / KEPT_OF_LONG_LISTS / 24))
}

function encoded(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value))
}

/** At most what the value takes as JSON, so that one too large is never made into a string. */
function charactersOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + charactersOf(item), Object.keys(value).length)
}

function tooLong(value: unknown): boolean {
  if (typeof value === 'string') return value.length > WIRE_BOUNDS.errorTextCharacters
  return typeof value === 'object' && value !== null && Object.values(value).some(tooLong)
}

/** The same shape with short lists and short strings; a character is at most 6 bytes of JSON (`\u0000`). */
function shortened(value: unknown, characters: number): unknown {
  if (typeof value === 'string') return value.slice(0, characters)
  if (Array.isArray(value)) return value.slice(0, KEPT_OF_LONG_LISTS).map((item) => shortened(item, characters))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortened(item, characters)]))
}
