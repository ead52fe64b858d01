import { BEHAVIOURS } from '../../test/conformance/behaviours.ts'
import { COLUMN_IDS, columnOf, whyUntested, type Column } from '../../test/conformance/columns.ts'
import { page, table } from './markdown.ts'
import { preview1Sections } from './preview1.ts'
import { wasmSpecSection } from './wasm-spec.ts'

/** docs/CONFORMANCE.md */
export function conformancePage(): string {
  const columns = COLUMN_IDS.map((id) => columnOf(id))
  const notes: string[] = []
  const noted = (note: string): string => {
    if (!notes.includes(note)) notes.push(note)
    return `(${notes.indexOf(note) + 1})`
  }
  const rows = BEHAVIOURS.map((behaviour) => [
    behaviour.name,
    ...columns.map((column: Column) => {
      const untested = whyUntested(behaviour, column)
      const note = untested ?? behaviour.in?.[column.runtime]?.why
      return `${untested === undefined ? 'yes' : 'no'}${note === undefined ? '' : ` ${noted(note)}`}`
    }),
  ])
  return page([
    '# What every runtime does the same',
    [
      'Each line is one small C program in test/fixtures/programs, compiled for the runtime and run through its executor, and what came of it compared in full.',
      '`yes` is a test that has to pass in this column, on every run of `npm test`; a note beside it says in what the runtime differs, which is tested as well.',
    ].join(' '),
    columns.map(({ title, where }) => `- **${title}**: ${where}`).join('\n'),
    table({ head: ['Behaviour', ...columns.map(({ title }) => title)], rows }),
    notes.map((note, index) => `(${index + 1}) ${note}`).join('\n\n'),
    ...preview1Sections(),
    ...wasmSpecSection(),
  ])
}
