import type { Key } from '../identity/key-file.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Chain } from './chain.ts'
import { createTransactionTurns, type Timing } from './transaction-turns.ts'
import { DEFAULT_FEE_CAPS, type FeeCaps } from './transaction-signing.ts'
import type { Intent, StoredTransaction, TransactionStore } from './transaction-store.ts'

/**
 * Sends the transactions of one account, each intent at most once, whatever happens: to this process, to the endpoints, or to the
 * blocks that they are in. All that it knows is in its store; it may be killed at any instant.
 */
export interface TransactionQueue {
  /** The account, lower case. */
  readonly sender: string
  /**
   * Is durable when this returns. The same key again is the same intent, in whatever state it is by now.
   * @throws SoukError INVALID_INPUT where the key stands for something else.
   */
  submit(intent: Intent): StoredTransaction
  /** The last turn of what has that key: `KEY`, `KEY #2`, `KEY #3`… */
  latest(idempotencyKey: string): StoredTransaction | undefined
  /** Whoever asked for them knows what became of them: durable when this returns. */
  tell(ids: readonly number[]): void
  /** What is neither confirmed, failed nor replaced. */
  open(): readonly StoredTransaction[]
  /**
   * Resolves with what became of it: `confirmed`, `failed` or `replaced`. Goes on where no endpoint answers, until the signal ends the waiting.
   */
  settled(options: { readonly id: number; readonly signal?: AbortSignal }): Promise<StoredTransaction>
  close(): Promise<void>
}

export interface TransactionQueueOptions extends Partial<Timing> {
  readonly chain: Chain
  readonly key: Key
  readonly store: TransactionStore
  /** In how many blocks it is, its own counted, until it is taken for final. */
  readonly confirmations: number
  readonly feeCaps?: FeeCaps
  /** What keeps it from going on; once, until it is something else. */
  readonly onTrouble?: (error: SoukError) => void
}

const DEFAULT_TIMING: Timing = { pollMs: 4_000, stuckAfterMs: 90_000, gapAfterMs: 30_000 }

interface Waiting {
  readonly id: number
  readonly resolve: (settled: StoredTransaction) => void
}

const isSettled = ({ state }: StoredTransaction): boolean =>
  state === 'confirmed' || state === 'failed' || state === 'replaced'

export function createTransactionQueue(options: TransactionQueueOptions): TransactionQueue {
  const { chain, key, store, confirmations, onTrouble = () => {} } = options
  const timing = {
    pollMs: options.pollMs ?? DEFAULT_TIMING.pollMs,
    stuckAfterMs: options.stuckAfterMs ?? DEFAULT_TIMING.stuckAfterMs,
    gapAfterMs: options.gapAfterMs ?? DEFAULT_TIMING.gapAfterMs,
  }
  const { feeCaps = DEFAULT_FEE_CAPS } = options
  let reported = ''
  const report = (error: SoukError): void => {
    if (error.message === reported) return
    reported = error.message
    onTrouble(error)
  }
  const turns = createTransactionTurns({ chain, key, store, confirmations, feeCaps, timing, report })
  const waiting = new Set<Waiting>()
  let closed = false
  let running: Promise<void> | undefined
  let asked = false
  let endPause: () => void = () => {}

  function wake(): void {
    if (closed) return
    asked = true
    endPause()
    running ??= run().finally(() => {
      running = undefined
      // Something may have come in after the last look.
      if (asked) wake()
    })
  }

  async function run(): Promise<void> {
    while (!closed && (asked || waiting.size > 0 || store.open().length > 0)) {
      asked = false
      try {
        await turns.next()
        reported = ''
      } catch (thrown) {
        // Endpoints come back; until then everything is on the disk.
        report(SoukError.from(thrown))
      }
      tellWaiting()
      if (!closed && !asked && (waiting.size > 0 || store.open().length > 0)) await pause()
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timing.pollMs)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function tellWaiting(): void {
    for (const one of waiting) {
      const stored = store.get(one.id)
      if (stored === undefined || !isSettled(stored)) continue
      waiting.delete(one)
      one.resolve(stored)
    }
  }

  // What an earlier process left is gone on with.
  wake()
  return {
    sender: key.address,
    latest: (idempotencyKey) => store.latest(idempotencyKey),
    tell: (ids) => store.tell(ids),
    open: () => store.open(),
    submit(intent) {
      const stored = store.add(intent)
      wake()
      return stored
    },
    settled: ({ id, signal }) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        const stored = store.get(id)
        if (stored !== undefined && isSettled(stored)) return resolve(stored)
        const give = (): void => {
          waiting.delete(one)
          reject(SoukError.from(signal?.reason))
        }
        const one: Waiting = {
          id,
          resolve(settled) {
            signal?.removeEventListener('abort', give)
            resolve(settled)
          },
        }
        signal?.addEventListener('abort', give, { once: true })
        waiting.add(one)
        wake()
      }),
    async close() {
      closed = true
      asked = false
      endPause()
      await running
    },
  }
}
