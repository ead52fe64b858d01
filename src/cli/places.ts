import type { LoadedTask } from '../client/load-task.ts'
import type { Receipt } from '../protocol/receipt.ts'
import type { RemoteTask } from '../client/remote-task.ts'

/** A task that was accepted, here or elsewhere. */
export type AcceptedTask = Pick<RemoteTask, 'taskId' | 'provider' | 'events' | 'result' | 'cancel' | 'saveOutputs'> & {
  /** Where its provider is, where others could ask there too. */
  readonly multiaddr?: string
  /** How its result was checked, for who reads documents; absent where it was not. */
  readonly verification?: CheckDocument
}

/** Who has run a task, and what each of them came to. */
export interface CheckDocument {
  readonly kind: 'spot' | 'quorum'
  /** Addresses of those whose word was taken. */
  readonly agreeing: readonly string[]
  readonly said: readonly { readonly provider: string; readonly what: string }[]
  /** Of everyone who came to one. */
  readonly receipts: readonly Receipt[]
  /** Files of what was proven. */
  readonly proofs: readonly string[]
}

/** Where a task can be run: at a provider, or on this host. */
export interface Place extends AsyncDisposable {
  /** Resolves once the task is accepted. @throws SoukError, or the signal's reason */
  submit(options: { readonly task: LoadedTask; readonly signal: AbortSignal }): Promise<AcceptedTask>
}
