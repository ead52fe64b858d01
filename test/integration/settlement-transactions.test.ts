import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Key } from '../../src/identity/key-file.ts'
import type { SoukError } from '../../src/protocol/errors.ts'
import { openChain, type Chain } from '../../src/settlement/chain.ts'
import { openTransactionStore, type TransactionStore } from '../../src/settlement/transaction-store.ts'
import { signTransaction } from '../../src/settlement/transaction-signing.ts'
import { createTransactionQueue, type TransactionQueue } from '../../src/settlement/transactions.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'

const sender = fileURLToPath(new URL('../fixtures/transaction-sender.ts', import.meta.url))
const GWEI = 10n ** 9n
const RECIPIENT = `0x${'5a'.repeat(20)}`
/** A contract that always reverts: PUSH0 PUSH0 REVERT. */
const REVERTER = `0x${'ee'.repeat(20)}`

describe('transaction queue', function () {
  this.timeout(60_000)
  let anvil: RestartableAnvil
  let dir: string
  let key: Key
  let chain: Chain
  let store: TransactionStore
  let queue: TransactionQueue
  let troubles: SoukError[]

  beforeEach(async () => {
    anvil = await startAnvil({ mining: 'none' })
    dir = await mkdtemp(join(tmpdir(), 'souk-queue-'))
    key = await anvil.account()
    troubles = []
    open()
  })
  afterEach(async () => {
    await shut()
    await anvil.close()
    await rm(dir, { recursive: true, force: true })
  })

  function open({ stuckAfterMs = 60_000, gapAfterMs = 60_000, confirmations = 2 } = {}): void {
    chain = openChain({ endpoints: [anvil.url], chainId: anvil.chainId, timeoutMs: 20_000, avoidMs: 10 })
    store = openTransactionStore({ dir, chainId: anvil.chainId, sender: key.address })
    const onTrouble = (error: SoukError): void => void troubles.push(error)
    queue = createTransactionQueue({
      chain,
      key,
      store,
      confirmations,
      pollMs: 20,
      stuckAfterMs,
      gapAfterMs,
      onTrouble,
    })
  }
  async function shut(): Promise<void> {
    await queue.close()
    store.close()
    chain.close()
  }
  const pay = (name: string, valueWei = 1n) =>
    queue.submit({ idempotencyKey: name, to: RECIPIENT, data: '0x', valueWei }).id
  const settled = (id: number) => queue.settled({ id, signal: AbortSignal.timeout(30_000) })
  const received = () => chain.balance(RECIPIENT)
  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    for (const endMs = performance.now() + 45_000; !(await holds());) {
      if (performance.now() > endMs) assert.fail(`never came to be: ${what}; ${troubles.join('; ')}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const isSent = (id: number) => () => store.get(id)?.state === 'sent'
  const inPool = async (hash: string) => (await anvil.rpc('eth_getTransactionByHash', hash)) !== null
  async function lastHash(id: number): Promise<string> {
    await until('sent', isSent(id))
    const hash = store.attempts(id).at(-1)?.hash ?? ''
    await until('in the pool', () => inPool(hash))
    return hash
  }

  it('sends in the order of submission, and calls confirmed what is deep enough', async () => {
    const ids = [pay('a'), pay('b'), pay('c')]
    for (const id of ids) await lastHash(id)
    assert.deepEqual(
      ids.map((id) => store.get(id)?.nonce),
      [0, 1, 2],
    )
    await anvil.mine()
    await until('mined', () => ids.every((id) => store.get(id)?.state === 'mined'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.deepEqual(
      ids.map((id) => store.get(id)?.state),
      ['mined', 'mined', 'mined'],
    )
    await anvil.mine()
    for (const id of ids) {
      const { state, feeWei } = await settled(id)
      assert.equal(state, 'confirmed')
      assert.ok((feeWei ?? 0n) > 0n)
    }
    assert.equal(await received(), 3n)
  })

  it('takes the same key for the same intent, and for no other', async () => {
    const id = pay('once')
    assert.equal(pay('once'), id)
    assert.throws(() => pay('once', 2n), { code: 'INVALID_INPUT' })
    await lastHash(id)
    await anvil.mine(2)
    await settled(id)
    assert.equal(pay('once'), id)
    assert.equal((await settled(id)).state, 'confirmed')
    assert.equal(await received(), 1n)
  })

  it('fails what the contract would revert before it has a nonce, and goes on', async () => {
    await anvil.rpc('anvil_setCode', REVERTER, '0x5f5ffd')
    const { id } = queue.submit({ idempotencyKey: 'bad', to: REVERTER, data: '0x', valueWei: 0n })
    const failed = await settled(id)
    assert.equal(failed.state, 'failed')
    assert.equal(failed.nonce, undefined)
    const good = pay('good')
    await lastHash(good)
    await anvil.mine(2)
    assert.equal((await settled(good)).nonce, 0)
  })

  it('says failed of what is reverted in its block', async () => {
    const { id } = queue.submit({ idempotencyKey: 'late', to: REVERTER, data: '0x', valueWei: 0n })
    await lastHash(id)
    await anvil.rpc('anvil_setCode', REVERTER, '0x5f5ffd')
    await anvil.mine(2)
    const { state, reason } = await settled(id)
    assert.deepEqual([state, reason], ['failed', 'the contract reverted it'])
  })

  it('fails what the account has not the funds for, with that reason', async () => {
    const { state, reason } = await settled(pay('too much', 10n ** 24n))
    assert.equal(state, 'failed')
    assert.match(reason ?? '', /fund/i)
  })

  it('broadcasts again what the pool has dropped', async () => {
    const id = pay('dropped')
    const hash = await lastHash(id)
    await anvil.rpc('anvil_dropTransaction', hash)
    await until('in the pool again', () => inPool(hash))
    await anvil.mine(2)
    assert.equal((await settled(id)).hash, hash)
    assert.equal(await received(), 1n)
  })

  it('offers more where a transaction is stuck, and takes whichever is mined', async () => {
    await shut()
    open({ stuckAfterMs: 300 })
    const id = pay('stuck')
    const first = await lastHash(id)
    await until('replaced by one that offers more', () => store.attempts(id).length > 1)
    const [before, after] = store.attempts(id)
    assert.ok(before !== undefined && after !== undefined && before.hash === first)
    assert.ok(after.fees.maxFeePerGas * 100n >= before.fees.maxFeePerGas * 110n)
    assert.ok(after.fees.maxPriorityFeePerGas * 100n >= before.fees.maxPriorityFeePerGas * 110n)
    await until('in the pool', () => inPool(after.hash))
    await anvil.mine(2)
    const { state, hash } = await settled(id)
    assert.equal(state, 'confirmed')
    assert.notEqual(hash, first)
    assert.equal(await received(), 1n)
  })

  it('offers more at once where the base fee has risen above the offer', async () => {
    const id = pay('cheap')
    await lastHash(id)
    await shut()
    await anvil.rpc('anvil_dropAllTransactions')
    await anvil.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(100n * GWEI).toString(16)}`)
    await anvil.mine()
    open()
    await until('a second attempt', () => store.attempts(id).length > 1)
    const fees = store.attempts(id).at(-1)?.fees
    assert.ok((fees?.maxFeePerGas ?? 0n) >= 100n * GWEI)
    await lastHash(id)
    await anvil.mine(2)
    assert.equal((await settled(id)).state, 'confirmed')
  })

  it('brings back what a reorganisation has undone', async () => {
    await shut()
    open({ confirmations: 4 })
    const id = pay('undone')
    await lastHash(id)
    await anvil.mine()
    await until('mined', () => store.get(id)?.state === 'mined')
    await anvil.rpc('anvil_reorg', 1, [])
    await until('sent again', isSent(id))
    const hash = await lastHash(id)
    await anvil.mine(4)
    const { state, hash: minedHash } = await settled(id)
    assert.deepEqual([state, minedHash], ['confirmed', hash])
    assert.equal(await received(), 1n)
  })

  it('fills a nonce that another program lost', async () => {
    const theirs = await foreign({ nonce: 0, to: RECIPIENT })
    const id = pay('behind the gap')
    await lastHash(id)
    assert.equal(store.get(id)?.nonce, 1)
    await shut()
    open({ gapAfterMs: 300 })
    await anvil.rpc('anvil_dropTransaction', theirs)
    await until('filled', () => store.latest('fill nonce 0')?.state === 'sent')
    await lastHash(store.latest('fill nonce 0')?.id ?? 0)
    await lastHash(id)
    await anvil.mine(2)
    assert.equal((await settled(id)).state, 'confirmed')
    assert.equal(await received(), 1n)
  })

  it('notices that another program used its nonce, and tells that the intent was not executed', async () => {
    const id = pay('taken')
    const ours = await lastHash(id)
    await shut()
    await anvil.rpc('anvil_dropTransaction', ours)
    await foreign({ nonce: 0, to: REVERTER })
    await anvil.mine(2)
    open()
    const { state, reason } = await settled(id)
    assert.equal(state, 'replaced')
    assert.match(reason ?? '', /another program used nonce 0/)
    const next = pay('next')
    await lastHash(next)
    assert.equal(store.get(next)?.nonce, 1)
    await anvil.mine(2)
    assert.equal((await settled(next)).state, 'confirmed')
    assert.equal(await received(), 1n)
  })

  it('rides out the loss of the endpoint, in every state', async () => {
    const sent = pay('sent before')
    await lastHash(sent)
    await anvil.mine()
    await until('mined', () => store.get(sent)?.state === 'mined')
    await anvil.stop()
    const late = pay('asked for meanwhile')
    await until('trouble told', () => troubles.some(({ code }) => code === 'CHAIN_UNREACHABLE'))
    assert.equal(store.get(late)?.state, 'queued')
    await anvil.start()
    await lastHash(late)
    await anvil.mine(2)
    assert.equal((await settled(sent)).state, 'confirmed')
    assert.equal((await settled(late)).state, 'confirmed')
    assert.equal(await received(), 2n)
  })

  it('does each intent once where its process is killed again and again', async () => {
    await shut()
    const payments = 8
    const miner = setInterval(() => void anvil.mine().catch(() => undefined), 60)
    try {
      const child = () =>
        spawn(
          process.execPath,
          [
            ...['--disable-warning=ExperimentalWarning', sender, dir, anvil.url],
            ...[Buffer.from(key.privateKey).toString('hex'), RECIPIENT, String(payments)],
          ],
          { stdio: 'inherit' },
        )
      for (const afterMs of [420, 480, 540, 600, 700, 800]) {
        const killed = child()
        const ended = once(killed, 'exit')
        await new Promise((resolve) => setTimeout(resolve, afterMs))
        killed.kill('SIGKILL')
        await ended
      }
      const [code] = (await once(child(), 'exit')) as [number]
      assert.equal(code, 0)
    } finally {
      clearInterval(miner)
      open()
    }
    assert.equal(await received(), BigInt(payments))
    assert.equal((await chain.nonce(key.address, 'latest')).least, payments)
  })

  it('lets two processes share an account without using a nonce twice', async () => {
    const otherChain = openChain({ endpoints: [anvil.url], chainId: anvil.chainId })
    const otherStore = openTransactionStore({ dir, chainId: anvil.chainId, sender: key.address })
    const other = createTransactionQueue({ chain: otherChain, key, store: otherStore, confirmations: 2, pollMs: 20 })
    const ids = Array.from({ length: 6 }, (_, index) =>
      index % 2 === 0
        ? pay(`mine ${index}`)
        : other.submit({ idempotencyKey: `theirs ${index}`, to: RECIPIENT, data: '0x', valueWei: 1n }).id,
    )
    for (const id of ids) await lastHash(id)
    await anvil.mine(2)
    for (const id of ids) assert.equal((await settled(id)).state, 'confirmed')
    assert.deepEqual(new Set(ids.map((id) => store.get(id)?.nonce)), new Set([0, 1, 2, 3, 4, 5]))
    assert.equal(await received(), 6n)
    await other.close()
    otherStore.close()
    otherChain.close()
  })

  /** A transaction of the same account that this queue knows nothing of. */
  async function foreign({ nonce, to }: { readonly nonce: number; readonly to: string }): Promise<string> {
    const fees = { maxFeePerGas: 50n * GWEI, maxPriorityFeePerGas: GWEI }
    const unsigned = { chainId: anvil.chainId, nonce, to, data: '0x', valueWei: 0n, gasLimit: 50_000n, fees }
    return (await anvil.rpc('eth_sendRawTransaction', signTransaction({ unsigned, key }).raw)) as string
  }
})

describe('chain', () => {
  it('goes on to the next endpoint, and comes to an end where none answers', async () => {
    const anvil = await startAnvil({ mining: 'auto' })
    const dead = 'http://user:secret@127.0.0.1:1/key-in-the-path'
    const chain = openChain({ endpoints: [dead, anvil.url], chainId: anvil.chainId })
    try {
      assert.equal(await chain.blockNumber(), 0)
      await anvil.stop()
      await assert.rejects(chain.blockNumber(), (error: SoukError) => {
        assert.equal(error.code, 'CHAIN_UNREACHABLE')
        assert.equal(error.retryable, true)
        assert.doesNotMatch(JSON.stringify(error), /secret|key-in-the-path/)
        return true
      })
    } finally {
      chain.close()
      await anvil.close()
    }
  })

  it('takes no endpoint of another chain', async () => {
    const anvil = await startAnvil({ mining: 'auto' })
    const chain = openChain({ endpoints: [anvil.url], chainId: 1 })
    try {
      await assert.rejects(chain.blockNumber(), {
        code: 'WRONG_CHAIN',
        details: { endpoint: anvil.url, expected: 1, found: 31_337 },
      })
    } finally {
      chain.close()
      await anvil.close()
    }
  })

  for (const [what, answer] of Object.entries({
    'no JSON': 'hello',
    null: 'null',
    'a list': '[]',
    'another id': '{"jsonrpc":"2.0","id":999,"result":"0x1"}',
    'no quantity': '{"jsonrpc":"2.0","id":1,"result":{"a":1}}',
    'a number past all bounds': `{"jsonrpc":"2.0","id":1,"result":"0x${'f'.repeat(64)}"}`,
    'more bytes than are read': `{"jsonrpc":"2.0","id":1,"result":"0x${'0'.repeat(5 * 1024 ** 2)}"}`,
    'an error without a message': '{"jsonrpc":"2.0","id":1,"error":{"code":-32005}}',
    silence: undefined,
  })) {
    it(`calls an endpoint unreachable that answers with ${what}`, async () => {
      const server = createServer((_request, response) => {
        if (answer !== undefined) response.end(answer)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const chain = openChain({ endpoints: [`http://127.0.0.1:${port}`], chainId: 31_337, timeoutMs: 500 })
      try {
        await assert.rejects(chain.blockNumber(), { code: 'CHAIN_UNREACHABLE' })
      } finally {
        chain.close()
        server.close()
        server.closeAllConnections()
      }
    })
  }
})
