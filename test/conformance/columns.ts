import type { RuntimeName } from '../../src/protocol/execution.ts'
import type { LimitKey, RequestedLimits } from '../../src/protocol/limits.ts'
import { BEHAVIOURS, type Behaviour } from './behaviours.ts'

const MiB = 1024 * 1024

/** One column of docs/CONFORMANCE.md: a runtime in one place, where the whole table is run. */
export interface Column {
  readonly title: string
  readonly runtime: RuntimeName
  /** Where and as whom it is run, and by what; completes a sentence. */
  readonly where: string
  /** Programs that cannot be expressed there, by name, and why. */
  readonly without?: Readonly<Record<string, string>>
  /** Limits that nothing holds there, each with one that is asked for to see it refused. */
  readonly unheld?: RequestedLimits
  /** Why not; a sentence. */
  readonly whyUnheld?: string
}

const NO_PROCESSES = 'WebAssembly has no processes.'
const NO_SIGNALS = 'WebAssembly has no signals.'

export const COLUMNS = {
  wasm: {
    title: 'wasm',
    runtime: 'wasm',
    where:
      'on this host, in a process of its own and once more in the native sandbox (`test/conformance/wasm.test.ts`)',
    without: {
      'fork-until-refused': NO_PROCESSES,
      daemon: NO_PROCESSES,
      'spin-in-children': NO_PROCESSES,
      'ignore-signals': NO_SIGNALS,
      network: 'A module that imports sockets is refused.',
      'odd-results': 'Pipes and devices cannot be made; links as results are tested by themselves.',
    },
  },
  docker: {
    title: 'docker',
    runtime: 'docker',
    where: 'on an engine that the tests start (`test/conformance/docker.test.ts`)',
  },
  'docker-crun': {
    title: 'docker, crun',
    runtime: 'docker',
    where:
      'on such an engine with crun, which sees no v2 mount beside the controllers of v1 (`test/conformance/docker-crun.test.ts`)',
  },
  'docker-runsc': {
    title: 'docker, runsc',
    runtime: 'docker',
    where: 'on such an engine with gVisor (`test/conformance/docker-runsc.test.ts`)',
    without: { 'odd-results': 'gVisor makes no pipes in a folder that it shares with the host.' },
    unheld: { pids: 16 },
    whyUnheld:
      'gVisor counts no processes: a task that asks for this limit is refused. One that makes far too many is ended, by the group that its kernel is in.',
  },
  'docker-podman': {
    title: 'docker, podman',
    runtime: 'docker',
    where: "on podman's service, which speaks Docker's API (`test/conformance/docker-podman.test.ts`)",
  },
  'native-v1': {
    title: 'native, v1',
    runtime: 'native',
    where:
      'as root on this host, whose controllers are those of cgroup v1, also where a v2 mount without controllers is beside them (`test/conformance/native.test.ts`)',
  },
  'native-v2': {
    title: 'native, v2',
    runtime: 'native',
    where: 'as root in a virtual machine that has cgroup v2 alone (`test/vm`)',
  },
  'native-v2-delegated': {
    title: 'native, v2 rootless',
    runtime: 'native',
    where: 'as an ordinary user to whom a v2 group was delegated, in that machine (`test/vm`)',
  },
  'native-degraded': {
    title: 'native, degraded',
    runtime: 'native',
    where:
      'as an ordinary user without any control group, in that machine (`test/vm`) and on this host (`test/conformance/degraded.test.ts`): strict mode, which is tested there too, offers nothing',
    unheld: { memoryBytes: 64 * MiB, pids: 16, cpuCores: 1, cpuShares: 1024, cpuTimeMs: 1000, idleTimeMs: 1000 },
    whyUnheld:
      'Nothing holds this limit without a control group: `isolation.missing` names it, and a provider refuses a task that asks for it.',
  },
} as const satisfies Readonly<Record<string, Column>>

export type ColumnId = keyof typeof COLUMNS
export const COLUMN_IDS = Object.keys(COLUMNS) as readonly ColumnId[]

export const columnOf = (id: ColumnId): Column => COLUMNS[id]

export const unheldOf = ({ unheld = {} }: Column): readonly LimitKey[] => Object.keys(unheld) as LimitKey[]

/** Why a behaviour has no test in a column; undefined where it has one. */
export function whyUntested(behaviour: Behaviour, column: Column): string | undefined {
  const why = column.without?.[behaviour.program]
  if (why !== undefined) return why
  const asks = unheldOf(column).some((limit) => behaviour.limits?.[limit] !== undefined)
  if (asks && column.whyUnheld === undefined) throw new Error(`${column.title} does not say why a limit is not held`)
  return asks ? column.whyUnheld : undefined
}

/** The behaviours that have to be tested in a column. */
export function testedIn(column: Column): readonly Behaviour[] {
  return BEHAVIOURS.filter((behaviour) => whyUntested(behaviour, column) === undefined)
}
