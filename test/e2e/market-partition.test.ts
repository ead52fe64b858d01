import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MarketPeerCommand, MarketPeerOptions, MarketPeerView } from '../fixtures/market-peer.ts'
import { separateNetwork, type SeparateNetwork } from '../fixtures/network-namespaces.ts'

const HOSTS = 10
/** One on each side. */
const BOOTSTRAP = [1, 6]
const PORT = 4150
const PEER = join(import.meta.dirname, '../fixtures/market-peer.ts')

describe('a market whose network falls apart', function () {
  this.timeout(300_000)
  let network: SeparateNetwork
  const peers: { readonly number: number; readonly child: ChildProcess; readonly address: string }[] = []

  const start = async (options: Omit<MarketPeerOptions, 'listen'>): Promise<string> => {
    const listen = `/ip4/${network.address(options.number)}/tcp/${PORT}`
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      PEER,
      JSON.stringify({ ...options, listen }),
    ]
    const child = spawn('ip', ['netns', 'exec', network.namespace(options.number), ...command], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const exited = once(child, 'exit').then(() => Promise.reject(new Error(`peer ${options.number} ended`)))
    exited.catch(() => undefined)
    const [{ address, multiaddrs }] = (await Promise.race([once(child, 'message'), exited])) as [
      { address: string; multiaddrs: string[] },
    ]
    peers.push({ number: options.number, child, address })
    return multiaddrs[0] ?? ''
  }
  const ask = async (number: number, command: MarketPeerCommand): Promise<MarketPeerView> => {
    const { child } = peerOf(number)
    const answer = once(child, 'message')
    child.send(command)
    return ((await answer) as [MarketPeerView])[0]
  }
  const peerOf = (number: number) => {
    const peer = peers.find((each) => each.number === number)
    assert(peer !== undefined)
    return peer
  }
  const all = Array.from({ length: HOSTS }, (_, index) => index + 1)
  const left = all.filter((number) => number <= HOSTS / 2)
  const right = all.filter((number) => number > HOSTS / 2)
  const until = async (
    what: string,
    numbers: readonly number[],
    so: (view: MarketPeerView) => boolean,
  ): Promise<void> => {
    const deadlineMs = performance.now() + 150_000
    for (;;) {
      const views = await Promise.all(numbers.map((number) => ask(number, { do: 'look' })))
      const missing = numbers.filter((_, index) => !so(views[index] as MarketPeerView))
      if (missing.length === 0) return
      assert(
        performance.now() < deadlineMs,
        `${what}: not at ${missing.join(', ')}: ${JSON.stringify(views[numbers.indexOf(missing[0] ?? 0)])}`,
      )
      await delay(500)
    }
  }
  const says =
    (number: number, feature: string) =>
    (view: MarketPeerView): boolean =>
      view.offers[peerOf(number).address]?.[0] === feature

  before(async () => {
    network = await separateNetwork({ hosts: HOSTS })
    const bootstrap = [await start({ number: 1, bootstrap: [] })]
    bootstrap.push(await start({ number: 6, bootstrap: [...bootstrap] }))
    await Promise.all(all.filter((number) => !BOOTSTRAP.includes(number)).map((number) => start({ number, bootstrap })))
  })
  after(async () => {
    await Promise.all(
      peers.map(async ({ child }) => {
        const ended = once(child, 'exit')
        child.disconnect()
        await ended
      }),
    )
    await network?.[Symbol.asyncDispose]()
  })

  it('knows every offer on every host', async () => {
    await until('all offers', all, ({ offers }) => Object.keys(offers).length === HOSTS)
  })

  it('goes on in each part, and comes together again', async () => {
    await network.cable('down')
    await ask(3, { do: 'offer', feature: 'left-news' })
    await ask(8, { do: 'offer', feature: 'right-news' })
    await until('news of the left', left, says(3, 'left-news'))
    await until('news of the right', right, says(8, 'right-news'))
    // No connection is left between the parts: they have to find each other anew.
    const rightAddresses = new Set(right.map((number) => peerOf(number).address))
    await until(
      'no connection across',
      left,
      ({ connected }) => !connected.some((address) => rightAddresses.has(address)),
    )
    for (const [numbers, other] of [
      [left, 8],
      [right, 3],
    ] as const)
      for (const number of numbers)
        assert(says(other, 'first')(await ask(number, { do: 'look' })), `${number} cannot have heard of it`)
    await network.cable('up')
    await until('news of the left', right, says(3, 'left-news'))
    await until('news of the right', left, says(8, 'right-news'))
    await until('a connection across', BOOTSTRAP.slice(0, 1), ({ connected }) =>
      connected.some((address) => rightAddresses.has(address)),
    )
  })
})
