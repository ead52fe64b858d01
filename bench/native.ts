import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { buildProgram, type BuiltProgram } from '../scripts/build-programs.ts'
import { createNativeExecutor } from '../src/native/executor.ts'
import { BENCH_LIMITS, executorSubject } from './executor-subject.ts'
import { smallAndGrown } from './grown.ts'
import { interleaved, throughputs, type Subject } from './interleaved.ts'
import { benchLauncher } from './launcher.ts'
import { ociPeer } from './oci-peers.ts'
import { peerMissing, type PackagedPeer } from './peer-packages.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport, type MissingPeer } from './report.ts'
import { bwrapInLoopPeer, bwrapPeer, posixSpawnPeer, spawnPeer, unsharePeer, type Peer } from './sandbox-peers.ts'

const IN_FLIGHT = 8
const GAP_MS = 50
const BURST = 5
const NS_PER_MS = 1e6
const GROWN_BYTES = 500_000_000
/** The sandboxes that throughput is compared with. */
const LOADED_PEERS: ReadonlySet<string> = new Set(['bwrap', 'runc', 'crun'])

/**
 * A program that does nothing, in the native sandbox with all its walls, beside the sandboxes that others have and
 * beside no sandbox at all, in one interleaved run.
 */
export async function native({ quick }: BenchOptions): Promise<BenchReport> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-bench-'))
  await using cleanUp = new AsyncDisposableStack()
  cleanUp.defer(() => rm(dir, { recursive: true, force: true }))
  const nothing = await build('true')
  const executor = createNativeExecutor({ launcher: benchLauncher({ dir, cleanUp }) })
  cleanUp.defer(() => executor.close())
  const capability = await executor.probe(AbortSignal.timeout(60_000))
  if (!capability.available) throw new Error(`the native runtime is not available here: ${capability.why}`)
  const ours = executorSubject({
    name: 'souk native',
    executor,
    dir: join(dir, 'jobs'),
    task: {
      runtime: 'native',
      name: 'true',
      root: { kind: 'program', ...nothing },
      command: [],
      env: {},
      inputs: [],
      outputs: [],
    },
  })
  const { peers, missing } = await startPeers({ dir, program: nothing.source })
  for (const peer of peers) cleanUp.defer(() => peer.close())

  const subjects = [ours, ...peers]
  const withGaps = await interleaved({ subjects, rounds: quick ? 2 : 60, gapMs: GAP_MS, burst: 1 })
  const backToBack = await interleaved({ subjects, rounds: quick ? 1 : 20, gapMs: 0, burst: quick ? 2 : BURST })
  const loaded = await underLoad({ ours, peers: peers.filter(({ name }) => LOADED_PEERS.has(name)), quick })
  const { small, grown } = await smallAndGrown({
    subjects: [ours, ...peers.filter(({ name }) => name === 'plain spawn')],
    bytes: quick ? GROWN_BYTES / 10 : GROWN_BYTES,
    turns: quick ? 1 : 6,
    rounds: quick ? 2 : 15,
    gapMs: GAP_MS,
  })

  const p50 = (name: string): number | undefined => percentileOf(withGaps, name, 0.5)
  const tail = (name: string): number | undefined => dividedBy(percentileOf(withGaps, name, 0.95), p50(name))
  const grownVsSmall = (name: string): number | undefined =>
    dividedBy(percentileOf(grown, name, 0.5), percentileOf(small, name, 0.5))
  const perSecond = (name: string): number | undefined => loaded.perSecond.get(name)
  return {
    name: 'native',
    cases: [
      ...casesOf(withGaps, `${GAP_MS} ms idle before`),
      ...casesOf(backToBack, 'back to back'),
      ...casesOf(small, `${GAP_MS} ms idle before, Node as it is`),
      ...casesOf(grown, `${GAP_MS} ms idle before, Node grown`),
    ],
    ratios: present({
      vsBwrap: dividedBy(p50(ours.name), p50('bwrap')),
      vsBwrapFromC: dividedBy(p50(ours.name), p50('bwrap from C')),
      vsRunc: dividedBy(p50(ours.name), p50('runc')),
      vsCrun: dividedBy(p50(ours.name), p50('crun')),
      vsSpawn: dividedBy(p50(ours.name), p50('plain spawn')),
      tailVsSpawn: dividedBy(tail(ours.name), tail('plain spawn')),
      throughputVsRunc: dividedBy(perSecond(ours.name), perSecond('runc')),
      throughputVsCrun: dividedBy(perSecond(ours.name), perSecond('crun')),
      throughputVsBwrap: dividedBy(perSecond(ours.name), perSecond('bwrap')),
      grownVsSmall: grownVsSmall(ours.name),
      spawnGrownVsSmall: grownVsSmall('plain spawn'),
    }),
    figures: present({
      tasksPerSecond: perSecond(ours.name),
      bwrapTasksPerSecond: perSecond('bwrap'),
      runcTasksPerSecond: perSecond('runc'),
      crunTasksPerSecond: perSecond('crun'),
      eventLoopDelayP99Ms: loaded.eventLoopDelayP99Ms,
    }),
    missing,
  }
}

function build(name: string): Promise<BuiltProgram> {
  return buildProgram({ file: join(import.meta.dirname, 'programs', `${name}.c`), runtime: 'native' })
}

/** The peers that can be had here, and why the others cannot. */
async function startPeers({ dir, program }: { readonly dir: string; readonly program: string }) {
  const peers: Peer[] = []
  const missing: MissingPeer[] = []
  const optionsFor = async (name: string) => {
    const folder = join(dir, name)
    await mkdir(folder)
    return { dir: folder, program, limits: BENCH_LIMITS }
  }
  const loop = (await build('spawn-loop')).source
  const packaged: readonly (readonly [PackagedPeer, () => Promise<readonly Peer[]>])[] = [
    [
      'bwrap',
      async () => [
        await bwrapPeer(await optionsFor('bwrap')),
        await bwrapInLoopPeer({ ...(await optionsFor('bwrap-loop')), loop }),
      ],
    ],
    ['runc', async () => [await ociPeer('runc', await optionsFor('runc'))]],
    ['crun', async () => [await ociPeer('crun', await optionsFor('crun'))]],
  ]
  for (const [peer, start] of packaged) {
    const why = (await peerMissing(peer)) ?? (await addWorking(peers, await start()))
    if (why !== undefined) missing.push({ peer, why })
  }
  peers.push(await unsharePeer(await optionsFor('unshare')), spawnPeer(await optionsFor('spawn')))
  peers.push(posixSpawnPeer({ loop, program }))
  return { peers, missing }
}

/** @returns why not, where one of them does not work on this host: each is run once. */
async function addWorking(peers: Peer[], candidates: readonly Peer[]): Promise<string | undefined> {
  try {
    for (const candidate of candidates) await candidate.run()
    peers.push(...candidates)
    return undefined
  } catch (error) {
    for (const candidate of candidates) await candidate.close()
    return `it does not run here: ${(error as Error).message}`
  }
}

/** Eight at a time, and what that does of ours to everything else that this process has to do. */
async function underLoad({
  ours,
  peers,
  quick,
}: {
  readonly ours: Subject
  readonly peers: readonly Peer[]
  readonly quick: boolean
}) {
  const delaysMs: number[] = []
  const perSecond = await throughputs({
    subjects: [ours, ...peers],
    inFlight: IN_FLIGHT,
    slices: quick ? 1 : 6,
    sliceMs: quick ? 300 : 1000,
    watch(subject) {
      if (subject !== ours) return () => undefined
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      return () => {
        delay.disable()
        delaysMs.push(delay.percentile(99) / NS_PER_MS)
      }
    },
  })
  return { perSecond, eventLoopDelayP99Ms: percentile(delaysMs, 0.5) }
}

type Times = ReadonlyMap<string, readonly number[]>

function casesOf(times: Times, how: string) {
  return [...times].map(([name, timesMs]) => benchCase(`${name}, ${how}`, timesMs))
}

function percentileOf(times: Times, name: string, part: number): number | undefined {
  const timesMs = times.get(name)
  return timesMs && percentile(timesMs, part)
}

function dividedBy(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other
}

/** What there is to tell: a peer that is missing has no ratio. */
function present(values: Readonly<Record<string, number | undefined>>): Readonly<Record<string, number>> {
  const known = Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== undefined)
  return Object.fromEntries(known.map(([key, value]) => [key, round(value)]))
}
