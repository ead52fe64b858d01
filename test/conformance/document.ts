import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/protocol/execution.ts'
import { BEHAVIOURS, type Behaviour } from './behaviours.ts'

const DOCUMENT = fileURLToPath(new URL('../../docs/CONFORMANCE.md', import.meta.url))

interface Cell {
  readonly tested: boolean
  /** Why there is no test of it, or how the runtime differs. */
  readonly note?: string
}

/** What each runtime does, by the behaviour's name. */
const runtimes = new Map<RuntimeName, Map<string, Cell>>()

/** Notes that a test of this behaviour is defined for a runtime, or why there is none. */
export function documentBehaviour({
  behaviour,
  runtime,
  without,
}: {
  readonly behaviour: Behaviour
  readonly runtime: RuntimeName
  readonly without: string | undefined
}): void {
  const column = runtimes.get(runtime) ?? new Map<string, Cell>()
  const note = without ?? behaviour.in?.[runtime]?.why
  runtimes.set(
    runtime,
    column.set(behaviour.name, { tested: without === undefined, ...(note !== undefined && { note }) }),
  )
}

/** docs/CONFORMANCE.md, of the runtimes that were noted. */
export function renderDocument(): string {
  const cells = BEHAVIOURS.map(({ name }) => RUNTIME_NAMES.map((runtime) => runtimes.get(runtime)?.get(name)))
  const notes = [...new Set(cells.flat().flatMap((cell) => cell?.note ?? []))]
  const text = (cell: Cell | undefined): string => {
    const mark = cell?.note === undefined ? '' : ` (${notes.indexOf(cell.note) + 1})`
    return `${cell?.tested === true ? 'yes' : 'no'}${mark}`
  }
  const row = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`
  const lines = [
    '# What every runtime does the same',
    '',
    'Written by the tests in test/conformance: each line is one small C program in test/fixtures/programs, compiled for the',
    'runtime and run through its executor, and what came of it compared in full. `yes` is a test that has to pass; a note beside',
    'it says in what the runtime differs, which is tested as well.',
    '',
    row(['Behaviour', ...RUNTIME_NAMES]),
    row(['---', ...RUNTIME_NAMES.map(() => '---')]),
    ...BEHAVIOURS.map(({ name }, index) => row([name.replaceAll('|', '\\|'), ...(cells[index] ?? []).map(text)])),
    ...notes.flatMap((note, index) => ['', `(${index + 1}) ${note}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Brings the document up to date; where CI is set it must be so already. */
export async function checkDocument(): Promise<void> {
  const missing = RUNTIME_NAMES.filter((runtime) => !runtimes.has(runtime))
  assert.deepEqual(missing, [], 'this test runs together with those of every runtime')
  const wanted = renderDocument()
  if (process.env['CI'] === undefined) await writeFile(DOCUMENT, wanted)
  else
    assert.equal(
      await readFile(DOCUMENT, 'utf8'),
      wanted,
      'docs/CONFORMANCE.md is not what the tests say: run them once without CI and commit it',
    )
}
