import { SoukError } from '../../protocol/errors.ts'
import { NATIVE_TOKEN, type ChannelKey, type CloseConsent } from '../../protocol/payment.ts'
import { formatWei } from '../../protocol/units.ts'
import type { ChannelOnChain } from '../../settlement/channel-answers.ts'
import type { Deposit } from '../../settlement/channel-calls.ts'
import type { ChannelView } from '../../settlement/channel-views.ts'
import { inspectChannelContract, type ChannelContractFacts } from '../../settlement/channel-contract.ts'
import { createChannelTransactions, readChannel } from '../../settlement/channels.ts'
import { closeConsentFault } from '../../settlement/close-consent.ts'
import type { StoredTransaction } from '../../settlement/transaction-store.ts'
import { askToken } from '../../settlement/token.ts'
import { noncesOf } from '../../settlement/channel-nonces.ts'
import { channelIdOf } from '../../settlement/voucher.ts'
import { openAccountTransactions, type AccountOptions } from './account-transactions.ts'
import { allowDeposit } from './allow-deposit.ts'
import type { Wallet, WalletChannel } from './wallet.ts'

export interface ListedChannel extends WalletChannel {
  /** As the newest block has it. */
  readonly onChain: ChannelOnChain
}

/**
 * A payer's channels on one chain. The same request again is another one once `told` was called after it; before that, what a process
 * that is no more has begun is gone on with by the same request, and not done again where it was finished.
 */
export interface ChannelAccount {
  balances(token: string): Promise<{ readonly coinWei: bigint; readonly tokenWei: bigint }>
  /**
   * Resolves when the channel counts. `node` is the provider whose tasks are paid through it: the payee's own where absent.
   * @throws SoukError CHAIN_REFUSED (also where the contract is not souk's, and then nothing is sent), CHAIN_UNREACHABLE
   */
  open(request: {
    readonly payee: string
    readonly node?: string
    readonly token: string
    readonly depositWei: bigint
    /** Approves of a token's transfer by a signature in the same transaction (EIP-2612), rather than by one before. */
    readonly permit?: boolean
  }): Promise<ListedChannel>
  /** @throws SoukError as {@link open}, NOT_FOUND */
  topUp(request: {
    readonly channelId: string
    readonly amountWei: bigint
    readonly permit?: boolean
  }): Promise<ListedChannel>
  /**
   * With its payee's consent, closes the channel at once. Without, or where the consent is for more than was charged or would not
   * hold, starts the challenge period; after it, gets back what was not redeemed.
   * @throws SoukError NOT_FOUND, CHAIN_REFUSED, CHAIN_UNREACHABLE
   */
  close(request: { readonly channelId: string; readonly consent?: CloseConsent }): Promise<ListedChannel>
  /** One of this requester's channels, by the beginning of its id. @throws SoukError NOT_FOUND */
  find(channelId: string): WalletChannel
  /** All channels of the wallet at this contract, as the chain has them now. */
  list(): Promise<readonly ListedChannel[]>
  /** Whoever asked was told what came of all that has resolved: durable when this returns. */
  told(): void
  end(): Promise<void>
}

/** Channels of one payer to one node, each after the other: more were never opened. */
const MAX_NONCES = 1_000

/** @throws SoukError START_FAILED where `dir` cannot be used */
export function openChannelAccount({
  wallet,
  ...options
}: AccountOptions & { readonly wallet: Wallet }): ChannelAccount {
  const { place, key, confirmations, onProgress } = options
  const { chainId, contract } = place
  const { chain, requests, done, end } = openAccountTransactions(options)
  const transactions = createChannelTransactions({ requests, contract })

  const read = (channel: ChannelKey): Promise<ChannelView> =>
    readChannel({ chain, contract, channelId: channelIdOf(channel), confirmations })
  const own = (): readonly WalletChannel[] =>
    wallet.channels().filter((each) => each.chainId === chainId && each.contract === contract)

  function find(channelId: string): WalletChannel {
    const found = own().filter((each) => each.channelId.startsWith(channelId))
    const [only] = found
    if (only !== undefined && found.length === 1) return only
    throw new SoukError({
      code: 'NOT_FOUND',
      message: `The wallet has ${found.length === 0 ? 'no' : 'more than one'} channel ${channelId} at this contract`,
      details: { id: channelId },
      hint: '`souk channel list` shows them.',
    })
  }

  /** The wallet spends what counts, and nothing of what is being closed. */
  async function noted(channel: ChannelKey): Promise<ListedChannel> {
    const { latest, confirmed } = await read(channel)
    const closed = latest.status === 'closing' || latest.status === 'closed'
    // What has counted once still does, also where somebody asks for more confirmations now; but no more than there is.
    const { depositWei: knownWei = 0n } = own().find((each) => each.channelId === channelIdOf(channel)) ?? {}
    const stillWei = knownWei < latest.depositWei ? knownWei : latest.depositWei
    const depositWei = confirmed.depositWei > stillWei ? confirmed.depositWei : stillWei
    const channelId = wallet.noteChannel({ chainId, contract, channel, depositWei, closed })
    return { ...find(channelId), onChain: latest }
  }

  async function answered(transaction: StoredTransaction, channel: ChannelKey): Promise<ListedChannel> {
    await done(transaction)
    const listed = await noted(channel)
    requests.answered(transaction)
    return listed
  }

  let inspected: Promise<ChannelContractFacts> | undefined
  /** Before any coin goes there: whoever names another contract could take them. */
  async function inspect(): Promise<ChannelContractFacts> {
    inspected ??= inspectChannelContract({ chain, contract })
    try {
      return await inspected
    } catch (thrown) {
      inspected = undefined
      throw thrown
    }
  }

  const allow = (deposit: Deposit, permit: boolean | undefined): Promise<Deposit> =>
    allowDeposit({
      ...{ deposit, chain, contract, key, onProgress },
      permit: permit === true,
      send: (request) => done(requests.step(request)),
    })

  /** Opened before, as far as its transaction goes: what a killed process began, or the first nonce that nothing was opened with. */
  async function nextChannel({
    parties,
    node,
    depositWei,
  }: {
    readonly parties: Omit<ChannelKey, 'nonce'>
    readonly node: string
    readonly depositWei: bigint
  }): Promise<ChannelKey> {
    const { first } = noncesOf({ node, payee: parties.payee })
    for (let nonce = first; nonce < first + MAX_NONCES; nonce += 1) {
      const channel = { ...parties, nonce }
      const known = own().find(({ channelId }) => channelId === channelIdOf(channel))
      // Whoever had it opened does not know that it is.
      if (known?.closed === false && transactions.opening({ channel, amountWei: depositWei }) !== undefined)
        return channel
      // Noted, and no deposit yet: its opening has not come to an end.
      if (known !== undefined && known.depositWei === 0n && !known.closed) {
        const { latest } = await read(channel)
        if (latest.status === 'none' || latest.depositWei === depositWei) return channel
      }
      if (known === undefined && (await read(channel)).latest.status === 'none') return channel
    }
    const reason = `${MAX_NONCES} channels to ${parties.payee} were opened before`
    throw new SoukError({
      code: 'CHAIN_REFUSED',
      message: `No channel is opened: ${reason}`,
      details: { kind: 'other', reason },
    })
  }

  /** Why a consent is not used. */
  function faultOf({
    consent,
    found: { channelId, channel, chargedWei },
    redeemedWei,
  }: {
    readonly consent: CloseConsent
    readonly found: WalletChannel
    readonly redeemedWei: bigint
  }): string | undefined {
    const fault = closeConsentFault({ consent, channel, at: { chainId, contract }, nowMs: Date.now() })
    if (fault !== undefined) return fault
    const amountWei = BigInt(consent.amountWei)
    // What was redeemed is paid already, whatever was charged.
    if (amountWei <= redeemedWei) return undefined
    if (amountWei > chargedWei) return `it is for ${amountWei} wei, and the receipts come to ${chargedWei}`
    const signedWei = BigInt(wallet.voucherOf(channelId)?.amountWei ?? '0')
    return amountWei > signedWei ? `it is for ${amountWei} wei, and ${signedWei} are signed` : undefined
  }

  /** Says so where the payee has got more than it has earned. */
  function told(closed: ListedChannel): ListedChannel {
    const { onChain, chargedWei } = closed
    const beyondWei = onChain.redeemedWei - chargedWei
    if (onChain.status === 'closed' && beyondWei > 0n)
      onProgress(
        `the payee has ${textOf(beyondWei, closed.channel.token)} more than the receipts come to: it redeemed what was paid ahead`,
      )
    return closed
  }

  async function closeTogether({
    found: { channelId, channel },
    consent: { amountWei, signature: consent, authorization },
    depositWei,
  }: {
    readonly found: WalletChannel
    readonly consent: CloseConsent
    readonly depositWei: bigint
  }): Promise<ListedChannel> {
    wallet.noteChannel({ chainId, contract, channel, depositWei, closed: true })
    const voucher = wallet.voucherOf(channelId)
    onProgress(`closing together with the payee, who gets ${textOf(BigInt(amountWei), channel.token)} in all`)
    await done(
      transactions.closeCooperatively({
        close: { chainId, contract, channel, amountWei },
        consent,
        ...(voucher !== undefined && { voucher }),
        ...(authorization !== undefined && { authorization }),
      }),
    )
    return noted(channel)
  }

  /** A channel to the same payee, of which whoever opens another may not think. */
  function openBeside(channelId: string, { payee, token }: ChannelKey): WalletChannel | undefined {
    return wallet
      .channels()
      .find(
        (each) =>
          each.channelId !== channelId &&
          !each.closed &&
          each.depositWei > 0n &&
          each.chainId === chainId &&
          each.contract === contract &&
          each.channel.payee === payee &&
          each.channel.token === token,
      )
  }

  return {
    async balances(token) {
      const coinWei = await chain.balance(key.address)
      if (token === NATIVE_TOKEN) return { coinWei, tokenWei: coinWei }
      return { coinWei, tokenWei: await askToken({ chain, token, question: 'balanceOf', addresses: [key.address] }) }
    },
    async open({ payee, node = payee, token, depositWei, permit }) {
      await inspect()
      const channel = await nextChannel({ parties: { payer: key.address, payee, token }, node, depositWei })
      const channelId = wallet.noteChannel({ chainId, contract, channel, depositWei: 0n })
      const deposit = { channel, amountWei: depositWei }
      const other = openBeside(channelId, channel)
      if (other !== undefined)
        onProgress(`channel ${other.channelId} to the same payee is open, and could be topped up`)
      onProgress(`opening channel ${channelId}, waiting until it is ${confirmations} deep`)
      // What is on its way needs no further approval.
      const begun = transactions.opening(deposit)
      return answered(begun ?? transactions.open(await allow(deposit, permit)), channel)
    },
    async topUp({ channelId, amountWei, permit }) {
      const { channel, channelId: id } = find(channelId)
      await inspect()
      const deposit = { channel, amountWei }
      onProgress(`adding to channel ${id}, waiting until it is ${confirmations} deep`)
      const begun = transactions.toppingUp(deposit)
      return answered(begun ?? transactions.topUp(await allow(deposit, permit)), channel)
    },
    find,
    async close({ channelId, consent }) {
      const found = find(channelId)
      const { channel } = found
      const { latest } = await read(channel)
      if (consent !== undefined && (latest.status === 'open' || latest.status === 'closing')) {
        const fault = faultOf({ consent, found, redeemedWei: latest.redeemedWei })
        if (fault === undefined) return told(await closeTogether({ found, consent, depositWei: latest.depositWei }))
        onProgress(`the payee's consent is not taken: ${fault}; the channel is closed without it`)
      }
      const { timestamp = 0 } = (await chain.block(await chain.blockNumber())) ?? {}
      if (latest.status === 'open') {
        // From here on nothing is paid through it.
        wallet.noteChannel({ chainId, contract, channel, depositWei: latest.depositWei, closed: true })
        if (found.signedWei > found.chargedWei)
          onProgress(
            `the payee can redeem ${textOf(found.signedWei, channel.token)}, and the receipts come to ${textOf(found.chargedWei, channel.token)}: alone it may keep what was paid ahead`,
          )
        onProgress('starting the challenge period')
        await done(transactions.startClose(channel))
      } else if (latest.status === 'closing' && timestamp * 1000 >= (latest.closesAtMs ?? 0)) {
        onProgress('getting back what was not redeemed')
        await done(transactions.finishClose(channel))
      }
      return told(await noted(channel))
    },
    async list() {
      const listed: ListedChannel[] = []
      for (const { channel } of own()) listed.push(await noted(channel))
      return listed
    },
    told: () => requests.told(),
    end,
  }
}

function textOf(amount: bigint, token: string): string {
  if (token !== NATIVE_TOKEN) return `${amount} of the token`
  const text = formatWei(amount)
  return /^[1-9]\d*$/.test(text) ? `${text} wei` : text
}
