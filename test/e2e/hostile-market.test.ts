import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { connect, type Client } from '../../src/client/connect.ts'
import { taskFromCommandLine, type LoadedTask } from '../../src/client/load-task.ts'
import { ServedBlobs } from '../../src/client/served-blobs.ts'
import type { Key } from '../../src/identity/key-file.ts'
import { signTask } from '../../src/identity/task.ts'
import { decodeQuoteAnswer, encodeQuoteRequest, encodeRequest } from '../../src/protocol/codec.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { DHT_PROTOCOL, OFFERS_TOPIC } from '../../src/protocol/network/discovery/options.ts'
import { OFFERS_PROTOCOL } from '../../src/protocol/network/discovery/offers-protocol.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { BLOB_PROTOCOL, QUOTE_PROTOCOL, TASK_PROTOCOL, WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { NATIVE_TOKEN, type ChannelKey, type Voucher } from '../../src/protocol/payment.ts'
import { openCall } from '../../src/settlement/channel-calls.ts'
import { channelIdOf, signVoucher } from '../../src/settlement/voucher.ts'
import { malformed, message, randomOf } from '../fixtures/malformed-frames.ts'
import { PROTOCOL_MESSAGES } from '../fixtures/protocol-messages.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { framed, readToEnd, startRawPeer, type RawStream } from '../fixtures/raw-peer.ts'
import { deployChannels } from '../fixtures/channel-contract.ts'
import { startCountingProxy, type CountingProxy } from '../fixtures/chain-proxy.ts'
import { startTcpProxy } from '../fixtures/tcp-proxy.ts'
import { startTestChain, type TestChain } from '../fixtures/test-chain.ts'
import { publishedOffer } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const MIB = 1024 * 1024
const MOST_CONNECTIONS = 60
/** Malformed frames. */
const PER_PEER = 250
/** Of an honest task while others attack, on a machine that has much else to do. */
const SLOWEST_MS = 30_000
/** What the books, caches and tables that strangers fill may come to in one attack. */
const MOST_GROWTH_BYTES = 48 * MIB
/** And what the allocator keeps of what was given back, which is its own affair. */
const MOST_KEPT_BYTES = 192 * MIB
/** Of a peer that stops with its tasks, questions and files under way. */
const SLOWEST_STOP_MS = 20_000
const REPORT_MEMORY = new URL('../fixtures/report-memory.ts', import.meta.url).href
const told = new WeakMap<object, readonly string[]>()
type RawPeer = Awaited<ReturnType<typeof startRawPeer>>

describe('a provider in a hostile market', function () {
  this.timeout(600_000)
  let dir: string
  let chain: TestChain
  let proxy: CountingProxy
  let contract: string
  let provider: ProviderProcess
  let honest: Client
  let honestKey: Key
  let seeds = 10_000_000

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hostile-market-'))
    chain = await startTestChain()
    const [deployer, known] = chain.keys
    assert(deployer !== undefined && known !== undefined)
    honestKey = known
    contract = await deployChannels({ url: chain.url, key: deployer, challengeSeconds: 86_400 })
    proxy = await startCountingProxy({ to: chain.url })
    provider = await startProvider({
      dir,
      nodeFlags: ['--expose-gc', '--import', REPORT_MEMORY],
      network: `discovery: [dht, gossip], max_connections: ${MOST_CONNECTIONS}`,
      config: [
        `chain: {id: ${chain.chainId}}`,
        `settlement: {mode: channel, rpc: ["${proxy.url}"], contract: "${contract}", confirmations: 1, poll: 10m}`,
        'pricing: {free_allowance: 1eth, wasm: {start: 1000}}',
        `peers: {known: ["${honestKey.address}"]}`,
        'queue: {max_tasks: 40}',
        '',
      ].join('\n'),
    })
    honest = await connect({ to: provider.multiaddr, key: honestKey, chainId: chain.chainId })
  })
  after(async () => {
    await honest?.close()
    await provider?.end('SIGKILL')
    await proxy?.close()
    await chain?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('lives through ten thousand malformed frames over every protocol that it speaks', async () => {
    const raw = await stranger()
    const protocols = spokenTo(raw)
    await raw.stop()
    const without = protocols.filter((protocol) => PROTOCOL_MESSAGES[protocol] === undefined)
    assert.deepEqual(without, [], 'protocols of which no malformed frames are made')
    for (const protocol of [TASK_PROTOCOL, BLOB_PROTOCOL, QUOTE_PROTOCOL, OFFERS_PROTOCOL, DHT_PROTOCOL])
      assert(protocols.includes(protocol), `${protocol} is not spoken`)
    await sendMalformed(protocols, 1_000)
    await unharmedBy(() => sendMalformed(protocols, 10_000))
  })

  it('serves others while slow peers hold as many streams as they may, and gives them up with the peer', async () => {
    await unharmedBy(async () => {
      const raw = await stranger()
      const held: RawStream[] = []
      const most = {
        [TASK_PROTOCOL]: WIRE_LIMITS.taskStreamsPerConnection,
        [QUOTE_PROTOCOL]: WIRE_LIMITS.quoteStreamsPerConnection,
      }
      for (const [protocol, count] of Object.entries({
        ...most,
        [BLOB_PROTOCOL]: 8,
        [OFFERS_PROTOCOL]: 2,
        [DHT_PROTOCOL]: 4,
      }))
        for (let index = 0; index < count; index += 1) held.push(await openStream(raw, protocol))
      for (const protocol of Object.keys(most)) {
        const beyond = await openStream(raw, protocol).catch(() => undefined)
        if (beyond !== undefined) await endOf(beyond)
        assert.notEqual(beyond?.status, 'open', `${protocol}: one stream more than is allowed`)
      }
      // A frame of a thousand bytes, of which one comes now and then.
      for (let turn = 0; turn < 20; turn += 1) {
        for (const stream of held)
          if (isWritable(stream)) stream.send(turn === 0 ? Uint8Array.of(0xe8, 0x07) : Uint8Array.of(8))
        await sleep(100)
      }
      await raw.stop()
      const deaf = await stranger()
      const stream = await deaf.dialProtocol(multiaddr(provider.multiaddr), TASK_PROTOCOL)
      stream.pause()
      // More answers than anybody buffers for one who reads none of them.
      const list = (id: number): Uint8Array =>
        framed(encodeRequest({ id, kind: 'show', taskId: `0x${'11'.repeat(32)}` }))
      stream.send(Buffer.concat(Array.from({ length: 20_000 }, (_, index) => list(index + 1))))
      await sleep(2_000)
      await deaf.stop()
    })
  })

  it('has a place for who is known while strangers of one host take all others', async () => {
    await unharmedBy(async () => {
      const port = Number(/\/tcp\/(\d+)/.exec(provider.multiaddr)?.[1])
      const silent = Array.from({ length: 300 }, () =>
        connectTcp({ port, host: '127.0.0.1' }).on('error', () => undefined),
      )
      await Promise.all(silent.map((socket: Socket) => once(socket, 'connect').catch(() => undefined)))
      await sleep(500)
      for (const socket of silent) socket.destroy()
      // Those of one second are bounded, too.
      await sleep(1_500)
      const peers: RawPeer[] = []
      let open = 0
      for (let refused = 0; refused < 3;) {
        if (open % 8 === 0 || peers.length === 0) peers.push(await startRawPeer({ seed: (seeds += 1) }))
        const dial = peers
          .at(-1)
          ?.dial(multiaddr(provider.multiaddr), { force: true, signal: AbortSignal.timeout(30_000) })
        const connection = await dial?.catch(() => undefined)
        await sleep(20)
        if (connection?.status === 'open') open += 1
        else {
          refused += 1
          peers.push(await startRawPeer({ seed: (seeds += 1) }))
        }
        assert(open <= MOST_CONNECTIONS + WIRE_LIMITS.connectionsForExpected, `${open} connections`)
      }
      assert(open >= MOST_CONNECTIONS / 2, `${open} connections`)
      const known = await connect({ to: provider.multiaddr, key: honestKey, chainId: chain.chainId })
      await known.list()
      await known.close()
      for (const peer of peers) await peer.stop()
    })
  })

  it('holds out against floods of offers, signed or not', async () => {
    await unharmedBy(async () => {
      const raw = await stranger()
      const stream = await openStream(raw, '/meshsub/1.1.0')
      stream.send(framed(message([1, message([1, 1], [2, OFFERS_TOPIC])])))
      for (let index = 0; index < 700; index += 1) {
        const offer = await publishedOffer({ key: keyOf(700_000 + index), chainId: chain.chainId })
        if (isWritable(stream)) stream.send(framed(message([2, offer])))
        if (index % 20 === 0) await sleep(5)
      }
      await sleep(1_000)
      const invalid = await stranger()
      const bad = await openStream(invalid, '/meshsub/1.1.0')
      for (let index = 0; index < 500 && isWritable(bad); index += 1)
        bad.send(
          framed(
            message([
              2,
              message(
                [1, randomBytes(39)],
                [2, randomBytes(900)],
                [3, randomBytes(8)],
                [4, OFFERS_TOPIC],
                [5, randomBytes(64)],
              ),
            ]),
          ),
        )
      await sleep(500)
      const { host, connection } = await peerOf(keyOf(61), { discovery: { bootstrap: [] } })
      const providers = new Set<string>()
      const query = { features: [] }
      for await (const { bytes } of host.discovery?.readOffers({
        multiaddrs: [provider.multiaddr],
        query,
        signal: AbortSignal.timeout(30_000),
      }) ?? [])
        providers.add((JSON.parse(Buffer.from(bytes).toString()) as { provider: string }).provider)
      await connection.close()
      await host.stop()
      await raw.stop()
      await invalid.stop()
      assert(providers.has(provider.address), 'its own offer is in its book')
      // What one peer brings is 512 at once, and 32 a second.
      assert(providers.size > 100 && providers.size < 4_097, `${providers.size} offers`)
    })
  })

  it('refuses a flood of quotes by name, and gives others theirs', async () => {
    await unharmedBy(async () => {
      const raw = await stranger()
      const stream = await openStream(raw, QUOTE_PROTOCOL)
      const exchange = readToEnd(stream)
      const request = framed(encodeQuoteRequest({ spec: spec() }))
      stream.send(Buffer.concat(Array.from({ length: 2_000 }, () => request)))
      await stream.close().catch(() => undefined)
      const { frames } = await exchange
      const answers = frames.map((frame) => decodeQuoteAnswer(frame))
      const refusals = answers.flatMap((answer) =>
        answer.kind === 'error' ? [JSON.stringify(answer.error.details)] : [],
      )
      assert.equal(answers.length, 2_000)
      assert(refusals.length > 500, `${refusals.length} were refused`)
      assert(
        refusals.every((text) => text.includes('PEER_OVER_SHARE')),
        refusals[0],
      )
      await raw.stop()
    })
  })

  it('refuses a flood of tiny tasks beyond the share of strangers, runs those of who is known, and is there for strangers again', async () => {
    const tiny = await taskFromCommandLine({ wasm: await wasmProgram('exit-code'), baseDir: '/', args: ['3'] })
    const unsendable: LoadedTask = { ...tiny, bytes: spec({ queueTimeoutMs: 5_000 }), blobs: new Map() }
    const reasons = new Set<string>()
    let accepted = 0
    await unharmedBy(async () => {
      const ways: readonly ('serves' | 'keeps silent' | 'vanishes')[] = ['serves', 'keeps silent', 'vanishes']
      const peers = await Promise.all(
        Array.from({ length: 9 }, async (_, number) => {
          const way = ways[number % ways.length]
          const proxy = way === 'vanishes' ? await startTcpProxy({ to: provider.multiaddr }) : undefined
          const peer = await peerOf(keyOf(70 + number), { to: proxy?.multiaddr })
          const task = way === 'serves' ? tiny : unsendable
          // While there is room: those that come later are refused a quote for the same reasons.
          return { ...peer, way, proxy, task, quote: await peer.connection.quote(task.bytes) }
        }),
      )
      await Promise.all(
        peers.map(async ({ host, connection, key, way, proxy, task, quote }) => {
          const blobs = new ServedBlobs({ provider: provider.address })
          // Who keeps silent, or vanishes, never sends what its tasks need.
          await host.serveBlobs(
            way === 'serves' ? blobs : { open: ({ signal }) => once(signal, 'abort').then(() => undefined) },
          )
          const submitted = Array.from({ length: 60 }, async () => {
            const signed = signTask({
              ...{ spec: task.bytes, key, provider: provider.address, maxPriceWei: '0', chainId: chain.chainId },
              expiryMs: Date.now() + 60_000,
            })
            blobs.offer(signed.taskId, task.blobs)
            try {
              await connection.submit(signed.task, { quote })
              accepted += 1
              if (way === 'vanishes') proxy?.cut()
            } catch (thrown) {
              if (way === 'vanishes' && isSoukError(thrown, 'CONNECTION_LOST')) return
              assert(isSoukError(thrown, 'REFUSED'), String(thrown))
              for (const { reason } of thrown.details.reasons) reasons.add(reason)
            }
          })
          await Promise.all(submitted)
        }),
      )
      await sleep(2_000)
      const startMs = performance.now()
      await Promise.all(peers.map(({ host }) => host.stop()))
      assert(performance.now() - startMs < SLOWEST_STOP_MS, `peers took ${performance.now() - startMs} ms to stop`)
      await Promise.all(peers.map(async ({ proxy }) => proxy?.close()))
      return { tasks: accepted }
    })
    assert(accepted >= 9 && accepted < 540, `${accepted} were accepted`)
    for (const reason of reasons) assert.match(reason, /^(PEER_OVER_SHARE|UNKNOWN_PEERS_OVER_SHARE|QUEUE_FULL)$/)
    assert(reasons.size > 0)
    await servesStranger(tiny)
  })

  it('asks the chain little, whatever vouchers and channels strangers name, and takes a voucher that is worth something', async () => {
    const channelOf = (key: Key, nonce: number): ChannelKey => ({
      payer: key.address,
      payee: provider.address,
      token: NATIVE_TOKEN,
      nonce,
    })
    const voucherOf = (key: Key, nonce: number, amountWei = '5'): Voucher =>
      signVoucher({ voucher: { chainId: chain.chainId, contract, channel: channelOf(key, nonce), amountWei }, key })
    const asked = (): number => proxy.count('eth_call')
    await unharmedBy(async () => {
      for (let number = 81; number < 91; number += 1) {
        const key = keyOf(number)
        const { host, connection } = await peerOf(key)
        const before = asked()
        await Promise.all(
          Array.from({ length: 30 }, async (_, nonce) => {
            const voucher = voucherOf(key, nonce)
            const garbage = { ...voucher, signature: voucherOf(keyOf(7), nonce).signature }
            await assert.rejects(connection.pay(garbage), (error) => isSoukError(error, 'REFUSED'))
            await assert.rejects(connection.account(channelIdOf(voucher.channel)), (error) =>
              isSoukError(error, 'NOT_FOUND'),
            )
          }),
        )
        assert.equal(asked(), before, 'what nobody signed is not looked up')
        for (let nonce = 0; nonce < 30; nonce += 1)
          await assert.rejects(connection.pay(voucherOf(key, nonce)), (error) => isSoukError(error, 'REFUSED'))
        // Of one payer eight, and one more in ten seconds; each is two questions.
        assert(asked() - before <= 2 * 12, `${asked() - before} questions for one payer`)
        await host.stop()
      }
      const key = honestKey
      await chain.send({
        from: key.address,
        to: contract,
        ...openCall({ channel: channelOf(key, 0), amountWei: 1_000n }),
      })
      await chain.passSeconds(1)
      const { host, connection } = await peerOf(key)
      const { receivedWei } = await connection.pay(voucherOf(key, 0, '7'))
      assert.equal(receivedWei, '7')
      await host.stop()
    })
    assert(asked() <= 2 * (10 * 12 + 4) + 20, `${asked()} questions`)
  })

  /** That others are served meanwhile, and that nothing of it is left: memory, descriptors, and what the log was told. */
  async function unharmedBy(attack: () => Promise<{ readonly tasks: number } | void>): Promise<void> {
    const before = await state()
    const mark = provider.log().length
    const attacking = attack()
    let isOver = false
    const over = attacking.then(
      () => (isOver = true),
      () => (isOver = true),
    )
    const task = await taskFromCommandLine({ wasm: await wasmProgram('exit-code'), baseDir: '/', args: ['7'] })
    let runs = 0
    do {
      const startMs = performance.now()
      const quote = await honest.quote({ task })
      const { receipt } = await (await honest.submit({ task, quote })).result()
      assert.deepEqual(receipt.outcome, { kind: 'exited', code: 7 })
      assert(performance.now() - startMs < SLOWEST_MS, `a task took ${performance.now() - startMs} ms`)
      runs += 1
      await Promise.race([over, sleep(300)])
    } while (!isOver)
    const attackers = (await attacking)?.tasks ?? 0
    const lines = provider.log().slice(mark).split('\n')
    const own = lines.filter((line) => /"msg":"(task |attempt failed|old result removed)/.test(line)).length
    assert(
      lines.length - own < 50,
      `${lines.length - own} lines besides those of tasks:\n${lines.slice(0, 20).join('\n')}`,
    )
    assert(own < 4 * (runs + attackers) + 200, `${own} lines of ${runs} tasks and of ${attackers} of those who attack`)
    const deadlineMs = performance.now() + 60_000
    for (;;) {
      const { rssBytes, usedBytes, descriptors } = await state()
      const isBack =
        usedBytes - before.usedBytes <= MOST_GROWTH_BYTES &&
        rssBytes - before.rssBytes <= MOST_KEPT_BYTES &&
        descriptors <= before.descriptors + 5
      if (isBack) return
      assert(
        performance.now() < deadlineMs,
        `${JSON.stringify(before)} became ${JSON.stringify({ rssBytes, usedBytes, descriptors })}`,
      )
      await sleep(500)
    }
  }

  /** A peer with a key of its own and a connection, which has been told what is spoken. */
  async function stranger(): Promise<RawPeer> {
    const raw = await startRawPeer({ seed: (seeds += 1) })
    const identified = once(raw, 'peer:identify') as Promise<[CustomEvent<{ readonly protocols: readonly string[] }>]>
    await raw.dial(multiaddr(provider.multiaddr))
    const [{ detail }] = await identified
    told.set(raw, detail.protocols)
    return raw
  }

  function spokenTo(raw: RawPeer): readonly string[] {
    return told.get(raw) ?? []
  }

  async function peerOf(
    key: Key,
    {
      discovery,
      to,
    }: { readonly discovery?: { readonly bootstrap: readonly string[] }; readonly to?: string | undefined } = {},
  ): Promise<{ readonly host: NetworkHost; readonly connection: ProviderConnection; readonly key: Key }> {
    const host = await createHost({
      privateKey: key.privateKey,
      listen: [],
      ...(discovery !== undefined && { discovery }),
    })
    return { host, connection: await host.connect({ multiaddr: to ?? provider.multiaddr }), key }
  }

  /** Strangers whom nobody has seen get their places again, once what others have taken of them has run out of time. */
  async function servesStranger(task: LoadedTask): Promise<void> {
    const deadlineMs = performance.now() + 60_000
    const stranger = await connect({ to: provider.multiaddr, key: keyOf(60), chainId: chain.chainId })
    for (;;) {
      try {
        const quote = await stranger.quote({ task })
        const { receipt } = await (await stranger.submit({ task, quote })).result()
        assert.deepEqual(receipt.outcome, { kind: 'exited', code: 3 })
        return await stranger.close()
      } catch (thrown) {
        assert(isSoukError(thrown, 'REFUSED') && performance.now() < deadlineMs, String(thrown))
        await sleep(500)
      }
    }
  }

  /** A task whose module nobody has. */
  function spec(times: { readonly queueTimeoutMs?: number } = {}): Uint8Array {
    const module = { sha256: createHash('sha256').update(randomBytes(8)).digest('hex'), bytes: 8 }
    const rest = {
      command: [],
      env: {},
      inputs: [],
      outputs: [],
      limits: {},
      network: 'none',
      retry: 0,
      maxPriceWei: '0',
      verify: 'once',
    }
    return Buffer.from(
      JSON.stringify({ ...times, version: 1, name: 'tiny', runtime: { type: 'wasm', module }, ...rest }),
    )
  }

  async function sendMalformed(protocols: readonly string[], count: number): Promise<void> {
    const random = randomOf(count)
    const frames = Array.from({ length: count }, (_, index) => {
      const protocol = protocols[index % protocols.length] ?? ''
      const messages = PROTOCOL_MESSAGES[protocol] ?? []
      return { protocol, bytes: malformed(messages[random(messages.length)] ?? new Uint8Array(), random) }
    })
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let some = frames.splice(0, PER_PEER); some.length > 0; some = frames.splice(0, PER_PEER)) {
          const raw = await stranger()
          const open = new Map<string, RawStream>()
          for (const { protocol, bytes } of some) await sendOne({ raw, protocol, bytes, open })
          await raw.stop()
        }
      }),
    )
  }

  /** Streams of gossip outlive what cannot be read, and are kept; of others each has one frame, and its end is waited for. */
  async function sendOne({
    raw,
    protocol,
    bytes,
    open,
  }: {
    readonly raw: RawPeer
    readonly protocol: string
    readonly bytes: Uint8Array
    readonly open: Map<string, RawStream>
  }): Promise<void> {
    const kept = open.get(protocol)
    const stream = kept !== undefined && isWritable(kept) ? kept : await openStream(raw, protocol)
    const ended = endOf(stream)
    if (isWritable(stream)) stream.send(bytes)
    if (protocol.startsWith('/meshsub/')) {
      open.set(protocol, stream)
      return sleep(1)
    }
    const isOver = await Promise.race([
      stream
        .close()
        .then(
          () => ended,
          () => ended,
        )
        .then(() => true),
      sleep(60_000, false, { ref: false }),
    ])
    assert(isOver, `${protocol}: nothing came of ${Buffer.from(bytes).toString('hex').slice(0, 200)}`)
  }

  async function openStream(raw: RawPeer, protocol: string): Promise<RawStream> {
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      try {
        const stream = await raw.dialProtocol(multiaddr(provider.multiaddr), protocol, {
          signal,
          maxOutboundStreams: 100,
        })
        stream.addEventListener('message', () => undefined)
        return stream
      } catch (thrown) {
        // libp2p pings by itself now and then, over the one stream that it allows itself.
        if (!(thrown instanceof Error) || thrown.name !== 'TooManyOutboundProtocolStreamsError') throw thrown
        signal.throwIfAborted()
        await sleep(50)
      }
    }
  }

  async function state(): Promise<{
    readonly rssBytes: number
    readonly usedBytes: number
    readonly descriptors: number
  }> {
    const mark = provider.log().length
    process.kill(provider.pid, 'SIGUSR2')
    for (;;) {
      const report = /\{"rssBytes":(\d+),"usedBytes":(\d+)\}/.exec(provider.log().slice(mark))
      if (report !== null) {
        const [rssBytes = 0, usedBytes = 0] = report.slice(1).map(Number)
        return { rssBytes, usedBytes, descriptors: (await readdir(`/proc/${provider.pid}/fd`)).length }
      }
      await sleep(20)
    }
  }
})

function isWritable(stream: RawStream): boolean {
  return stream.status === 'open' && stream.writeStatus === 'writable'
}

function endOf(stream: RawStream): Promise<void> {
  const ended = (): boolean => stream.status !== 'open' || stream.remoteWriteStatus === 'closed'
  return new Promise<void>((resolve) => {
    const check = (): void => {
      if (ended()) resolve()
    }
    stream.addEventListener('close', check)
    stream.addEventListener('end', check)
    stream.addEventListener('remoteCloseWrite', check)
    check()
  })
}
