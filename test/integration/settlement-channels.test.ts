import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Transaction } from 'ethers'
import { keyOfPrivateKey, type Key } from '../../src/identity/key-file.ts'
import type { SoukError } from '../../src/protocol/errors.ts'
import { NATIVE_TOKEN, type ChannelKey, type Voucher } from '../../src/protocol/payment.ts'
import { createChannelSettler, type Books, type ChannelSettler } from '../../src/settlement/channel-settler.ts'
import { createChannelTransactions, type ChannelTransactions } from '../../src/settlement/channels.ts'
import { openChain, type Chain } from '../../src/settlement/chain.ts'
import { createRequests } from '../../src/settlement/requests.ts'
import { openTransactionStore } from '../../src/settlement/transaction-store.ts'
import { createTransactionQueue, type TransactionQueue } from '../../src/settlement/transactions.ts'
import { channelIdOf, signClose, signVoucher } from '../../src/settlement/voucher.ts'
import { startCountingProxy, type ChainLies, type CountingProxy } from '../fixtures/chain-proxy.ts'
import { deployChannels } from '../fixtures/channel-contract.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'

const ETHER = 10n ** 18n
const CONFIRMATIONS = 3
const CHALLENGE_SECONDS = 3600

describe('settlement through channels', function () {
  this.timeout(60_000)
  let anvil: RestartableAnvil
  let dir: string
  let contract: string
  let chain: Chain
  let payer: Key
  let node: Key
  let payerQueue: TransactionQueue
  let nodeQueue: TransactionQueue
  let spend: ChannelTransactions
  let settler: ChannelSettler
  let troubles: SoukError[]
  let closers: (() => void)[]
  /** What is newest of each channel, and what the chain is known to have paid. */
  let books: Map<string, { voucher: Voucher; redeemedWei: bigint; isOver: boolean }>
  const payout = `0x${'77'.repeat(20)}`

  beforeEach(async () => {
    anvil = await startAnvil({ mining: 'auto' })
    dir = await mkdtemp(join(tmpdir(), 'souk-settlement-'))
    payer = await anvil.account()
    node = await anvil.account()
    contract = await deployChannels({ url: anvil.url, key: payer, challengeSeconds: CHALLENGE_SECONDS })
    await anvil.mine(CONFIRMATIONS)
    chain = chainOf([anvil.url])
    closers = []
    troubles = []
    books = new Map()
    payerQueue = queueOf(payer)
    nodeQueue = queueOf(node)
    spend = createChannelTransactions({ requests: createRequests(payerQueue), contract })
    settler = settlerWith({ gasSharePpm: 20_000n })
  })
  afterEach(async () => {
    await settler.close()
    await payerQueue.close()
    for (const close of closers) close()
    chain.close()
    await anvil.close()
    await rm(dir, { recursive: true, force: true })
  })

  const chainOf = (endpoints: readonly string[]): Chain =>
    openChain({ endpoints, chainId: anvil.chainId, timeoutMs: 20_000, avoidMs: 10 })
  function queueOf(key: Key, over = chain): TransactionQueue {
    const store = openTransactionStore({ dir, chainId: anvil.chainId, sender: key.address })
    closers.push(() => store.close())
    return createTransactionQueue({ chain: over, key, store, confirmations: CONFIRMATIONS, pollMs: 20 })
  }
  function settlerWith({
    gasSharePpm,
    pollMs = 20,
    over = chain,
    endpoints = [],
  }: {
    readonly gasSharePpm: bigint
    readonly pollMs?: number
    readonly over?: Chain
    readonly endpoints?: readonly string[]
  }): ChannelSettler {
    const witnesses = endpoints.map((url) => chainOf([url]))
    closers.push(() => witnesses.forEach((each) => each.close()))
    return createChannelSettler({
      ...{ chain: over, queue: nodeQueue, contract, token: NATIVE_TOKEN, payee: payout },
      ...{ creditWei: () => 5n, confirmations: CONFIRMATIONS, gasSharePpm, pollMs },
      ...(witnesses.length > 0 && { witnesses }),
      onTrouble: (error) => troubles.push(error),
    })
  }
  const ledger: Books = {
    vouchers: () => books.values(),
    redeemed({ channelId, redeemedWei, isOver }) {
      const entry = books.get(channelId)
      if (entry !== undefined) Object.assign(entry, { redeemedWei, isOver })
    },
  }
  const channelOf = (nonce: number): ChannelKey => ({ payer: payer.address, payee: payout, token: NATIVE_TOKEN, nonce })
  async function done({ id }: { readonly id: number }, queue = payerQueue): Promise<void> {
    const settled = queue.settled({ id, signal: AbortSignal.timeout(30_000) })
    // Every block brings the ones before nearer to being final.
    const miner = setInterval(() => void anvil.mine().catch(() => undefined), 30)
    try {
      assert.equal((await settled).state, 'confirmed', (await settled).reason)
    } finally {
      clearInterval(miner)
    }
  }
  const open = (nonce: number, amountWei: bigint) => done(spend.open({ channel: channelOf(nonce), amountWei }))
  function pay(nonce: number, amountWei: bigint): void {
    const unsigned = { chainId: anvil.chainId, contract, channel: channelOf(nonce), amountWei: String(amountWei) }
    const voucher = signVoucher({ voucher: unsigned, key: payer })
    books.set(channelIdOf(voucher.channel), { voucher, redeemedWei: 0n, isOver: false })
  }
  const paidOut = () => chain.balance(payout)
  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (const endMs = performance.now() + 45_000; !(await holds());) {
      if (performance.now() > endMs) assert.fail(`never came to be: ${what}; ${troubles.map(String).join('; ')}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it('knows a channel once its opening is deep enough, its top-ups and its closing', async () => {
    const channel = channelOf(1)
    assert.equal((await settler.channel(channel)).status, 'none')
    const { id } = spend.open({ channel, amountWei: ETHER })
    await until('mined', () => payerQueue.open()[0]?.state === 'mined')
    assert.deepEqual(await settler.channel(channel), { status: 'none', depositWei: 0n, redeemedWei: 0n })
    await done({ id })
    assert.deepEqual(await settler.channel(channel), { status: 'open', depositWei: ETHER, redeemedWei: 0n })

    await settler.start(ledger)
    await done(spend.topUp({ channel, amountWei: 1n }))
    assert.equal((await settler.channel(channel, { atLeastWei: ETHER + 1n })).depositWei, ETHER + 1n)

    const closing = spend.startClose(channel)
    // It is told from the first block on.
    await until('closing', async () => (await settler.channel(channel)).status === 'closing')
    const { closesAtMs = 0 } = await settler.channel(channel)
    const { timestamp = 0 } = (await chain.block(await chain.blockNumber())) ?? {}
    assert.ok(Math.abs(closesAtMs - (timestamp + CHALLENGE_SECONDS) * 1000) < 120_000)
    await done(closing)
    await anvil.rpc('evm_increaseTime', CHALLENGE_SECONDS + 1)
    await anvil.mine()
    const before = await chain.balance(payer.address)
    await done(spend.finishClose(channel))
    await until('closed', async () => (await settler.channel(channel)).status === 'closed')
    assert.ok((await chain.balance(payer.address)) > before + ETHER / 2n)
  })

  it('tops up once what a process that was killed began, though that is final before it is asked for again', async () => {
    await open(1, ETHER)
    const channel = channelOf(1)
    await anvil.rpc('evm_setAutomine', false)
    const { id } = spend.topUp({ channel, amountWei: 5n })
    await until('sent', () => payerQueue.open()[0]?.state === 'sent')
    await payerQueue.close()

    payerQueue = queueOf(payer)
    const requests = createRequests(payerQueue)
    const again = createChannelTransactions({ requests, contract })
    await anvil.rpc('evm_setAutomine', true)
    await anvil.mine(CONFIRMATIONS + 1)
    await until('settled', () => payerQueue.open().length === 0)
    const begun = again.topUp({ channel, amountWei: 5n })
    assert.equal(begun.id, id)
    assert.equal(again.toppingUp({ channel, amountWei: 5n })?.id, id)
    requests.answered(begun)
    assert.equal(again.toppingUp({ channel, amountWei: 5n }), undefined)
    // What is asked for after that is another.
    await done(again.topUp({ channel, amountWei: 5n }))
    assert.equal((await settler.channel(channel, { atLeastWei: ETHER + 10n })).depositWei, ETHER + 10n)
  })

  it('redeems many in one transaction when the gas is a small share, and not before', async () => {
    for (const nonce of [1, 2, 3]) {
      await open(nonce, ETHER)
      pay(nonce, 1000n)
    }
    await settler.start(ledger)
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(await paidOut(), 0n)
    const nonceBefore = (await chain.nonce(node.address, 'latest')).least
    for (const nonce of [1, 2, 3]) pay(nonce, ETHER / 2n)
    await until('paid out', async () => (await paidOut()) === (3n * ETHER) / 2n)
    await anvil.mine(CONFIRMATIONS)
    await until('in the books', () => [...books.values()].every(({ redeemedWei }) => redeemedWei === ETHER / 2n))
    assert.equal((await chain.nonce(node.address, 'latest')).least - nonceBefore, 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal((await chain.nonce(node.address, 'latest')).least - nonceBefore, 1)
  })

  it('redeems what its payer begins to close, however much gas that takes, and learns that it is over', async () => {
    await settler.close()
    nodeQueue = queueOf(node)
    settler = settlerWith({ gasSharePpm: 0n })
    await open(1, ETHER)
    await open(2, ETHER)
    pay(1, ETHER / 4n)
    pay(2, ETHER / 4n)
    await settler.start(ledger)
    await done(spend.startClose(channelOf(1)))
    await until('paid out', async () => (await paidOut()) === ETHER / 4n)
    await anvil.rpc('evm_increaseTime', CHALLENGE_SECONDS + 1)
    await anvil.mine()
    await done(spend.finishClose(channelOf(1)))
    await until('over', () => books.get(channelIdOf(channelOf(1)))?.isOver === true)
    assert.equal(books.get(channelIdOf(channelOf(1)))?.redeemedWei, ETHER / 4n)
    assert.equal(books.get(channelIdOf(channelOf(2)))?.redeemedWei, 0n)
  })

  it('closes at once where the payee consents', async () => {
    const own = { ...channelOf(1), payee: node.address }
    await done(spend.open({ channel: own, amountWei: ETHER }))
    const close = { chainId: anvil.chainId, contract, channel: own, amountWei: String(ETHER / 4n) }
    const voucher = signVoucher({ voucher: close, key: payer })
    const before = await chain.balance(node.address)
    await done(spend.closeCooperatively({ close, voucher, consent: signClose({ close, key: node }) }))
    assert.equal((await chain.balance(node.address)) - before, ETHER / 4n)
    assert.equal((await settler.channel(own)).status, 'closed')
  })

  it('redeems in time though the endpoint was away when the closing began', async () => {
    await open(1, ETHER)
    pay(1, ETHER / 1000n)
    await settler.start(ledger)
    await until('looked', async () => (await settler.channel(channelOf(1))).status === 'open')
    await settler.close()
    await done(spend.startClose(channelOf(1)))
    await anvil.stop()
    nodeQueue = queueOf(node)
    settler = settlerWith({ gasSharePpm: 0n })
    await settler.start(ledger)
    await until('told', () => troubles.some(({ code }) => code === 'CHAIN_UNREACHABLE'))
    await assert.rejects(settler.channel(channelOf(1)), { code: 'CHAIN_UNREACHABLE' })
    await anvil.start()
    await until('paid out', async () => (await paidOut()) === ETHER / 1000n)
  })

  it('tells that the node has no coins for gas, and redeems when it has', async () => {
    await open(1, ETHER)
    pay(1, ETHER / 2n)
    await anvil.rpc('anvil_setBalance', node.address, '0x0')
    await settler.start(ledger)
    await until('told', () => troubles.some(({ message }) => /has 0 wei/.test(message)))
    assert.deepEqual(nodeQueue.open(), [])
    await anvil.rpc('anvil_setBalance', node.address, `0x${ETHER.toString(16)}`)
    await until('paid out', async () => (await paidOut()) === ETHER / 2n)
  })

  it('does not start where the contract is not', async () => {
    contract = keyOfPrivateKey(Buffer.alloc(32, 9))?.address ?? ''
    const lost = settlerWith({ gasSharePpm: 0n })
    await assert.rejects(lost.start(ledger), {
      code: 'CHAIN_REFUSED',
      details: { kind: 'contract', reason: `there is no contract at ${contract}` },
    })
  })

  it("does not start on a contract that is not souk's, or that leaves too little time to redeem", async () => {
    const right = contract
    // The contract of another chain, as far as it knows.
    const code = (await anvil.rpc('eth_getCode', right, 'latest')) as string
    contract = keyOfPrivateKey(Buffer.alloc(32, 9))?.address ?? ''
    await anvil.rpc('anvil_setCode', contract, code)
    await assert.rejects(settlerWith({ gasSharePpm: 0n }).start(ledger), /is not the contract of souk's channels/)
    contract = right
    const slow = settlerWith({ gasSharePpm: 0n, pollMs: 301_000 })
    await assert.rejects(slow.start(ledger), {
      code: 'CHAIN_REFUSED',
      message: /challenge period is 3600 s, and a node that looks at the chain every 301 s needs 3610 s/,
      hint: /settlement\.poll/,
    })
    const enough = settlerWith({ gasSharePpm: 0n, pollMs: 300_000 })
    await enough.start(ledger)
    await enough.close()
    nodeQueue = queueOf(node)
    settler = settlerWith({ gasSharePpm: 0n })
  })

  describe('with an endpoint that lies', () => {
    let liar: CountingProxy | undefined
    afterEach(async () => {
      await settler.close()
      await liar?.close()
    })
    /** The liar is the first, which transactions are asked for too; the honest one comes after it. */
    async function besides(lie: ChainLies, gasSharePpm = 0n): Promise<void> {
      liar = await startCountingProxy({ to: anvil.url, ...lie })
      await settler.close()
      const over = chainOf([liar.url, anvil.url])
      closers.push(() => over.close())
      nodeQueue = queueOf(node, over)
      settler = settlerWith({ gasSharePpm, over, endpoints: [liar.url, anvil.url] })
      await settler.start(ledger)
    }
    const word = (value: bigint): string => value.toString(16).padStart(64, '0')
    const says = (status: bigint, depositWei: bigint, redeemedWei: bigint): ChainLies => ({
      lie: ({ method, result }) =>
        method === 'eth_call' && String(result).length === 2 + 4 * 64
          ? `0x${word(status)}${word(depositWei)}${word(redeemedWei)}${word(0n)}`
          : result,
    })

    it('redeems in time though the first endpoint hides that its payer closes', async () => {
      await open(1, ETHER)
      pay(1, ETHER / 4n)
      await besides(says(1n, ETHER, 0n))
      await done(spend.startClose(channelOf(1)))
      await until('paid out', async () => (await paidOut()) === ETHER / 4n)
      assert.equal((await settler.channel(channelOf(1))).status, 'closing')
    })

    it('redeems though that endpoint keeps transactions to itself', async () => {
      await open(1, ETHER)
      pay(1, ETHER / 4n)
      await besides(
        {
          keep: ({ method, params }) =>
            method === 'eth_sendRawTransaction' ? Transaction.from(String(params[0])).hash : undefined,
        },
        1_000_000n,
      )
      await until('paid out', async () => (await paidOut()) === ETHER / 4n)
      assert.ok((liar?.count('eth_sendRawTransaction') ?? 0) >= 1)
    })

    const lies: readonly (readonly [string, ChainLies])[] = [
      [
        'counts transactions that nobody has sent',
        { lie: ({ method, result }) => (method === 'eth_getTransactionCount' ? '0xf4240' : result) },
      ],
      [
        'counts none that were sent',
        { lie: ({ method, result }) => (method === 'eth_getTransactionCount' ? '0x0' : result) },
      ],
      ['hides the coins for gas', { lie: ({ method, result }) => (method === 'eth_getBalance' ? '0x0' : result) }],
      [
        'says that it takes less gas',
        { lie: ({ method, result }) => (method === 'eth_estimateGas' ? '0x5300' : result) },
      ],
      [
        'says that it takes more gas than anybody can pay for',
        { lie: ({ method, result }) => (method === 'eth_estimateGas' ? '0xffffffffffffff' : result) },
      ],
      [
        'makes gas too dear',
        { lie: ({ method, result }) => (isBlock(method, result) ? priced(result, 10n ** 20n) : result) },
      ],
      [
        'makes gas cheaper than it is',
        { lie: ({ method, result }) => (isBlock(method, result) ? priced(result, 0n) : result) },
      ],
    ]
    const isBlock = (method: string, result: unknown): result is object =>
      method === 'eth_getBlockByNumber' && typeof result === 'object' && result !== null
    const priced = (block: object, wei: bigint): object => ({ ...block, baseFeePerGas: `0x${wei.toString(16)}` })
    for (const [what, lie] of lies)
      it(`redeems in time though that endpoint ${what}`, async () => {
        await open(1, ETHER)
        pay(1, ETHER / 4n)
        await besides(lie)
        await done(spend.startClose(channelOf(1)))
        await until('paid out', async () => (await paidOut()) === ETHER / 4n)
      })

    it('counts no deposit that only one of them has, and forgets no voucher on the word of one', async () => {
      await open(1, ETHER)
      pay(1, ETHER / 4n)
      await besides(says(1n, 10n * ETHER, 0n))
      assert.equal((await settler.channel(channelOf(1))).depositWei, ETHER)
      assert.equal((await settler.channel(channelOf(2))).status, 'none')
      await settler.close()
      await liar?.close()
      // Closed, and all is paid: a lie.
      await besides(says(3n, ETHER, ETHER))
      await until('paid out', async () => (await paidOut()) === ETHER / 4n)
      assert.equal(books.get(channelIdOf(channelOf(1)))?.isOver, false)
    })

    it('goes on with those that answer, and says which does not', async () => {
      await open(1, ETHER)
      await besides({})
      await liar?.close()
      await until('told', () => troubles.some(({ code }) => code === 'CHAIN_UNREACHABLE'))
      assert.equal((await settler.channel(channelOf(1))).depositWei, ETHER)
    })
  })
})
