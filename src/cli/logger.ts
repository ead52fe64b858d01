import { pino, type Logger } from 'pino'

/** A node's log: JSON on standard error, a line each, written before the next line of anything else. */
export function createLogger({ level }: { readonly level: string }): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ fd: 2, sync: true }))
}
