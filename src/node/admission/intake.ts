import type { ArtifactStore } from '../../artifacts/store.ts'
import type { Prepared } from '../../executors/executor.ts'
import { signedTaskIdOf } from '../../identity/task.ts'
import type { SignedQuote } from '../../protocol/quote.ts'
import type { Voucher } from '../../protocol/payment.ts'
import type { SignedTask } from '../../protocol/receipt.ts'
import { blobsOf } from '../../protocol/task.ts'
import { admit, type Admitted, type AdmissionPolicy, type AdmissionUsage } from './admission.ts'
import type { Capacity } from '../scheduler/capacity.ts'
import type { Clock } from '../clock.ts'
import type { FreeAllowance } from './free-allowance.ts'
import { inputHolder } from '../journal/holders.ts'
import { missingBlobs } from '../inputs/inputs.ts'
import type { Journal } from '../journal/journal.ts'
import type { ExaminedPayment, Payments } from '../payments/payments.ts'
import type { OwnQuotes } from './own-quotes.ts'
import type { Preparation } from '../inputs/preparation.ts'
import type { RefusedRate } from './refused-rate.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import { invalidSpec, refused, replayed } from '../task-errors.ts'
import type { TaskTable } from '../journal/task-table.ts'

export interface IntakeOptions {
  readonly policy: AdmissionPolicy
  readonly journal: Journal
  readonly store: ArtifactStore
  readonly capacity: Capacity
  /** All unknown peers together may hold this much of the store. */
  readonly unknownPeersStorageBytes: number
  readonly allowance: FreeAllowance
  /** What this provider has promised. */
  readonly quotes: OwnQuotes
  readonly clock: Clock
}

interface Submitted {
  readonly peer: string
  readonly task: SignedTask
  readonly quote?: SignedQuote
  readonly voucher?: Voucher
  readonly stopping: boolean
}

/**
 * Takes a task from a stranger's bytes to a durable `accepted`. Admission decides; intake tells it the current usage and carries out the
 * decision.
 */
export interface Intake {
  /** @throws SoukError INVALID_INPUT, REFUSED with every reason, or CHAIN_UNREACHABLE; nothing of the task is kept then. */
  take(request: Submitted): Promise<Taken>
  /** The current usage, as it counts for this peer. */
  usageFor(peer: string): Omit<AdmissionUsage, 'stopping'>
}

export interface Taken extends Admitted {
  /** Set if the task could begin at once, as its inputs were here and a slot was free. Its first attempt is journaled then. */
  readonly begun?: {
    /** Gives the slot back. */
    readonly release: () => void
    /** Holds what it needs besides its inputs. */
    readonly prepared: Prepared
  }
}

export function createIntake(
  options: IntakeOptions & {
    readonly tasks: TaskTable
    readonly claim: Scheduler['claim']
    readonly preparation: Pick<Preparation, 'hold'>
    readonly payments: Pick<Payments, 'examine' | 'accepted'>
    readonly refusedRate: RefusedRate
  },
): Intake {
  const { tasks, store, journal, capacity, clock, payments } = options
  /**
   * Tasks between admission and the journal. A second copy of one is refused here: if it failed later, it would release what the first
   * holds.
   */
  const underWay = new Set<string>()

  function usageFor(peer: string): Omit<AdmissionUsage, 'stopping'> {
    const storage = store.usage()
    const heldByUnknown = store.heldByMatching((owner) => !capacity.isKnown(owner))
    return {
      peerIsKnown: capacity.isKnown(peer),
      queued: tasks.waiting(),
      queuedOfPeer: tasks.waitingOf(peer),
      queuedOfUnknownPeers: tasks.waitingOfUnknown(),
      storage: {
        freeBytes: storage.quotaBytes - storage.heldBytes,
        peerFreeBytes: storage.ownerQuotaBytes - store.heldBy(peer),
        unknownPeersFreeBytes: options.unknownPeersStorageBytes - heldByUnknown,
      },
      freeWei: options.allowance.leftWei(peer),
    }
  }

  async function accept(
    admitted: Admitted,
    { task, payment }: { readonly task: SignedTask; readonly payment: ExaminedPayment },
  ): Promise<Taken> {
    const { taskId, spec } = admitted
    const { authorization } = task
    const { requester } = authorization
    const holder = inputHolder(taskId)
    const { allowance } = admitted
    // Nothing is to be undone where it cannot be written.
    if (allowance !== undefined) options.allowance.take({ taskId, peer: requester, ...allowance })
    underWay.add(taskId)
    const leaveQueue = tasks.join(requester)
    const held = payment.hold(admitted.maxPriceWei)
    let prepared: Prepared | undefined
    let release: (() => void) | undefined
    try {
      await store.reserve({ holder, owner: requester, blobs: blobsOf(spec) })
      const complete = missingBlobs({ spec, owner: requester, store }).length === 0
      prepared = complete ? options.preparation.hold({ ...admitted, authorization, requester }) : undefined
      release = prepared && options.claim({ requester, limits: admitted.limits })
      const atMs = clock.nowMs()
      const appended = await tasks.accept({
        event: {
          kind: 'accepted',
          taskId,
          requester,
          authorization: task.authorization,
          signature: task.signature,
          spec: task.spec,
          runtime: admitted.runtime,
          limits: admitted.limits,
          rates: admitted.rates,
          maxPriceWei: admitted.maxPriceWei.toString(),
          ...(held !== undefined && { channelId: held.channelId }),
          atMs,
          queueDeadlineMs: admitted.queueDeadlineMs,
          totalDeadlineMs: admitted.totalDeadlineMs,
          retriesLeft: admitted.retriesLeft,
        },
        spec,
        ...(release !== undefined && { beginsAtMs: atMs }),
        ...(held !== undefined && { records: held.records }),
      })
      if (!appended) throw replayed()
      payments.accepted(held)
      if (prepared !== undefined && release !== undefined) return { ...admitted, begun: { release, prepared } }
      // A task that has to wait gets its own hold when it is put into the queue.
      prepared?.release()
      return admitted
    } catch (error) {
      options.allowance.settle(taskId)
      held?.release()
      release?.()
      prepared?.release()
      store.release({ holder })
      throw error
    } finally {
      leaveQueue()
      underWay.delete(taskId)
    }
  }

  async function take({ peer, task, quote, voucher, stopping }: Submitted): Promise<Taken> {
    const payment = await payments.examine({ peer, ...(voucher !== undefined && { voucher }) })
    // There must be no `await` from here until `accept` has set aside what the task needs: another task could be admitted on the same
    // room or credit.
    const admission = admit({
      task,
      ...(quote !== undefined && { quote }),
      peer,
      nowMs: clock.nowMs(),
      policy: options.policy,
      usage: { ...usageFor(peer), stopping },
      payment: { ...payment, usage: payment.usage() },
      signedTaskIdOf,
      readQuote: (signed) => options.quotes.read(signed),
      isNonceUsed: (key) => journal.isNonceUsed(key),
    })
    if (admission.kind === 'invalid') throw invalidSpec(admission.issues)
    if (admission.kind === 'refused') throw refused(admission.reasons)
    if (underWay.has(admission.taskId)) throw replayed()
    return accept(admission, { task, payment })
  }

  return {
    usageFor,
    take: (request) =>
      options.refusedRate.within({ peer: request.peer, bytes: request.task.spec.byteLength }, () => take(request)),
  }
}
