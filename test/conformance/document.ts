import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { BEHAVIOURS } from './behaviours.ts'

const DOCUMENT = fileURLToPath(new URL('../../docs/CONFORMANCE.md', import.meta.url))

/** What each runtime does, by behaviour: undefined is yes, text is why not. */
const runtimes = new Map<string, Map<string, string | undefined>>()

/** Notes that a test of this behaviour is defined for a runtime, or why there is none. */
export function documentBehaviour({
  behaviour,
  runtime,
  without,
}: {
  readonly behaviour: string
  readonly runtime: string
  readonly without: string | undefined
}): void {
  const column = runtimes.get(runtime) ?? new Map<string, string | undefined>()
  runtimes.set(runtime, column.set(behaviour, without))
}

/** docs/CONFORMANCE.md, of the runtimes that were noted. */
export function renderDocument(): string {
  const names = [...runtimes.keys()].sort()
  const reasons = [
    ...new Set(
      [...runtimes.values()].flatMap((column) => [...column.values()]).filter((reason) => reason !== undefined),
    ),
  ]
  const cell = (runtime: string, behaviour: string): string => {
    const reason = runtimes.get(runtime)?.get(behaviour)
    return reason === undefined ? 'yes' : `no (${reasons.indexOf(reason) + 1})`
  }
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const lines = [
    '# What every runtime does the same',
    '',
    'Written by the tests in test/conformance: each line is one small C program in test/fixtures/programs, compiled for the',
    'runtime and run through its executor, and what came of it compared in full. `yes` is a test that has to pass.',
    '',
    row(['Behaviour', ...names]),
    row(['---', ...names.map(() => '---')]),
    ...BEHAVIOURS.map(({ name }) => row([name.replaceAll('|', '\\|'), ...names.map((runtime) => cell(runtime, name))])),
    ...reasons.flatMap((reason, index) => ['', `(${index + 1}) ${reason}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Brings the document up to date; where CI is set it must be so already. */
export async function checkDocument(): Promise<void> {
  assert.ok(runtimes.size > 0, 'this test runs together with those of the runtimes')
  const wanted = renderDocument()
  if (process.env['CI'] === undefined) await writeFile(DOCUMENT, wanted)
  else
    assert.equal(
      await readFile(DOCUMENT, 'utf8'),
      wanted,
      'docs/CONFORMANCE.md is not what the tests say: run them once without CI and commit it',
    )
}
