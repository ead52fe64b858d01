import { specDigestOf } from '../../identity/task.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { ANY_PROVIDER, MAX_EXPIRY_AHEAD_MS, type SignedTask } from '../../protocol/receipt.ts'

interface SignedRequest {
  readonly task: SignedTask
  /** The address of the connection's authenticated key. */
  readonly peer: string
  readonly nowMs: number
  /** This provider's address and chain. */
  readonly provider: string
  readonly chainId: number
  /** The most that the task can come to, where there are terms on which it could be run. */
  readonly mostWei?: bigint
  /** Whether it is of the peer that sent it, who signed it as it is. */
  readonly isAuthentic: boolean
  readonly isNonceUsed: (key: { readonly requester: string; readonly nonce: string }) => boolean
}

/** Every reason for which what was signed is not for here and now: who, for whom, until when, at what price. */
export function authorizationRefusals({ task, peer, nowMs, ...here }: SignedRequest): Refusal[] {
  const { authorization } = task
  const { requester, nonce, provider, chainId, expiryMs } = authorization
  const refusals: Refusal[] = []

  if (!here.isAuthentic) refusals.push({ reason: 'BAD_SIGNATURE', message: whyNotAuthentic(task, peer) })
  // Whether a nonce was used is told to nobody but its owner.
  else if (here.isNonceUsed({ requester, nonce })) {
    refusals.push({
      reason: 'REPLAYED',
      message: 'A task with this nonce was accepted before',
      subject: 'nonce',
      asked: nonce,
    })
  }

  if (provider !== here.provider && provider !== ANY_PROVIDER) {
    refusals.push({
      reason: 'FOREIGN_PROVIDER',
      message: `The task is bound to provider ${provider}, this is ${here.provider}`,
      subject: 'provider',
      asked: provider,
      offered: here.provider,
    })
  }
  if (chainId !== here.chainId) {
    refusals.push({
      reason: 'FOREIGN_CHAIN',
      message: `The task was signed for chain ${chainId}, this provider is on chain ${here.chainId}`,
      subject: 'chainId',
      asked: String(chainId),
      offered: String(here.chainId),
    })
  }
  if (expiryMs <= nowMs) {
    refusals.push({
      reason: 'EXPIRED',
      message: `The task expired ${nowMs - expiryMs} ms ago`,
      subject: 'expiryMs',
      asked: String(expiryMs),
      offered: String(nowMs),
    })
  } else if (expiryMs - nowMs > MAX_EXPIRY_AHEAD_MS) {
    refusals.push({
      reason: 'EXPIRY_TOO_FAR',
      message: `The task expires in ${expiryMs - nowMs} ms, more than the ${MAX_EXPIRY_AHEAD_MS} that are allowed`,
      subject: 'expiryMs',
      asked: String(expiryMs),
      offered: String(nowMs + MAX_EXPIRY_AHEAD_MS),
    })
  }
  const maxPriceWei = BigInt(authorization.maxPriceWei)
  if (here.mostWei !== undefined && here.mostWei > maxPriceWei) {
    refusals.push({
      reason: 'PRICE_TOO_LOW',
      message: `The task pays at most ${maxPriceWei} wei, within its limits it can come to ${here.mostWei} wei`,
      subject: 'priceWei',
      asked: String(maxPriceWei),
      offered: String(here.mostWei),
    })
  }
  if (provider === ANY_PROVIDER && maxPriceWei > 0n) {
    refusals.push({
      reason: 'PRICE_REQUIRES_PROVIDER',
      message: `The task pays up to ${maxPriceWei} wei, but names no provider`,
      subject: 'provider',
    })
  }
  return refusals
}

function whyNotAuthentic(task: SignedTask, peer: string): string {
  const { requester, specDigest } = task.authorization
  if (peer !== requester) return `The task is of ${requester}, but was sent by ${peer}`
  if (specDigest !== specDigestOf(task.spec)) return 'What was signed is another spec: its digest differs'
  return `The signature is not by ${requester} over this task`
}
