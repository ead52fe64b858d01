import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { buildProgram, type BuiltProgram } from '../scripts/build-programs.ts'
import { createNativeExecutor } from '../src/native/executor.ts'
import { BENCH_LIMITS, executorSubject } from './executor-subject.ts'
import { interleaved, throughput, type Subject } from './interleaved.ts'
import { benchLauncher } from './launcher.ts'
import { peerMissing } from './peer-packages.ts'
import { benchCase, percentile, round, type BenchOptions, type BenchReport, type MissingPeer } from './report.ts'
import { bwrapPeer, posixSpawnPeer, runcPeer, spawnPeer, unsharePeer, type Peer } from './sandbox-peers.ts'

const IN_FLIGHT = 8
const GAP_MS = 50
const BURST = 5
const NS_PER_MS = 1e6

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
  const loaded = await underLoad({ subject: ours, durationMs: quick ? 300 : 5000 })
  const runc = peers.find(({ name }) => name === 'runc')
  const runcPerSecond =
    runc && (await throughput({ subject: runc, inFlight: IN_FLIGHT, durationMs: quick ? 300 : 5000 }))

  const p50 = (name: string): number | undefined => percentileOf(withGaps, name, 0.5)
  const tail = (name: string): number | undefined => dividedBy(percentileOf(withGaps, name, 0.95), p50(name))
  return {
    name: 'native',
    cases: [...casesOf(withGaps, `${GAP_MS} ms idle before`), ...casesOf(backToBack, 'back to back')],
    ratios: present({
      vsBwrap: dividedBy(p50(ours.name), p50('bwrap')),
      vsRunc: dividedBy(p50(ours.name), p50('runc')),
      vsSpawn: dividedBy(p50(ours.name), p50('plain spawn')),
      tailVsSpawn: dividedBy(tail(ours.name), tail('plain spawn')),
      throughputVsRunc: dividedBy(loaded.perSecond, runcPerSecond),
    }),
    figures: present({
      tasksPerSecond: loaded.perSecond,
      runcTasksPerSecond: runcPerSecond,
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
  for (const [peer, start] of [
    ['bwrap', bwrapPeer],
    ['runc', runcPeer],
  ] as const) {
    const why = await peerMissing(peer)
    if (why === undefined) peers.push(await start(await optionsFor(peer)))
    else missing.push({ peer, why })
  }
  peers.push(await unsharePeer(await optionsFor('unshare')), spawnPeer(await optionsFor('spawn')))
  peers.push(posixSpawnPeer({ loop: (await build('spawn-loop')).source, program }))
  return { peers, missing }
}

/** Eight at a time, and what that does to everything else that this process has to do. */
async function underLoad({ subject, durationMs }: { readonly subject: Subject; readonly durationMs: number }) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const perSecond = await throughput({ subject, inFlight: IN_FLIGHT, durationMs })
  delay.disable()
  return { perSecond, eventLoopDelayP99Ms: delay.percentile(99) / NS_PER_MS }
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
