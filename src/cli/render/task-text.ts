import type { TaskSummary } from '../../protocol/events.ts'
import { colouredOutcome } from './outcome-text.ts'
import { printable } from './printable.ts'
import { formatAge, formatElapsed, formatSize } from './quantities.ts'
import { fieldLines, tableLines } from './table.ts'
import { shortTaskIds } from '../task-ids.ts'
import type { Colors } from './terminal.ts'

export interface TasksText {
  readonly tasks: readonly TaskSummary[]
  readonly nowMs: number
  readonly width: number
  readonly colors: Colors
}

/** `souk tasks list` for a person. */
export function tasksLines({ tasks, nowMs, width, colors }: TasksText): readonly string[] {
  const short = shortTaskIds(tasks.map(({ taskId }) => taskId))
  return tableLines({
    columns: [
      { title: 'TASK' },
      { title: 'NAME', flexible: true },
      { title: 'RUNTIME' },
      { title: 'STATE' },
      { title: 'AGE', align: 'right' },
      { title: 'TIME', align: 'right' },
      { title: 'OUTCOME', flexible: true },
    ],
    rows: tasks.map((task) => [
      short.get(task.taskId) ?? task.taskId,
      printable(task.name),
      task.runtime,
      stateText(task, colors),
      formatAge(nowMs - task.acceptedAtMs),
      timeText(task, nowMs),
      outcomeCell(task, colors),
    ]),
    width,
    heading: colors.bold,
  })
}

/** `souk tasks show` for a person. */
export function summaryLines({
  summary,
  provider,
  colors,
}: {
  readonly summary: TaskSummary
  readonly provider: string
  readonly colors: Colors
}): readonly string[] {
  const { acceptedAtMs, startedAtMs, finishedAtMs, attempts, stdoutBytes, stderrBytes } = summary
  const time = (atMs: number): string => new Date(atMs).toISOString()
  const fields: (readonly [string, string])[] = [
    ['task', summary.taskId],
    ['name', `${printable(summary.name)}, ${summary.runtime}`],
    ['provider', provider],
    ['state', stateText(summary, colors)],
    ['outcome', outcomeCell(summary, colors)],
    ['accepted', time(acceptedAtMs)],
  ]
  if (startedAtMs !== undefined)
    fields.push(['started', `${time(startedAtMs)}${attempts > 1 ? `, attempt ${attempts}` : ''}`])
  if (finishedAtMs !== undefined) fields.push(['ended', time(finishedAtMs)])
  fields.push(['output', `${formatSize(stdoutBytes)} stdout, ${formatSize(stderrBytes)} stderr`])
  return fieldLines({ name: colors.dim, fields: fields.filter(([, value]) => value !== '') })
}

function stateText({ state }: TaskSummary, colors: Colors): string {
  if (state === 'finished') return state
  return state === 'failed' ? colors.red(state) : colors.cyan(state)
}

/** How long it ran, or has been running. */
function timeText({ startedAtMs, finishedAtMs }: TaskSummary, nowMs: number): string {
  return startedAtMs === undefined ? '' : formatElapsed((finishedAtMs ?? nowMs) - startedAtMs)
}

function outcomeCell({ outcome, errorCode }: TaskSummary, colors: Colors): string {
  if (outcome !== undefined) return colouredOutcome(outcome, colors)
  return errorCode === undefined ? '' : colors.red(errorCode)
}
