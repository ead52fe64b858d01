/**
 * `npm run demo:paid [-- --json]`: a chain, three providers and a requester, each in processes of their own on loopback. The requester's side is the
 * `souk` command as a person would type it: quotes, channels, a task at the cheapest, a quorum in which one provider lies and the proof of it, and
 * at the end the balances, which are the receipts' sums to the wei. Nothing is left behind.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadOrCreateKey } from '../src/identity/key-file.ts'
import type { Receipt } from '../src/protocol/receipt.ts'
import { formatWei } from '../src/protocol/units.ts'
import { buildWasmSandbox, IN_CLONE } from './build-wasm-sandbox.ts'
import { startDemoChain, type DemoChain } from './demo-paid-chain.ts'
import { endChild, greetingOf } from './demo-processes.ts'
import { createDemoShell, type DemoShell } from './demo-shell.ts'
import { createDemoVoice } from './demo-voice.ts'

const root = join(import.meta.dirname, '..')
const TASK = join('examples', 'estimate-pi.yaml')
const TIMEOUT_MS = 300_000
const ETHER = 10n ** 18n
const GWEI = 10n ** 9n
/** By name; what a million units of fuel cost there. The third one lies. */
const PROVIDERS = [
  { name: 'cheap', millionFuelWei: 10_000n * GWEI, lies: false },
  { name: 'solid', millionFuelWei: 15_000n * GWEI, lies: false },
  { name: 'liar', millionFuelWei: 20_000n * GWEI, lies: true },
] as const

interface DemoProvider {
  readonly name: string
  readonly dir: string
  readonly address: string
  /** Who is paid: a key that the node does not have. */
  readonly payee: string
  readonly multiaddr: string
  process: ChildProcess
  /** As it was started, but on the same port. */
  startAgain(): Promise<ChildProcess>
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const voice = createDemoVoice({ stream: values.json ? process.stderr : process.stdout })
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort(new Error(signal)))
process.exitCode = await demo().catch((error: unknown) => {
  if (!interrupted.signal.aborted) throw error
  voice.say(`\nEnded early: ${(interrupted.signal.reason as Error).message}.`)
  return 1
})

async function demo(): Promise<number> {
  const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(TIMEOUT_MS)])
  const startMs = performance.now()
  const dir = await mkdtemp(join(tmpdir(), 'souk-demo-paid-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  await buildWasmSandbox(IN_CLONE)
  const chain = await startDemoChain()
  cleanUp.defer(() => chain.stop())
  voice.say(`chain      ${chain.url}, chain id ${chain.chainId}; souk's channels are the contract ${chain.contract}`)
  const home = join(dir, 'requester')
  const requester = await loadOrCreateKey({ file: join(home, 'key') })
  await chain.give(requester.address, ETHER)
  const providers: DemoProvider[] = []
  for (const about of PROVIDERS) {
    const provider = await startProvider({
      ...about,
      dir: join(dir, about.name),
      chain,
      bootstrap: providers[0]?.multiaddr,
      knows: requester.address,
      signal,
    })
    cleanUp.defer(() => endChild(provider.process))
    providers.push(provider)
    voice.say(
      `provider   ${provider.address}, "${about.name}": process ${provider.process.pid}, paid to ${provider.payee}`,
    )
  }
  const [cheap, solid, liar] = providers
  if (cheap === undefined || solid === undefined || liar === undefined) throw new Error('there are three providers')
  voice.say(`requester  ${requester.address}: has 1 coin, and knows nobody but ${cheap.multiaddr}`)
  const shell = createDemoShell({
    voice,
    cwd: root,
    signal,
    env: {
      ...process.env,
      SOUK_HOME: home,
      SOUK_BOOTSTRAP: cheap.multiaddr,
      SOUK_RPC: chain.url,
      SOUK_CONTRACT: chain.contract,
      SOUK_CHAIN_ID: String(chain.chainId),
    },
  })
  await everybodyIsKnown({ home, providers, chain, signal })
  const channels = await useTheMarket({ shell, cheap, solid, liar, home })
  await closeAll({ shell, chain, providers, channels, payer: requester.address, signal })
  const settled = await settlement({ chain, providers, home, payer: requester.address })
  tellSettlement(settled)
  if (values.json)
    process.stdout.write(
      `${JSON.stringify(settled, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
    )
  voice.say(`\nDone in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`)
  return settled.exact ? 0 : 1
}

/** Offers are passed on within seconds, not at once. */
async function everybodyIsKnown({
  home,
  providers,
  chain,
  signal,
}: {
  readonly home: string
  readonly providers: readonly DemoProvider[]
  readonly chain: DemoChain
  readonly signal: AbortSignal
}): Promise<void> {
  const env = { ...process.env, SOUK_HOME: home, SOUK_BOOTSTRAP: providers[0]?.multiaddr }
  const { run } = createDemoShell({ cwd: root, signal, env: { ...env, SOUK_CHAIN_ID: String(chain.chainId) } })
  for (let known = 0; known < providers.length;) {
    signal.throwIfAborted()
    known = (JSON.parse(await run(['offers', '--json'])) as { readonly offers: readonly unknown[] }).offers.length
  }
}

/** @returns the ids of the channels that were opened, the oldest first */
async function useTheMarket({
  shell,
  cheap,
  solid,
  liar,
  home,
}: {
  readonly shell: DemoShell
  readonly cheap: DemoProvider
  readonly solid: DemoProvider
  readonly liar: DemoProvider
  readonly home: string
}): Promise<readonly string[]> {
  const channels: string[] = []
  const open = async ({ payee, address, name }: DemoProvider, deposit: string): Promise<void> => {
    const { channelId } = await shell.runJson<{ readonly channelId: string }>(
      ['channel', 'open', payee, '--node', address, '--deposit', deposit, '--confirmations', '1', '--json'],
      `a deposit for "${name}"`,
    )
    channels.push(channelId)
  }
  voice.title('Who would run it, and for how much?')
  await shell.run(['quote', TASK])

  voice.title('A task at the cheapest, paid by a voucher')
  // What the task can come to at most is its fuel limit; the next one there needs a channel of its own.
  await open(cheap, '0.0105eth')
  await shell.run(['run', TASK, '--max-price', '0.05eth'])

  voice.title('A quorum: three providers run it, and what most of them say is the result')
  await open(cheap, '0.05eth')
  await open(solid, '0.05eth')
  await open(liar, '0.05eth')
  await shell.run(['run', TASK, '--max-price', '0.05eth', '--verify', 'quorum(3)'])

  voice.title('Two said the same, one did not: what anyone can check, offline')
  const [proof] = await readdir(join(home, 'proofs'))
  if (proof === undefined) throw new Error('the quorum has left no proof')
  await shell.run(['verify', join(home, 'proofs', proof), '--run', '--inputs', join('examples', 'programs')], {
    expectCode: 'any',
  })
  return channels
}

/**
 * The payer closes while "cheap" is away: it comes back within the challenge period, sees what happens and redeems all that
 * it has in one transaction.
 */
async function closeAll({
  shell,
  chain,
  providers,
  channels,
  signal,
}: {
  readonly shell: DemoShell
  readonly chain: DemoChain
  readonly providers: readonly DemoProvider[]
  readonly channels: readonly string[]
  readonly payer: string
  readonly signal: AbortSignal
}): Promise<void> {
  voice.title('The requester closes its channels while the providers are away')
  for (const provider of providers) await endChild(provider.process)
  for (const id of channels) await shell.run(['channel', 'close', id, '--confirmations', '1'])
  voice.step('the providers come back, and redeem their newest vouchers: one transaction each')
  for (const provider of providers) provider.process = await provider.startAgain()
  const redeems = new Set(['redeem', 'redeemBatch'])
  for (;;) {
    signal.throwIfAborted()
    const senders = new Set((await chain.calls()).filter((call) => redeems.has(call.function)).map(({ from }) => from))
    if (providers.every(({ address }) => senders.has(address))) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (const call of await chain.calls())
    voice.step(`${call.function.padEnd(12)} by ${nameOf(call.from, providers).padEnd(9)} ${call.gasUsed} gas`)
  await chain.passSeconds(chain.challengePeriodSeconds + 1)
  voice.step(`the challenge period, ${chain.challengePeriodSeconds} s, is over`)
  for (const id of channels) await shell.run(['channel', 'close', id, '--confirmations', '1'])
}

function nameOf(address: string, providers: readonly DemoProvider[]): string {
  return providers.find((provider) => provider.address === address)?.name ?? 'requester'
}

interface Settlement {
  readonly providers: readonly {
    readonly name: string
    readonly receipts: number
    readonly receiptsWei: bigint
    /** Of the payout address, which had nothing. */
    readonly balanceWei: bigint
  }[]
  readonly payer: {
    readonly hadWei: bigint
    readonly gasWei: bigint
    readonly paidWei: bigint
    readonly balanceWei: bigint
  }
  readonly batches: number
  /** Every balance is what the receipts say. */
  readonly exact: boolean
}

async function settlement({
  chain,
  providers,
  home,
  payer,
}: {
  readonly chain: DemoChain
  readonly providers: readonly DemoProvider[]
  readonly home: string
  readonly payer: string
}): Promise<Settlement> {
  const folder = join(home, 'receipts')
  const receipts = await Promise.all(
    (await readdir(folder)).map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Receipt),
  )
  const calls = await chain.calls()
  const sides = await Promise.all(
    providers.map(async ({ name, address, payee }) => {
      const own = receipts.filter((receipt) => receipt.provider === address)
      return {
        name,
        receipts: own.length,
        receiptsWei: own.reduce((sum, { priceWei }) => sum + BigInt(priceWei), 0n),
        balanceWei: await chain.balanceOf(payee),
      }
    }),
  )
  const paidWei = sides.reduce((sum, { receiptsWei }) => sum + receiptsWei, 0n)
  const gasWei = calls.filter(({ from }) => from === payer).reduce((sum, { feeWei }) => sum + feeWei, 0n)
  const balanceWei = await chain.balanceOf(payer)
  return {
    providers: sides,
    payer: { hadWei: ETHER, gasWei, paidWei, balanceWei },
    batches: calls.filter((call) => call.function === 'redeemBatch').length,
    exact:
      sides.every((side) => side.receipts > 0 && side.receiptsWei === side.balanceWei) &&
      balanceWei === ETHER - gasWei - paidWei &&
      (await chain.balanceOf(chain.contract)) === 0n,
  }
}

function tellSettlement({ providers, payer, exact }: Settlement): void {
  voice.title('Who has what')
  voice.table([
    `${'PROVIDER'.padEnd(10)}${'RECEIPTS'.padStart(9)}${'THEIR SUM, WEI'.padStart(22)}${'PAID OUT, WEI'.padStart(22)}`,
    ...providers.map(
      ({ name, receipts, receiptsWei, balanceWei }) =>
        `${name.padEnd(10)}${String(receipts).padStart(9)}${String(receiptsWei).padStart(22)}${String(balanceWei).padStart(22)}`,
    ),
  ])
  const { hadWei, gasWei, paidWei, balanceWei } = payer
  voice.say(
    `requester  had ${formatWei(hadWei)}; ${paidWei} wei for tasks, ${gasWei} wei for gas; has ${balanceWei} wei`,
  )
  voice.say(
    exact ? 'Every balance is what the receipts come to, to the wei.' : 'A balance is NOT what the receipts come to.',
  )
}

/** A node with a payout address of its own whose key it does not have, and coins for gas alone. */
async function startProvider(options: {
  readonly name: string
  readonly millionFuelWei: bigint
  readonly lies: boolean
  readonly dir: string
  readonly chain: DemoChain
  readonly bootstrap: string | undefined
  /** A requester that is given credit, so that it pays what its receipts come to, and nothing ahead. */
  readonly knows: string
  readonly signal: AbortSignal
}): Promise<DemoProvider> {
  const { name, dir, chain, bootstrap, lies, signal } = options
  await mkdir(join(dir, 'data'), { recursive: true, mode: 0o700 })
  const node = await loadOrCreateKey({ file: join(dir, 'data', 'key') })
  const cold = await loadOrCreateKey({ file: join(dir, 'cold', 'key') })
  await chain.give(node.address, ETHER)
  const shell = createDemoShell({ cwd: root, signal, env: { ...process.env, SOUK_HOME: join(dir, 'home') } })
  const authorization = join(dir, 'payout.json')
  const place = ['--contract', chain.contract, '--chain-id', String(chain.chainId)]
  await writeFile(
    authorization,
    await shell.run(['wallet', 'authorize-payout', node.address, '--key', join(dir, 'cold', 'key'), ...place]),
  )
  const file = join(dir, 'provider.yaml')
  const start = async (listen: string): Promise<{ child: ChildProcess; multiaddr: string }> => {
    await writeFile(file, configOf({ ...options, listen, authorization, payout: cold.address, bootstrap }))
    const args = lies
      ? ['--disable-warning=ExperimentalWarning', join(root, 'scripts', 'demo-paid-liar.ts'), file]
      : [join(root, 'bin', 'souk'), 'up', '--json', '--config', file]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const { multiaddrs } = await greetingOf(child, signal)
    return { child, multiaddr: multiaddrs[0] }
  }
  const { child, multiaddr } = await start('/ip4/127.0.0.1/tcp/0')
  const listen = multiaddr.replace(/\/p2p\/.*/, '')
  return {
    ...{ name, dir, multiaddr, process: child },
    address: node.address,
    payee: cold.address,
    startAgain: async () => (await start(listen)).child,
  }
}

/** JSON is YAML. */
function configOf(options: {
  readonly dir: string
  readonly listen: string
  readonly chain: DemoChain
  readonly payout: string
  readonly authorization: string
  readonly millionFuelWei: bigint
  readonly bootstrap: string | undefined
  readonly knows: string
}): string {
  const { knows, dir, listen, chain, payout, authorization, millionFuelWei, bootstrap } = options
  return JSON.stringify({
    node: { data_dir: join(dir, 'data'), log_level: 'warn' },
    network: {
      listen: [listen],
      discovery: ['dht', 'gossip'],
      ...(bootstrap !== undefined && { bootstrap: [bootstrap] }),
    },
    chain: { id: chain.chainId },
    peers: { known: [knows] },
    settlement: {
      mode: 'channel',
      rpc: [chain.url],
      contract: chain.contract,
      payout,
      payout_authorization: authorization,
      confirmations: 1,
      poll: '200ms',
      credit_known: '0.05eth',
      // Not before it has to: so that the demo's batch is one.
      redeem_gas_share: 0,
    },
    pricing: { wasm: { start: '1000gwei', million_fuel: formatWei(millionFuelWei) } },
    sandbox: { native: { enabled: false }, docker: { enabled: false }, wasm: { fuel_limit: 1_000_000_000 } },
  })
}
