import type { CloseConsent } from '../../protocol/payment.ts'
import type { Link } from '../link.ts'
import { settleLeft } from './task-payment.ts'
import type { Wallet } from './wallet.ts'

/**
 * Asks a provider to agree that a channel is closed at once. What processes that are no more have left there is settled first, so
 * that the wallet knows all that is charged.
 * @throws SoukError NOT_FOUND where the provider knows no such channel of this requester's, REFUSED (retryable while its tasks have
 *   not ended), CONNECTION_LOST, UNREACHABLE; the signal's reason
 */
export async function askConsent({
  wallet,
  link,
  requester,
  channelId,
  signal,
}: {
  readonly wallet: Wallet | undefined
  readonly link: Link
  readonly requester: string
  readonly channelId: string
  readonly signal: AbortSignal | undefined
}): Promise<CloseConsent> {
  if (wallet !== undefined) await settleLeft({ wallet, link, requester, signal })
  const options = signal === undefined ? {} : { signal }
  // Asked again it is the same answer.
  return link.again((connection) => connection.closeConsent(channelId, options), signal)
}
