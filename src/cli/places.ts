import type { LoadedTask } from '../client/load-task.ts'
import type { RemoteTask } from '../client/remote-task.ts'

/** A task that was accepted, here or elsewhere. */
export type AcceptedTask = Pick<RemoteTask, 'taskId' | 'provider' | 'events' | 'result' | 'cancel' | 'saveOutputs'> & {
  /** Where its provider is, where others could ask there too. */
  readonly multiaddr?: string
}

/** Where a task can be run: at a provider, or on this host. */
export interface Place extends AsyncDisposable {
  /** Resolves once the task is accepted. @throws SoukError, or the signal's reason */
  submit(options: { readonly task: LoadedTask; readonly signal: AbortSignal }): Promise<AcceptedTask>
}
