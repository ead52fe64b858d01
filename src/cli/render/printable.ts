/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and what changes the direction or is not
 * seen at all: text of strangers must not move the cursor, colour the screen or pretend to be another text.
 */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

/** Text of a stranger as it may be shown on a terminal; line breaks are escaped like the rest. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, escaped)
}

/** The same for text of several lines. */
export function printableLines(text: string): readonly string[] {
  return text.split(/\r?\n/).map(printable)
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (character === '\n') return '\\n'
  if (character === '\t') return '\\t'
  if (character === '\r') return '\\r'
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
