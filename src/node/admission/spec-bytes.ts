import type { Issue } from '../../protocol/error-codes.ts'
import { issuesOf } from '../../protocol/errors.ts'
import { TASK_BOUNDS, taskSpecSchema, type TaskSpec } from '../../protocol/task.ts'

/** Deeper than any valid spec (4), shallow enough for whatever looks at the value. */
const MAX_JSON_DEPTH = 16
/** More than the largest valid spec has (some 8,500): the schema is slower by far than a count of commas. */
const MAX_JSON_COMMAS = 16_384

export type ParsedSpec =
  | { readonly ok: true; readonly spec: TaskSpec }
  | { readonly ok: false; readonly issues: readonly Issue[] }

/** `ignoreBOM` keeps a byte order mark, so that JSON.parse refuses it: the digest covers exactly what is read. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const wrong = (message: string): ParsedSpec => ({ ok: false, issues: [{ path: '', message }] })

/** Reads a spec from the bytes that a stranger sent: bounded in size and depth, strict in encoding and shape. */
export function parseSpec(bytes: Uint8Array): ParsedSpec {
  if (bytes.byteLength > TASK_BOUNDS.specBytes) {
    return wrong(`the spec has ${bytes.byteLength} bytes, more than the ${TASK_BOUNDS.specBytes} that are allowed`)
  }
  const { depth, commas } = shapeOf(bytes)
  if (depth > MAX_JSON_DEPTH) return wrong(`the spec is nested more than ${MAX_JSON_DEPTH} levels deep`)
  if (commas > MAX_JSON_COMMAS) return wrong(`the spec has more than ${MAX_JSON_COMMAS} values`)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return wrong('the spec is not UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    return wrong(`the spec is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  }
  const parsed = taskSpecSchema.safeParse(value)
  return parsed.success ? { ok: true, spec: parsed.data } : { ok: false, issues: boundedIssues(issuesOf(parsed.error)) }
}

/** A spec of a million bytes can be wrong a hundred thousand times; a person wants the first few. */
const MAX_ISSUES = 50
const MAX_PATH_CHARACTERS = 200

function boundedIssues(issues: readonly Issue[]): readonly Issue[] {
  const shown = issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    path: clip(path, MAX_PATH_CHARACTERS),
    message: clip(message, MAX_PATH_CHARACTERS * 2),
  }))
  const left = issues.length - shown.length
  return left > 0 ? [...shown, { path: '', message: `and ${left} more` }] : shown
}

const clip = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters)}…`

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPENING: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number | undefined> = new Set([0x5d, 0x7d])

/** How deep arrays and objects nest and how much is in them, from the bytes alone; strings do not count. */
function shapeOf(bytes: Uint8Array): { readonly depth: number; readonly commas: number } {
  let open = 0
  let depth = 0
  let commas = 0
  let inString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (inString) {
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (byte === COMMA) commas++
    else if (OPENING.has(byte)) depth = Math.max(depth, ++open)
    else if (CLOSING.has(byte)) open--
  }
  return { depth, commas }
}
