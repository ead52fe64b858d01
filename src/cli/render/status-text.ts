import type { DeniedTotals, NodeStatus, StatusResources } from '../../protocol/node-status.ts'
import { printable } from './printable.ts'
import { counted, formatAge, formatElapsed, formatSize } from './quantities.ts'
import { describeRuntime } from './runtime-text.ts'
import { fieldLines, tableLines } from './table.ts'
import { shortTaskIds } from '../task-ids.ts'
import type { Colors } from './terminal.ts'

export interface StatusText {
  readonly status: NodeStatus
  readonly nowMs: number
  readonly width: number
  readonly colors: Colors
}

/** `souk node status` for a person. */
export function statusLines({ status, nowMs, width, colors }: StatusText): readonly string[] {
  const { tasks, capacity, storage } = status
  const state = status.stopping ? colors.yellow('stopping') : colors.green('serving')
  const fields = fieldLines({
    name: colors.dim,
    fields: [
      ['node', `${state} for ${formatAge(nowMs - status.startedAtMs)}, souk ${status.version}, process ${status.pid}`],
      ['address', status.address],
      ['peer', status.peerId],
      ...status.multiaddrs.map((multiaddr, index): [string, string] => [
        index === 0 ? 'listens' : '',
        printable(multiaddr),
      ]),
      ...(status.chainId === 0 ? [] : [['chain', String(status.chainId)] as [string, string]]),
      ['peers', counted(status.connections, 'connection')],
      ['storage', `${formatSize(storage.bytes)} of ${formatSize(storage.quotaBytes)}`],
    ],
  })
  const taskTable = tableLines({
    columns: ['QUEUED', 'PREPARING', 'RUNNING', 'FINISHED', 'FAILED'].map((title) => ({ title, align: 'right' })),
    rows: [[tasks.queued, tasks.preparing, tasks.running, tasks.finished, tasks.failed].map(String)],
    width,
    heading: colors.bold,
  })
  const hasGpus = capacity.total.gpus > 0
  const capacityTable = tableLines({
    columns: ['', 'SLOTS', 'CORES', 'MEMORY', 'DISK', ...(hasGpus ? ['GPUS'] : [])].map((title, index) => ({
      title,
      align: index === 0 ? 'left' : 'right',
    })),
    rows: [resourceCells('used', capacity.used, hasGpus), resourceCells('of', capacity.total, hasGpus)],
    width,
    heading: colors.bold,
  })
  return [
    ...fields,
    '',
    ...taskTable,
    '',
    ...capacityTable,
    '',
    ...runningLines({ status, nowMs, width, colors }),
    ...status.runtimes.map((runtime) => describeRuntime({ runtime, colors })),
    ...deniedLines(status.denied),
  ]
}

/** What each running task uses now, of what it may. */
function runningLines({ status: { running }, nowMs, width, colors }: StatusText): readonly string[] {
  if (running.length === 0) return []
  const short = shortTaskIds(running.map(({ taskId }) => taskId))
  const lines = tableLines({
    columns: [
      { title: 'RUNNING' },
      { title: 'NAME', flexible: true },
      { title: 'RUNTIME' },
      { title: 'TIME', align: 'right' },
      { title: 'CORES', align: 'right' },
      { title: 'CPU TIME', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'PIDS', align: 'right' },
    ],
    rows: running.map(({ taskId, name, runtime, startedAtMs, usage, limits }) => [
      short.get(taskId) ?? taskId,
      printable(name),
      runtime,
      formatElapsed(nowMs - startedAtMs),
      ofLimit(usage?.cpuCores, limits.cpuCores, String),
      ofLimit(usage?.cpuTimeMs, limits.cpuTimeMs, formatElapsed),
      ofLimit(usage?.memoryBytes, limits.memoryBytes, formatSize),
      ofLimit(usage?.pids, limits.pids, String),
    ]),
    width,
    heading: colors.bold,
  })
  return [...lines, '']
}

/** `12 MB, 19%`: what is used, and how much of its limit that is. */
function ofLimit(used: number | undefined, limit: number | undefined, shown: (value: number) => string): string {
  if (used === undefined) return ''
  return limit === undefined ? shown(used) : `${shown(used)}, ${Math.round((100 * used) / limit)}%`
}

function deniedLines(denied: readonly DeniedTotals[]): readonly string[] {
  if (denied.length === 0) return []
  const lines = denied.map(({ runtime, tasks, systemCalls, oomKills, memoryReclaims, pids, fullDisks, images }) => {
    const what = [
      ...(systemCalls > 0 ? [counted(systemCalls, 'system call')] : []),
      ...(oomKills > 0 ? [`memory, with ${counted(oomKills, 'kill')}`] : []),
      ...(memoryReclaims > 0 ? [`memory past its limit, ${counted(memoryReclaims, 'time')}`] : []),
      ...(pids > 0 ? [counted(pids, 'fork')] : []),
      ...(fullDisks > 0 ? [counted(fullDisks, 'full disk')] : []),
      ...(images > 0 ? [counted(images, 'image')] : []),
    ]
    return `${runtime} denied ${counted(tasks, 'task')}: ${what.join(', ')}`
  })
  return ['', ...lines]
}

function resourceCells(
  name: string,
  { slots, cpuMilliCores, memoryBytes, diskBytes, gpus }: StatusResources,
  withGpus: boolean,
): readonly string[] {
  const cells = [name, String(slots), String(cpuMilliCores / 1000), formatSize(memoryBytes), formatSize(diskBytes)]
  return withGpus ? [...cells, String(gpus)] : cells
}
