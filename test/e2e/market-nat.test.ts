import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { EXAMPLES_DIR } from '../../scripts/build-programs.ts'
import type { NodeStatus, PeersStatus } from '../../src/protocol/node-status.ts'
import { WIRE_LIMITS } from '../../src/protocol/network/wire-limits.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { natNetwork, type NatHost, type NatNetwork } from '../fixtures/nat-network.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const PORT = 4150
const CONFIG = 'sandbox: {native: {enabled: false}, docker: {enabled: false}}\n'
const LARGE_TASK = `version: 1
runtime: {type: wasm, module: ./word-count.wasm}
command: [/in/words]
inputs: [{source: ./words, target: /in/words}]
`
const PRIMES = join(EXAMPLES_DIR, 'primes.wasm')

/** Real nodes on hosts of which some are behind routers; none is told its address. */
describe('nodes behind NAT', function () {
  this.timeout(180_000)
  let dir: string
  let network: NatNetwork
  let hub: string
  /** A task with a file that is too large for a relay. */
  let large: string
  const providers = new Map<string, ProviderProcess>()

  const start = async (name: string, { namespace }: NatHost, options: string): Promise<void> => {
    const provider = await startProvider({
      ...{ dir: join(dir, name), config: CONFIG, host: '0.0.0.0', port: PORT, namespace },
      network: `discovery: [dht, gossip], ${options}`,
    })
    providers.set(name, provider)
  }
  const here = (...args: readonly string[]): Promise<CommandEnd> => souk({ args, home: join(dir, 'requester') })
  const from = ({ namespace }: NatHost, ...args: readonly string[]): Promise<CommandEnd> =>
    souk({ args, home: join(dir, 'requester'), namespace, env: { SOUK_BOOTSTRAP: hub } })
  /** What the node says of itself, over its local socket. */
  const ask = async <T>(name: string, ...command: readonly string[]): Promise<T> => {
    const { code, stdout, stderr } = await here(...command, '--json', '--config', join(dir, name, 'provider.yaml'))
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as T
  }
  const addressesOf = async (name: string): Promise<readonly string[]> =>
    (await ask<NodeStatus>(name, 'node', 'status')).multiaddrs
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const deadlineMs = performance.now() + 60_000
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      assert(performance.now() < deadlineMs, `a minute without ${what}`)
      await delay(500)
    }
  }
  const untilTold = (name: string, start: string): Promise<string> =>
    until(`${start} among the addresses of ${name}`, async () =>
      (await addressesOf(name)).find((each) => each.startsWith(start)),
    )
  const documentOf = ({ code, stdout, stderr }: CommandEnd): RunDocument => {
    assert.equal(code, 0, `${stderr}${stdout}`)
    return runDocumentSchema.parse(JSON.parse(stdout))
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-nat-'))
    await mkdir(join(dir, 'requester'))
    large = join(dir, 'large.yaml')
    await writeFile(join(dir, 'words'), 'word '.repeat(WIRE_LIMITS.relayedBlobBytes / 4))
    await copyFile(join(EXAMPLES_DIR, 'word-count.wasm'), join(dir, 'word-count.wasm'))
    await writeFile(large, LARGE_TASK)
    network = await natNetwork({ outside: 4, homes: 2 })
    const [first, open, closed] = network.outside
    const [mapped, plain] = network.homes
    assert(first && open && closed && mapped && plain)
    await Promise.all([
      start('hub', first, 'relay: server'),
      start('open', open, 'autonat: true'),
      closed.closeFirewall(),
      mapped.startGateway(),
    ])
    const addressAt = async (name: string, { address }: NatHost): Promise<string> =>
      `/ip4/${address}/tcp/${PORT}/p2p/${(await ask<NodeStatus>(name, 'node', 'status')).peerId}`
    hub = await addressAt('hub', first)
    const other = await addressAt('open', open)
    await Promise.all([
      start('closed', closed, `bootstrap: ['${hub}', '${other}'], autonat: true`),
      start('mapped', mapped, `bootstrap: ['${hub}'], upnp: true`),
      start('relayed', plain, `bootstrap: ['${hub}'], relay: client, hole_punching: true, autonat: true`),
    ])
  })
  after(async () => {
    await Promise.all([...providers.values()].map((provider) => provider.end('SIGKILL')))
    await network?.[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  it('tells the port that its router opened, is dialled there, and gives it back', async () => {
    const [home] = network.homes
    const requester = network.outside[3]
    assert(home && requester)
    const told = await untilTold('mapped', `/ip4/${home.publicAddress}/tcp/${PORT}/`)
    assert.deepEqual(await home.openedPorts(), [PORT])
    const { receipt } = documentOf(await from(requester, 'run', '--json', '--to', told, '--wasm', PRIMES, '--', '100'))
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(receipt.provider, providers.get('mapped')?.address)
    assert.equal(await providers.get('mapped')?.end('SIGTERM'), 0)
    assert.deepEqual(await home.openedPorts(), [])
  })

  it('tells the public address that it listens on where no other node is to try it', async () => {
    assert.ok((await addressesOf('hub')).includes(hub))
  })

  it('tells its public address once another node has dialled it there, and not where nobody could', async () => {
    const [, open, closed] = network.outside
    assert(open && closed)
    await untilTold('open', `/ip4/${open.address}/tcp/${PORT}/`)
    await until('a dial that the firewall kept out', async () => ((await closed.keptOut()) > 0 ? true : undefined))
    const told = await addressesOf('closed')
    assert.deepEqual(
      told.filter((each) => each.includes(closed.address)),
      [],
    )
    // Each has dialled the other anew, beside the connection over which it was asked to.
    const { connected } = await ask<PeersStatus>('closed', 'peers')
    assert(connected.some(({ address }) => address === providers.get('open')?.address))
  })

  it('comes from a relay to a direct connection, where each side has a router that keeps port numbers', async () => {
    const [requester] = network.homes
    assert(requester)
    const to = await untilTold('relayed', `${hub}/p2p-circuit`)
    const { receipt } = documentOf(await from(requester, 'run', '--json', '--to', to, large))
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 0 })
    assert.equal(receipt.provider, providers.get('relayed')?.address)
  })

  it('stays with the relay where a router mixes them, for what is small', async () => {
    const [requester] = network.homes
    assert(requester)
    await requester.mixPorts()
    const to = await untilTold('relayed', `${hub}/p2p-circuit`)
    const refused = await from(requester, 'run', '--json', '--to', to, large)
    assert.match(refused.stdout, /CONNECTION_LIMITED/)
    const { receipt } = documentOf(await from(requester, 'run', '--json', '--to', to, '--wasm', PRIMES, '--', '100'))
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 0 })
  })
})
