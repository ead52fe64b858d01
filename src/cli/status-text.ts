import type { DeniedTotals, NodeStatus, StatusResources } from '../protocol/node-status.ts'
import { printable } from './printable.ts'
import { counted, formatAge, formatSize } from './quantities.ts'
import { describeRuntime } from './runtime-text.ts'
import { fieldLines, tableLines } from './table.ts'
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
  const capacityTable = tableLines({
    columns: ['', 'SLOTS', 'CORES', 'MEMORY', 'DISK'].map((title, index) => ({
      title,
      align: index === 0 ? 'left' : 'right',
    })),
    rows: [resourceCells('used', capacity.used), resourceCells('of', capacity.total)],
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
    ...status.runtimes.map((runtime) => describeRuntime({ runtime, colors })),
    ...deniedLines(status.denied),
  ]
}

function deniedLines(denied: readonly DeniedTotals[]): readonly string[] {
  if (denied.length === 0) return []
  const lines = denied.map(({ runtime, tasks, systemCalls, oomKills, pids }) => {
    const what = [
      ...(systemCalls > 0 ? [counted(systemCalls, 'system call')] : []),
      ...(oomKills > 0 ? [`memory, with ${counted(oomKills, 'kill')}`] : []),
      ...(pids > 0 ? [counted(pids, 'fork')] : []),
    ]
    return `${runtime} denied ${counted(tasks, 'task')}: ${what.join(', ')}`
  })
  return ['', ...lines]
}

function resourceCells(
  name: string,
  { slots, cpuMilliCores, memoryBytes, diskBytes }: StatusResources,
): readonly string[] {
  return [name, String(slots), String(cpuMilliCores / 1000), formatSize(memoryBytes), formatSize(diskBytes)]
}
