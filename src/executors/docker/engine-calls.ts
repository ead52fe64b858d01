import { z } from 'zod'
import { EngineTimeout, statusOf } from './engine-errors.ts'

/** Starting a container takes 0.1 s; on a machine that swaps, many seconds. */
const CALL_TIMEOUT_MS = 60_000
const NOT_FOUND = 404

/** A list of texts, for which the engine may say null. */
export const strings = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])
/** @throws EngineTimeout */
export async function inTime<T>(call: Promise<T>, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new EngineTimeout(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  try {
    return await Promise.race([call, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Undefined where the engine says that there is no such thing. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statusOf(error) === NOT_FOUND) return undefined
    throw error
  }
}
