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

/** So much for each key, in the long run and at once (a token bucket for each). What costs more than others counts as several. */
export class RateLimit {
  readonly #options: RateLimitOptions
  /** Who asked longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** Whether one more is let through now. */
  take(key: string, nowMs: number, cost = 1): boolean {
    const bucket = this.#filled(key, nowMs)
    if (bucket.tokens < cost) return false
    bucket.tokens -= cost
    return true
  }

  /** Whether it would be let through now. Nobody is remembered for having asked. */
  has(key: string, nowMs: number, cost = 1): boolean {
    const bucket = this.#buckets.get(key)
    return (bucket === undefined ? this.#options.burst : this.#tokensOf(bucket, nowMs)) >= cost
  }

  /** Whether nothing was taken for a while. */
  isWhole(key: string, nowMs: number): boolean {
    return this.has(key, nowMs, this.#options.burst)
  }

  /** Counts what went through already, as far as there is something left to count it against. */
  spend(key: string, nowMs: number, cost = 1): void {
    const bucket = this.#filled(key, nowMs)
    bucket.tokens = Math.max(0, bucket.tokens - cost)
  }

  #filled(key: string, nowMs: number): Bucket {
    const { burst, maxKeys } = this.#options
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    const oldest = this.#buckets.size > maxKeys ? this.#buckets.keys().next().value : undefined
    if (oldest !== undefined) this.#buckets.delete(oldest)
    bucket.tokens = this.#tokensOf(bucket, nowMs)
    bucket.atMs = nowMs
    return bucket
  }

  #tokensOf({ tokens, atMs }: Bucket, nowMs: number): number {
    const { burst, perSecond } = this.#options
    return Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1000) * perSecond)
  }
}
