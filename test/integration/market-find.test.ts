import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createMarketHost, findProviders } from '../../src/client/market/find-providers.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { PeersStatus } from '../../src/protocol/node-status.ts'
import { startNode, type NodeInProcess } from '../fixtures/node-in-process.ts'
import { signedOffer } from '../fixtures/offers.ts'
import { keyOf } from '../fixtures/receipts.ts'
import { souk } from '../fixtures/souk-command.ts'

const DISCOVERY = 'discovery: [dht, gossip]'

describe('finding providers', function () {
  this.timeout(90_000)
  const nodes: NodeInProcess[] = []
  const hosts: NetworkHost[] = []
  let home = ''
  const start = async (network: string, config?: string): Promise<NodeInProcess> => {
    const node = await startNode({ network, ...(config !== undefined && { config }) })
    nodes.push(node)
    return node
  }
  const addressOf = ({ node }: NodeInProcess): string => node.multiaddrs()[0] ?? ''
  const until = async (reached: () => Promise<boolean>): Promise<void> => {
    const deadlineMs = performance.now() + 45_000
    while (!(await reached())) {
      assert(performance.now() < deadlineMs, 'it did not come to that')
      await delay(100)
    }
  }
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'souk-find-'))
  })
  after(() => rm(home, { recursive: true, force: true }))
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
    await Promise.all(nodes.splice(0).map((node) => node.close()))
  })
  const requester = async (bootstrap: readonly string[], preSharedKey?: Uint8Array): Promise<NetworkHost> => {
    const host = await createMarketHost({
      key: keyOf(3),
      bootstrap,
      dialTimeoutMs: 3_000,
      ...(preSharedKey && { preSharedKey }),
    })
    hosts.push(host)
    return host
  }

  /** Several nodes in one process may not answer in time on a machine that is busy: then they are asked again. */
  const askedAgain = (error: unknown): [] => {
    assert(isSoukError(error, 'UNREACHABLE'), String(error))
    return []
  }

  it('gives a requester who knows one node all that offer what it wants, at once', async () => {
    const first = await start(DISCOVERY)
    const others = await Promise.all(
      [1, 2].map((price) =>
        start(`${DISCOVERY}, bootstrap: [${addressOf(first)}]`, `pricing: {wasm: {start: ${price}}}\n`),
      ),
    )
    const bootstrap = [addressOf(first)]
    const host = await requester(bootstrap)
    const all = [first, ...others].map(({ node }) => node.address).toSorted()
    let found: Awaited<ReturnType<typeof findProviders>> = []
    await until(async () => {
      found = await findProviders({ host, bootstrap, runtime: 'wasm' }).catch(askedAgain)
      return found.length === 3
    })
    assert.deepEqual(
      found.map(({ provider }) => provider),
      all,
    )
    for (const { provider, multiaddrs } of found)
      assert.deepEqual(multiaddrs, [first, ...others].find(({ node }) => node.address === provider)?.node.multiaddrs())
    assert.deepEqual(await findProviders({ host, bootstrap, runtime: 'docker' }), [])
    assert.deepEqual(await findProviders({ host, bootstrap, chainId: 5 }), [])
    // One that is gone is in the table and in no book: the others are found all the same.
    await others[0]?.node.stop({ drainMs: 0 })
    assert((await findProviders({ host, bootstrap, runtime: 'wasm' })).length >= 2)
  })

  it('shows offers and peers on the command line', async () => {
    const first = await start(DISCOVERY)
    const second = await start(`${DISCOVERY}, bootstrap: [${addressOf(first)}]`, 'pricing: {wasm: {start: 700}}\n')
    const env = { SOUK_BOOTSTRAP: addressOf(first) }
    const shown = async (...args: string[]) => {
      const { code, stdout, stderr } = await souk({ args: ['offers', '--json', ...args], home, env })
      assert.equal(code, 0, stderr)
      return (JSON.parse(stdout) as { offers: { provider: string; standardPriceWei: string; runtime: string }[] })
        .offers
    }
    await until(async () => (await shown()).length === 2)
    assert.deepEqual(
      (await shown('--runtime', 'wasm')).map(({ provider, standardPriceWei }) => [provider, standardPriceWei]),
      [
        [first.node.address, '0'],
        [second.node.address, '700'],
      ],
    )
    assert.deepEqual(
      (await shown('--max-price', '699')).map(({ provider }) => provider),
      [first.node.address],
    )
    const table = await souk({ args: ['offers'], home, env })
    assert.match(table.stdout, /^wasm, free\n(.+\n)*\nwasm, 700 wei\n(.+\n)*$/)
    const config = join(first.dir, 'provider.yaml')
    const peers = await souk({ args: ['peers', '--config', config, '--json'], home })
    const { connected, offers } = JSON.parse(peers.stdout) as PeersStatus
    assert(connected.some(({ address }) => address === second.node.address) && offers.length === 2)
    assert.match(
      (await souk({ args: ['peers', '--config', config], home })).stdout,
      new RegExp(`PEER .*\n(.*\n)*${second.node.address} `),
    )
    assert.match(
      (await souk({ args: ['peers', '--bootstrap', addressOf(second)], home })).stdout,
      new RegExp(first.node.address),
    )
    const nobody = await souk({ args: ['offers'], home })
    assert.equal(nobody.code, 2)
    assert.match(nobody.stderr, /SOUK_BOOTSTRAP/)
  })

  it('says why where no bootstrap peer answers', async () => {
    const host = await createHost({ privateKey: keyOf(8).privateKey, listen: ['/ip4/127.0.0.1/tcp/0'] })
    await host.start()
    const bootstrap = [host.multiaddrs()[0] ?? '']
    const asking = await requester(bootstrap)
    await until(async () => {
      const thrown: unknown = await findProviders({ host: asking, bootstrap }).catch((error: unknown) => error)
      return isSoukError(thrown, 'PROTOCOL_ERROR') || askedAgain(thrown).length > 0
    })
    await host.stop()
    await assert.rejects(findProviders({ host: await requester(bootstrap), bootstrap, timeoutMs: 2_000 }), {
      code: 'UNREACHABLE',
    })
  })

  it('keeps a private network to itself', async () => {
    const text = `/key/swarm/psk/1.0.0/\n/base16/\n${randomBytes(32).toString('hex')}`
    const file = join(home, 'swarm.key')
    await writeFile(file, `${text}\n`, { mode: 0o600 })
    const node = await start(`${DISCOVERY}, private_key_file: ${file}`)
    const bootstrap = [addressOf(node)]
    await assert.rejects(findProviders({ host: await requester(bootstrap), bootstrap }), { code: 'UNREACHABLE' })
    const host = await requester(bootstrap, new TextEncoder().encode(text))
    await until(async () => (await findProviders({ host, bootstrap }).catch(askedAgain)).length === 1)
    const offers = await souk({
      args: ['offers', '--json'],
      home,
      env: { SOUK_BOOTSTRAP: addressOf(node), SOUK_SWARM_KEY: file },
    })
    assert.equal(offers.code, 0, offers.stderr)
    await writeFile(file, 'no key')
    await assert.rejects(startNode({ network: `private_key_file: ${file}` }), { code: 'KEY_UNUSABLE' })
  })

  it('holds out while one peer floods: others are found, the book is bounded', async () => {
    const first = await start(DISCOVERY)
    const bootstrap = [addressOf(first)]
    const options = { bootstrap, dht: 'client', gossip: true } as const
    const flooder = await createHost({ privateKey: keyOf(9).privateKey, listen: [], discovery: options })
    const honest = await createHost({
      privateKey: keyOf(10).privateKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      discovery: options,
    })
    hosts.push(flooder, honest)
    for (const host of [flooder, honest]) {
      host.discovery?.listen(() => 'accept')
      await host.start()
      await until(async () => (host.discovery?.listeners() ?? 0) > 0)
    }
    const nowMs = Date.now()
    for (let number = 0; number < 400; number += 1)
      await flooder.discovery?.publish(signedOffer({ key: keyOf(20_000 + number), nowMs, sequence: number }))
    for (let number = 0; number < 400; number += 1)
      await flooder.discovery?.publish(signedOffer({ key: keyOf(9), nowMs, sequence: nowMs + number }))
    await honest.discovery?.publish(signedOffer({ key: keyOf(10), nowMs: Date.now() }))
    const host = await requester(bootstrap)
    // All of them are in this process, which checks what was flooded before it answers.
    let found: Awaited<ReturnType<typeof findProviders>> = []
    await until(async () => {
      found = await findProviders({ host, bootstrap }).catch(askedAgain)
      return found.some(({ provider }) => provider === honest.address)
    })
    // What others than their provider publish is no offer, whoever signed it.
    assert.deepEqual(
      found
        .map(({ provider }) => provider)
        .filter((name) => ![first.node.address, honest.address, flooder.address].includes(name)),
      [],
    )
  })
})
