import { outcomeText } from '../src/cli/render/outcome-text.ts'
import { printable } from '../src/cli/render/printable.ts'
import { formatElapsed, formatSize } from '../src/cli/render/quantities.ts'
import { tableLines, wrapped } from '../src/cli/render/table.ts'
import type { RunDocument } from '../src/protocol/run-document.ts'

/** What was signed of each task, a line each: heading first. */
export function receiptTable({
  documents,
  width,
}: {
  readonly documents: readonly RunDocument[]
  readonly width: number
}): readonly string[] {
  return tableLines({
    width,
    columns: [
      { title: 'TASK', flexible: true },
      { title: 'RUNTIME' },
      { title: 'OUTCOME' },
      { title: 'LIMITS MET' },
      { title: 'WALL', align: 'right' },
      { title: 'CPU', align: 'right' },
      { title: 'MEMORY', align: 'right' },
    ],
    rows: documents.map(({ name, runtime, outcome, usage }) => [
      name,
      runtime,
      outcomeText(outcome),
      usage.limitsHit.join(', '),
      formatElapsed(usage.wallTimeMs),
      formatElapsed(usage.cpuTimeMs),
      usage.memoryPeakBytes > 0 ? formatSize(usage.memoryPeakBytes) : '',
    ]),
  })
}

/** The walls of each runtime, as its provider signed them, outermost first. */
export function wallLines({
  documents,
  width,
}: {
  readonly documents: readonly RunDocument[]
  readonly width: number
}): readonly string[] {
  const byRuntime = new Map(documents.map(({ runtime, isolation }) => [runtime, isolation]))
  return [...byRuntime].flatMap(([runtime, { layers }]) =>
    wrapped({ text: printable(layers.join(', ')), width: Math.min(width, MOST_WIDE) - INDENT }).map(
      (line, index) => `${index === 0 ? runtime : ''}`.padEnd(INDENT) + line,
    ),
  )
}

const MOST_WIDE = 120
const INDENT = 8
