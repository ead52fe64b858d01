import type { Key } from '../../identity/key-file.ts'
import { SoukError } from '../../protocol/errors.ts'
import { openChain, type Chain } from '../../settlement/chain.ts'
import { createRequests, type Requests } from '../../settlement/requests.ts'
import { openTransactionStore, type StoredTransaction } from '../../settlement/transaction-store.ts'
import { createTransactionQueue } from '../../settlement/transactions.ts'

/** A contract, and how its chain is asked. */
export interface ContractPlace {
  /** In the order in which they are tried. */
  readonly endpoints: readonly string[]
  readonly chainId: number
  readonly contract: string
}

/** What happens while one waits. */
export type AccountProgress = (line: string) => void

export interface AccountOptions {
  readonly place: ContractPlace
  readonly key: Key
  /** Where the account's transactions are kept: where others of this key keep theirs, so that none gives a nonce away twice. */
  readonly dir: string
  readonly confirmations: number
  readonly pollMs: number
  readonly onProgress: AccountProgress
}

/** The transactions of one account on one chain. What was begun and not finished by a process that is no more is gone on with. */
export interface AccountTransactions {
  readonly chain: Chain
  readonly requests: Requests
  /** Resolves when it was executed. @throws SoukError CHAIN_REFUSED where it was not */
  done(transaction: StoredTransaction): Promise<void>
  end(): Promise<void>
}

/** @throws SoukError START_FAILED where `dir` cannot be used */
export function openAccountTransactions({
  place,
  key,
  dir,
  confirmations,
  pollMs,
  onProgress,
}: AccountOptions): AccountTransactions {
  const chain = openChain(place)
  const store = openTransactionStore({ dir, chainId: place.chainId, sender: key.address })
  const onTrouble = (error: SoukError): void => onProgress(`${error.message}; trying on`)
  const queue = createTransactionQueue({ chain, key, store, confirmations, pollMs, onTrouble })
  return {
    chain,
    requests: createRequests(queue),
    async done({ id, state: found }) {
      if (found !== 'queued') onProgress('a command that was interrupted has sent this already: it is not sent again')
      const { state, hash, reason = 'it gave no reason' } = await queue.settled({ id })
      if (state === 'confirmed') return
      throw new SoukError({
        code: 'CHAIN_REFUSED',
        message: `The transaction was not executed: ${reason}`,
        details: { kind: state, reason, ...(hash !== undefined && { hash }) },
      })
    },
    async end() {
      await queue.close()
      store.close()
      chain.close()
    },
  }
}
