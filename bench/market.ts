import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Client } from '../src/client/connect.ts'
import type { LoadedTask } from '../src/client/load-task.ts'
import { startBareStream } from './bare-stream.ts'
import {
  EMPTY_MODULE,
  moduleTask,
  newKey,
  runMany,
  runOne,
  startBenchProvider,
  type BenchProvider,
} from './bench-provider.ts'
import { peersOnHub } from './hub.ts'
import { paidOneAtATime } from './paid.ts'
import { quotesOfMany } from './quotes.ts'
import { wasmThroughNetwork } from './market-wasm.ts'
import type { ProviderStats } from './provider-child.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport } from './report.ts'

const MIB = 1024 * 1024
const IN_FLIGHT = 64
const IDLE_MS = 50
/** A provider serves for days: V8 has compiled by then what the first hundreds of tasks are interpreted with. */
const WARM_UPS = 300
const FIRST = 20

/**
 * What the marketplace costs: a requester (this process) and a provider (another) on loopback, with an executor that
 * returns at once. The journal is on disk, with every commit synced.
 */
export async function market({ quick }: BenchOptions): Promise<BenchReport> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-bench-'))
  const cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  try {
    const key = newKey()
    const provider = await startBenchProvider({ dataDir: join(dir, 'provider'), requester: key.address })
    cleanUp.defer(() => provider.stop())
    const client = await connect({ to: provider.greeting.multiaddr, key })
    cleanUp.defer(() => client.close())
    const task = await moduleTask({ dir, module: EMPTY_MODULE })
    const idle = await provider.ask<ProviderStats>('stats')

    const oneByOne = await oneAtATime({ client, task, count: quick ? 10 : 200, warmUps: quick ? 5 : WARM_UPS })
    const transfers = await blobAgainstBareStream({
      client,
      dir,
      bytes: (quick ? 4 : 128) * MIB,
      rounds: quick ? 2 : 7,
    })
    const many = await manyAtATime({ client, task, provider, durationMs: quick ? 500 : 6000 })
    const busy = await provider.ask<ProviderStats>('stats')
    // Each of these has a provider of its own: this one is not to hold them up.
    await client.close()
    await provider.stop()
    const paid = await paidOneAtATime({
      dir: join(dir, 'paid'),
      count: quick ? 10 : 200,
      first: quick ? 2 : FIRST,
      warmUps: quick ? 5 : WARM_UPS,
      idleMs: IDLE_MS,
    })
    const wasm = await wasmThroughNetwork({ dir: join(dir, 'wasm'), durationMs: quick ? 300 : 5000 })
    const quotes = await quotesOfMany({
      dir: join(dir, 'quotes'),
      providers: 20,
      rounds: quick ? 2 : 40,
      idleMs: IDLE_MS,
    })
    const hub = await peersOnHub({
      dir: join(dir, 'hub'),
      peers: quick ? 6 : 600,
      tasks: quick ? 3 : 100,
      idleMs: IDLE_MS,
    })

    const mib = transfers.bytes / MIB
    return {
      name: 'market',
      cases: [
        benchCase(`submit to receipt, ${IDLE_MS} ms idle between`, oneByOne.timesMs),
        benchCase(`submit with a voucher to receipt, ${IDLE_MS} ms idle between`, paid.timesMs),
        benchCase(`submit to receipt, ${IN_FLIGHT} in flight`, many.timesMs),
        benchCase(`hello as WebAssembly, submit to receipt, ${wasm.inFlight} in flight`, wasm.timesMs),
        benchCase(`quotes of ${quotes.providers} providers at once, ${IDLE_MS} ms idle between`, quotes.timesMs),
        benchCase(`submit to receipt, ${IDLE_MS} ms idle between, ${hub.peers} other peers connected`, hub.timesMs),
        benchCase(`input blob of ${mib} MiB`, transfers.blobMs),
        benchCase(`bare libp2p stream of ${mib} MiB`, transfers.bareMs),
      ],
      ratios: { blobVsBareStream: round(percentile(transfers.ratios, 0.5)) },
      figures: {
        overheadP50Ms: round(percentile(paid.overheadMs, 0.5)),
        overheadP95Ms: round(percentile(paid.overheadMs, 0.95)),
        overheadFirstP50Ms: round(percentile(paid.firstOverheadMs, 0.5)),
        overheadFreeP50Ms: round(percentile(oneByOne.overheadMs, 0.5)),
        overheadFreeP95Ms: round(percentile(oneByOne.overheadMs, 0.95)),
        noopTasksPerSecond: round(many.tasksPerSecond),
        tasksPerSecond: round(wasm.tasksPerSecond),
        quoteOf20Ms: round(percentile(quotes.timesMs, 0.5)),
        peersOnHub: hub.peers,
        bytesPerPeerOnHub: round(hub.bytesPerPeer),
        providerCpuMsPerTask: round(many.providerCpuMsPerTask),
        requesterCpuMsPerTask: round(many.requesterCpuMsPerTask),
        blobMiBPerSecond: round((mib * 1000) / percentile(transfers.blobMs, 0.5)),
        bareStreamMiBPerSecond: round((mib * 1000) / percentile(transfers.bareMs, 0.5)),
        providerIdleRssBytes: idle.rssBytes,
        providerBusyRssBytes: busy.rssBytes,
        requesterRssBytes: process.memoryUsage.rss(),
      },
    }
  } finally {
    await cleanUp.disposeAsync()
  }
}

/** Back to back would hide what waking up costs. */
async function oneAtATime({
  client,
  task,
  count,
  warmUps,
}: {
  readonly client: Client
  readonly task: LoadedTask
  readonly count: number
  readonly warmUps: number
}) {
  const timesMs: number[] = []
  const overheadMs: number[] = []
  for (let warmUp = 0; warmUp < warmUps; warmUp++) await runOne(client, task)
  for (let index = 0; index < count; index++) {
    await sleep(IDLE_MS)
    const run = await runOne(client, task)
    timesMs.push(run.totalMs)
    overheadMs.push(run.overheadMs)
  }
  return { timesMs, overheadMs }
}

async function manyAtATime(options: {
  readonly client: Client
  readonly task: LoadedTask
  readonly provider: BenchProvider
  readonly durationMs: number
}) {
  const { client, task, provider, durationMs } = options
  const before = await provider.ask<ProviderStats>('stats')
  const cpuBefore = process.cpuUsage()
  const many = await runMany({ inFlight: IN_FLIGHT, durationMs, run: () => runOne(client, task) })
  const { user, system } = process.cpuUsage(cpuBefore)
  const after = await provider.ask<ProviderStats>('stats')
  const count = many.timesMs.length
  return {
    ...many,
    providerCpuMsPerTask: (after.cpuMs - before.cpuMs) / count,
    requesterCpuMsPerTask: (user + system) / 1000 / count,
  }
}

/**
 * An input of a task, from a file here to the provider's store: digested, written and synced there. Against the same
 * bytes over a bare stream to a process that drops them. In turns, so that a noisy neighbour disturbs both.
 */
async function blobAgainstBareStream(options: {
  readonly client: Client
  readonly dir: string
  readonly bytes: number
  readonly rounds: number
}) {
  const { client, dir, bytes, rounds } = options
  const bare = await startBareStream()
  try {
    const blobMs: number[] = []
    const bareMs: number[] = []
    for (let round = -1; round < rounds; round++) {
      const input = join(dir, `input-${round}`)
      await writeRandomFile(input, bytes)
      const task = await moduleTask({ dir, module: EMPTY_MODULE, input })
      const bareTime = await bare.copy(bytes)
      const blobTime = await runOne(client, task)
      await rm(input)
      // The first round warms both up.
      if (round < 0) continue
      bareMs.push(bareTime)
      blobMs.push(blobTime.totalMs)
    }
    return { bytes, blobMs, bareMs, ratios: blobMs.map((ms, index) => (bareMs[index] ?? Number.NaN) / ms) }
  } finally {
    await bare.stop()
  }
}

async function writeRandomFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (let written = 0; written < bytes; written += MIB) await file.write(randomBytes(MIB))
  } finally {
    await file.close()
  }
}
