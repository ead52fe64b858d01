export interface RateLimitOptions {
  /** What is let through at once. */
  readonly burst: number
  /** What is let through as time goes on. */
  readonly perSecond: number
  /** Keys that are told apart: beyond, the one that asked longest ago is forgotten, and starts anew. */
  readonly maxKeys: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** So much for each key, in the long run and at once (a token bucket for each). */
export class RateLimit {
  readonly #options: RateLimitOptions
  /** Who asked longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** Whether one more is let through now. */
  take(key: string, nowMs: number): boolean {
    const { burst, perSecond, maxKeys } = this.#options
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    const oldest = this.#buckets.size > maxKeys ? this.#buckets.keys().next().value : undefined
    if (oldest !== undefined) this.#buckets.delete(oldest)
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond)
    bucket.atMs = nowMs
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}
