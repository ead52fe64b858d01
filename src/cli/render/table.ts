import { stripVTControlCharacters } from 'node:util'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut where the table is too wide. */
  readonly flexible?: boolean
}

export interface Table {
  readonly columns: readonly Column[]
  /** Cells may hold colours, but no line breaks. */
  readonly rows: readonly (readonly string[])[]
  /** The most characters in a line; Infinity where nobody looks. */
  readonly width: number
  /** How the heading is shown. */
  readonly heading?: (line: string) => string
}

const GAP = '  '
const LEAST_FLEXIBLE = 8

/** A table as lines, each column as wide as its widest cell; flexible ones give way where the width does not do. */
export function tableLines({ columns, rows, width, heading = (line) => line }: Table): readonly string[] {
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[index] ?? ''))),
  )
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1)) - width
  const flexible = columns.flatMap((column, index) => (column.flexible === true ? [index] : []))
  for (; excess > 0; excess -= 1) {
    const widest = flexible.reduce((most, index) => Math.max(most, widths[index] ?? 0), 0)
    if (widest <= LEAST_FLEXIBLE) break
    widths[flexible.find((index) => widths[index] === widest) ?? 0] = widest - 1
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) =>
        padded(shortened(cells[index] ?? '', widths[index] ?? 0), widths[index] ?? 0, column.align),
      )
      .join(GAP)
      .trimEnd()
  return [heading(line(columns.map((column) => column.title))), ...rows.map(line)]
}

/** Names and values in two columns. */
export function fieldLines({
  fields,
  name = (text) => text,
}: {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly name?: (text: string) => string
}): readonly string[] {
  const wide = Math.max(0, ...fields.map(([label]) => displayWidth(label)))
  return fields.map(([label, value]) => `${name(padded(label, wide))}${GAP}${value}`.trimEnd())
}

/** A text in lines of at most `width` characters, broken at spaces; a word that is longer keeps its length. */
export function wrapped({ text, width }: { readonly text: string; readonly width: number }): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** Columns that a text takes on a terminal, colours apart. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text))
    width += WIDE.test(character) ? 2 : COMBINING.test(character) ? 0 : 1
  return width
}

/** East Asian wide forms and emoji, near enough for a table. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const COMBINING = /\p{Mn}|\p{Me}/u

function padded(text: string, width: number, align: Column['align'] = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? space + text : text + space
}

/** Cells that are cut lose their colours: half an escape sequence would colour the rest of the screen. */
function shortened(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  for (const character of stripVTControlCharacters(text)) {
    if (displayWidth(kept + character) > width - 1) break
    kept += character
  }
  return `${kept}…`
}
