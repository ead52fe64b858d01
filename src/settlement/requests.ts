import type { Intent, StoredTransaction } from './transaction-store.ts'
import type { TransactionQueue } from './transactions.ts'

export interface Request extends Omit<Intent, 'idempotencyKey'> {
  /** What is wanted, and where. */
  readonly name: string
  /** Whether a transaction of that name does what is wanted: to the byte where absent. One with another signature in it may. */
  readonly isSame?: (before: StoredTransaction) => boolean
}

/**
 * The transactions that are asked for by what is wanted. The same request again is the same transaction, or another turn of it; and
 * always another where the one before failed, or was replaced.
 */
export interface Requests {
  /** For what can be done once: always the same. */
  once(request: Request): StoredTransaction
  /**
   * For what can be wanted again: the same until whoever asked knows what became of it, also where that was another process, which was
   * killed before it could say so. After that it is another.
   */
  anew(request: Request): StoredTransaction
  /** For what the chain tells whether it is needed: the same while it is under way. */
  step(request: Request): StoredTransaction
  /** What a request of that name would go on with, as {@link anew} has it. */
  unheard(request: Pick<Request, 'name' | 'isSame'>): StoredTransaction | undefined
  /** Its end is known to whoever asked for it in this process. */
  answered(transaction: StoredTransaction): void
  /** A person has been told of all that is {@link answered}: durably, the same requests are others from here on. */
  told(): void
}

const hasFailed = ({ state }: StoredTransaction): boolean => state === 'failed' || state === 'replaced'
const hasEnded = (transaction: StoredTransaction): boolean =>
  transaction.state === 'confirmed' || hasFailed(transaction)

export function createRequests(queue: Pick<TransactionQueue, 'submit' | 'latest' | 'tell'>): Requests {
  const answered = new Set<number>()
  const isHeard = (transaction: StoredTransaction): boolean =>
    hasFailed(transaction) || transaction.told || answered.has(transaction.id)

  function submit(
    { name, isSame, ...call }: Request,
    isOver: (transaction: StoredTransaction) => boolean,
  ): StoredTransaction {
    const before = queue.latest(name)
    if (before === undefined) return queue.submit({ idempotencyKey: name, ...call })
    if (isOver(before)) return queue.submit({ idempotencyKey: turnAfter(before, name), ...call })
    return isSame?.(before) === true ? before : queue.submit({ idempotencyKey: before.idempotencyKey, ...call })
  }

  return {
    once: (request) => submit(request, hasFailed),
    anew: (request) => submit(request, isHeard),
    step: (request) => submit(request, hasEnded),
    unheard({ name, isSame }) {
      const before = queue.latest(name)
      return before === undefined || isHeard(before) || isSame?.(before) === false ? undefined : before
    },
    answered: ({ id }) => void answered.add(id),
    told: () => queue.tell([...answered]),
  }
}

/** The first turn has the name alone. */
function turnAfter({ idempotencyKey }: StoredTransaction, name: string): string {
  const turn = idempotencyKey === name ? 1 : Number(idempotencyKey.slice(`${name} #`.length))
  return `${name} #${turn + 1}`
}
