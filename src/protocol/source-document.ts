import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { Issue } from './error-codes.ts'
import { boundedIssues } from './issues.ts'

/** The most bytes that a document which a person writes may have; keeps parsing below half a second. */
export const MAX_SOURCE_BYTES = 256 * 1024
/** The most times that aliases may multiply what they stand for. */
const MAX_ALIASES = 100
const MAX_DEPTH = 64
/** The token before the text of a plain or block scalar. */
const SCALAR = '\u001f'

export type SourcePath = readonly (string | number)[]
export type SourceFormat = 'yaml' | 'json'

/** A YAML or JSON document: its value, and where each part of it is written. */
export interface SourceDocument {
  readonly value: unknown
  /** ` (line 3, column 5)` of the key (or its value, where `part` says so), or of what is nearest to it. */
  place(path: SourcePath, part?: 'key' | 'value'): string
  /** The numbers and booleans of a list or map exactly as they are written, `1.10` say, by index or key. */
  written(path: SourcePath): ReadonlyMap<string, string>
}

export type SourceResult = { readonly document: SourceDocument } | { readonly issues: readonly Issue[] }

/**
 * Reads a document that a person, or a stranger, wrote: YAML 1.2 or JSON, one document, of bounded size,
 * depth and alias count, with no key twice, no custom tags and only well-formed Unicode. Never throws.
 */
export function parseSource({ text, format }: { readonly text: string; readonly format: SourceFormat }): SourceResult {
  const bytes = new TextEncoder().encode(text).byteLength
  if (bytes > MAX_SOURCE_BYTES) return failed(`is ${bytes} bytes; at most ${MAX_SOURCE_BYTES} are read`)
  if (format === 'json') {
    // YAML reads nearly all JSON, but also much that is not.
    try {
      JSON.parse(text)
    } catch (error) {
      return failed(`is not JSON: ${(error as Error).message}`)
    }
  }
  const lines = new LineCounter()
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return ` (line ${line}, column ${col})`
  }
  if (isNestedTooDeep(text)) return failed(`is nested deeper than ${MAX_DEPTH} levels`)
  try {
    // Uniqueness is checked below: the library compares every pair of keys.
    const parsed = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
      uniqueKeys: false,
    })
    const broken = [...parsed.errors, ...parsed.warnings].slice(0, 3)
    if (broken.length > 0) {
      return {
        issues: broken.map((error) => ({
          path: '',
          message: `is not valid ${format.toUpperCase()}: ${firstLine(error.message)}${at(error.pos[0])}`,
        })),
      }
    }
    const issues: Issue[] = []
    checkNode({ node: parsed.contents, path: [], issues, at })
    if (issues.length > 0) return { issues: boundedIssues(issues) }
    const value: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES })
    return {
      document: {
        value,
        place: (path, part = 'value') => placeOf({ parsed, path, part, at }),
        written: (path) => writtenAt(parsed, path),
      },
    }
  } catch (error) {
    // Unresolved and excessive aliases (ReferenceError), and nesting that exhausts the stack (RangeError).
    return failed(`is not valid ${format.toUpperCase()}: ${firstLine((error as Error).message)}`)
  }
}

/** Looks at the tokens alone: the parser takes seconds, and all of the stack, to find that out. */
function isNestedTooDeep(text: string): boolean {
  let flow = 0
  let block = 0
  let isScalar = false
  for (const token of new Lexer().lex(text)) {
    if (isScalar) isScalar = false
    else if (token === SCALAR) isScalar = true
    else if (token === '[' || token === '{') flow += 1
    else if (token === ']' || token === '}') flow -= 1
    else if (token === '\n' || token === '\r\n') block = 0
    // On one line each of these opens one more level; over several lines depth takes indentation, which is dear.
    else if (flow === 0 && (token === '-' || token === '?' || token === ':')) block += 1
    if (flow > MAX_DEPTH || block > MAX_DEPTH) return true
  }
  return false
}

interface Check {
  readonly node: unknown
  readonly path: SourcePath
  readonly issues: Issue[]
  at(offset: number): string
}

/** What the library lets pass: keys twice, keys that are no strings, lone surrogates, great depth. */
function checkNode({ node, path, issues, at }: Check): void {
  const report = (message: string, where: unknown, key?: string): void => {
    const offset = (where as Node | null)?.range?.[0] ?? (node as Node | null)?.range?.[0] ?? 0
    issues.push({ path: [...path, ...(key === undefined ? [] : [key])].join('.'), message: `${message}${at(offset)}` })
  }
  if (path.length > MAX_DEPTH) return report(`is nested deeper than ${MAX_DEPTH} levels`, node)
  if (isScalar(node) && typeof node.value === 'string' && !node.value.isWellFormed())
    return report('has a lone surrogate, which is not text', node)
  if (isSeq(node))
    for (const [index, item] of node.items.entries()) checkNode({ node: item, path: [...path, index], issues, at })
  if (!isMap(node)) return
  const seen = new Set<string>()
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? keyText(key.value) : undefined
    if (name === undefined) {
      report('has a key that is not a plain word', key)
      continue
    }
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
    if (!name.isWellFormed()) report('has a key with a lone surrogate, which is not text', key)
    else if (seen.has(name)) report('is there twice', key, shown)
    seen.add(name)
    checkNode({ node: value, path: [...path, shown], issues, at })
  }
}

function placeOf({
  parsed,
  path,
  part,
  at,
}: {
  parsed: Document
  path: SourcePath
  part: 'key' | 'value'
  at: (offset: number) => string
}): string {
  let node: unknown = parsed.contents
  let offset = (node as Node | null)?.range?.[0] ?? 0
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(parsed)
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && keyText(key.value) === String(step))
      : undefined
    const next = isSeq(node) ? node.items[Number(step)] : pair?.value
    const wanted = part === 'key' && index === path.length - 1 && pair !== undefined ? pair.key : (next ?? pair?.key)
    const found = (wanted as Node | null | undefined)?.range?.[0]
    if (found === undefined) break
    offset = found
    node = next
  }
  return at(offset)
}

function writtenAt(parsed: Document, path: SourcePath): ReadonlyMap<string, string> {
  const found: unknown = path.length === 0 ? parsed.contents : parsed.getIn(path, true)
  const node: unknown = isAlias(found) ? found.resolve(parsed) : found
  const children = isSeq(node)
    ? node.items.map((value, index) => [String(index), value] as const)
    : isMap(node)
      ? node.items.map(({ key, value }) => [isScalar(key) ? keyText(key.value) : undefined, value] as const)
      : []
  const written = new Map<string, string>()
  for (const [name, value] of children) {
    if (name === undefined || !isScalar(value)) continue
    if (typeof value.value === 'number' || typeof value.value === 'boolean')
      written.set(name, value.source ?? String(value.value))
  }
  return written
}

function failed(message: string): SourceResult {
  return { issues: [{ path: '', message }] }
}

/** A key as a property's name; undefined for null, and for what is no single word. */
function keyText(key: unknown): string | undefined {
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean' ? String(key) : undefined
}

function firstLine(message: string): string {
  const [line = ''] = message.split('\n')
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}
