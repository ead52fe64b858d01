import { Buffer } from 'node:buffer'
import type { z } from 'zod'
import { SoukError, issuesOf } from './errors.ts'

/** Something that the protocol does not allow; `reason` names the field and what is wrong with it. */
export function protocolError(reason: string, cause?: unknown): SoukError<'PROTOCOL_ERROR'> {
  return new SoukError({
    code: 'PROTOCOL_ERROR',
    message: `The protocol does not allow this: ${reason}.`,
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Runs an encoder or a decoder; whatever it throws becomes a PROTOCOL_ERROR about `what`. */
export function coding<T>(what: string, code: () => T): T {
  try {
    return code()
  } catch (cause) {
    if (cause instanceof SoukError) throw cause
    throw protocolError(`${what} is malformed: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
}

/** A value as its schema wants it. @throws SoukError PROTOCOL_ERROR naming what and where. */
export function checked<S extends z.ZodType>(what: string, schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = issuesOf(result.error)
  throw protocolError(`${what}${issue?.path ? `.${issue.path}` : ''}: ${issue?.message ?? 'invalid'}`, result.error)
}

export function required<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw protocolError(`${what} is missing`)
  return value
}

/** Bytes of a fixed length, as 0x and lower-case hex. */
export function hexOfBytes(what: string, bytes: Uint8Array, length: number): string {
  return `0x${bareHexOfBytes(what, bytes, length)}`
}

/** Bytes of a fixed length, as lower-case hex. */
export function bareHexOfBytes(what: string, bytes: Uint8Array, length: number): string {
  if (bytes.byteLength !== length) throw protocolError(`${what} has ${bytes.byteLength} bytes, not ${length}`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex')
}

/** The bytes of lower-case hex, with or without 0x. @throws SoukError PROTOCOL_ERROR where it is anything else. */
export function bytesOfHex(what: string, hex: string, length: number): Buffer<ArrayBuffer> {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex
  if (digits.length !== length * 2 || !/^[0-9a-f]*$/.test(digits)) {
    throw protocolError(`${what} is not ${length} bytes in lower-case hex`)
  }
  return Buffer.from(digits, 'hex')
}

/** A uint64 of the wire as a number. Above 2^53 the decoder has rounded, but never to below it. */
export function safeInteger(what: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw protocolError(`${what} is not an integer from 0 to 2^53 - 1`)
  return value
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** JSON in strict UTF-8, at most `maxBytes` long. */
export function jsonOfBytes(what: string, bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes) throw protocolError(`${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  return coding(what, () => JSON.parse(utf8.decode(bytes)) as unknown)
}

/** @throws SoukError PROTOCOL_ERROR where the JSON is longer than `maxBytes`. */
export function bytesOfJson(what: string, value: unknown, maxBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  if (bytes.byteLength > maxBytes) throw protocolError(`${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  return bytes
}

/** The one member of a oneof that is set. */
export function oneOf<T extends object, K extends keyof T & string>(
  what: string,
  message: T,
  members: readonly K[],
): K {
  const member = members.find((name) => message[name] !== undefined)
  if (member === undefined) throw protocolError(`${what} has none of ${members.join(', ')}`)
  return member
}

/** At least 1 and at most `max`. */
export function within(what: string, value: number, max: number): number {
  if (value < 1 || value > max) throw protocolError(`${what} is ${value}, not 1 to ${max}`)
  return value
}

/** The bytes, where they are no more than `maxBytes`. */
export function bounded<T extends Uint8Array>(what: string, bytes: T, maxBytes: number): T {
  if (bytes.byteLength > maxBytes)
    throw protocolError(`the ${what} has ${bytes.byteLength} bytes, more than ${maxBytes}`)
  return bytes
}
