import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MarketPeerOptions, MarketPeerView } from '../fixtures/market-peer.ts'
import { separateNetwork, type SeparateNetwork } from '../fixtures/network-namespaces.ts'

const PEER = join(import.meta.dirname, '../fixtures/market-peer.ts')

describe('a market in a local network', function () {
  this.timeout(120_000)
  let network: SeparateNetwork
  const children: ChildProcess[] = []
  const start = async (number: number): Promise<{ readonly child: ChildProcess; readonly address: string }> => {
    const options: MarketPeerOptions = {
      number,
      listen: `/ip4/${network.address(number)}/tcp/4150`,
      bootstrap: [],
      mdns: true,
    }
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', PEER, JSON.stringify(options)]
    const child = spawn('ip', ['netns', 'exec', network.namespace(number), ...command], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    children.push(child)
    const exited = once(child, 'exit').then(() => Promise.reject(new Error(`peer ${number} ended`)))
    exited.catch(() => undefined)
    const [{ address }] = (await Promise.race([once(child, 'message'), exited])) as [{ address: string }]
    return { child, address }
  }
  before(async () => {
    // Multicast stays on the switches of these namespaces.
    network = await separateNetwork({ hosts: 2 })
  })
  after(async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null) return
        const ended = once(child, 'exit')
        child.disconnect()
        await ended
      }),
    )
    await network?.[Symbol.asyncDispose]()
  })

  it('is found by multicast, by nodes that know nobody', async () => {
    const [one, other] = [await start(1), await start(2)]
    const look = async (): Promise<MarketPeerView> => {
      const answer = once(one.child, 'message')
      one.child.send({ do: 'look' })
      return ((await answer) as [MarketPeerView])[0]
    }
    const deadlineMs = performance.now() + 90_000
    for (let view = await look(); view.offers[other.address] === undefined; view = await look()) {
      assert(performance.now() < deadlineMs, `nobody was found: ${JSON.stringify(view)}`)
      await delay(250)
    }
    assert((await look()).connected.includes(other.address))
  })
})
