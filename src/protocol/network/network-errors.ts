import type { Connection } from '@libp2p/interface'
import { isSoukError, SoukError } from '../errors.ts'
import { protocolError } from '../wire-fields.ts'
import { WIRE_LIMITS } from './wire-limits.ts'

/** The connection, or the one stream on it that mattered, broke; what had been accepted goes on over there. */
export function connectionLost(why: string, cause?: unknown): SoukError<'CONNECTION_LOST'> {
  return new SoukError({
    code: 'CONNECTION_LOST',
    message: `The connection broke: ${why}.`,
    details: {},
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Through a relay there is little room, and it is somebody else's. */
export function connectionLimited({
  what,
  bytes,
}: {
  readonly what: string
  readonly bytes: number
}): SoukError<'CONNECTION_LIMITED'> {
  const mostBytes = WIRE_LIMITS.relayedBlobBytes
  return new SoukError({
    code: 'CONNECTION_LIMITED',
    message: `${what} of ${bytes} bytes ${what.endsWith('s') ? 'do' : 'does'} not go through a relay, which carries ${mostBytes} bytes at most.`,
    details: { bytes, mostBytes },
  })
}

/** Whether the connection goes through a relay that bounds what it carries. */
export function isLimited(connection: Connection): boolean {
  return connection.limits !== undefined
}

/** What libp2p calls the error of a peer that knows no such protocol. */
const UNSUPPORTED = 'UnsupportedProtocolError'

/** What a failed attempt to open a stream means. */
export function openStreamError(protocol: string, cause: unknown): SoukError {
  if (nameOf(cause) === UNSUPPORTED) return protocolError(`the peer does not serve ${protocol}`, cause)
  return connectionLost(`no stream for ${protocol} could be opened`, cause)
}

/** Whether it is that the peer does not serve the protocol at all. */
export function isNotServed(thrown: unknown): thrown is SoukError<'PROTOCOL_ERROR'> {
  return isSoukError(thrown, 'PROTOCOL_ERROR') && nameOf(thrown.cause) === UNSUPPORTED
}

/** What was given cannot be dialled, now or later. */
export function noAddress(address: string, cause: unknown): SoukError<'UNREACHABLE'> {
  const message = `No connection to ${address}: that is no multiaddr (like /ip4/127.0.0.1/tcp/4001/p2p/16Uiu2HAm…).`
  return new SoukError({
    code: 'UNREACHABLE',
    message,
    details: { address },
    retryable: false,
    hint: 'Copy the address that the provider prints when it starts.',
    cause,
  })
}

/** Why a dial failed, as a SoukError that says so in words. */
export function unreachable({
  address,
  cause,
  timeoutMs,
}: {
  readonly address: string
  readonly cause: unknown
  readonly timeoutMs: number
}): SoukError<'UNREACHABLE'> {
  const { why, retryable } = dialFailure(cause, timeoutMs)
  return new SoukError({
    code: 'UNREACHABLE',
    message: `No connection to ${address}: ${why}.`,
    details: { address },
    retryable,
    cause,
  })
}

function dialFailure(cause: unknown, timeoutMs: number): { readonly why: string; readonly retryable: boolean } {
  const errors = chain(cause)
  const has = (...names: string[]): boolean =>
    errors.some((error) => names.includes(error.name) || names.includes(codeOf(error)))
  if (has('InvalidPeerIdError')) return { why: 'that is the peer itself', retryable: false }
  // libp2p keeps no more of the handshake's own error than its text.
  if (
    has('UnexpectedPeerError') ||
    errors.some(({ message }) => message.includes('does not match expected remote identity'))
  )
    return { why: 'a peer with another peer id answers there', retryable: false }
  if (has('ECONNREFUSED')) return { why: 'connection refused: nothing listens there', retryable: true }
  if (has('ENOTFOUND', 'EAI_AGAIN')) return { why: 'the host name cannot be resolved', retryable: true }
  if (has('EHOSTUNREACH', 'ENETUNREACH')) return { why: 'no route to the host', retryable: true }
  if (has('InvalidMultiaddrError', 'InvalidParametersError', 'NoValidAddressesError', 'ValidationError')) {
    return { why: 'nothing in that address can be dialled from here', retryable: false }
  }
  if (has('TimeoutError', 'AbortError'))
    return { why: `timeout, no libp2p peer answered within ${timeoutMs} ms`, retryable: true }
  if (has('ECONNRESET', 'StreamResetError', 'StreamClosedError', 'UnexpectedEOFError', 'EncryptionFailedError')) {
    return {
      why: 'the other side ended the connection (no libp2p peer, or it takes no more connections)',
      retryable: true,
    }
  }
  return { why: errors[0]?.message ?? 'unknown', retryable: true }
}

function nameOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.name : undefined
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function chain(cause: unknown, depth = 0): readonly Error[] {
  if (!(cause instanceof Error) || depth > 5) return []
  const inner = cause instanceof AggregateError ? (cause.errors as unknown[]) : []
  return [cause, ...[cause.cause, ...inner].flatMap((error) => chain(error, depth + 1))]
}
