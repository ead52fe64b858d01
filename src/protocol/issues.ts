import { distance } from 'fastest-levenshtein'
import type { Issue } from './error-codes.ts'

/** The most issues that one error carries: a hostile document must not grow its own report. */
export const MAX_ISSUES = 50
const MAX_EXCERPT = 60

/** The known key that was probably meant, or undefined where none is near. */
export function nearestKey(unknown: string, known: readonly string[]): string | undefined {
  if (unknown.length > 100) return undefined
  const plain = (key: string): string => key.toLowerCase().replaceAll(/[-_ .]/g, '')
  const asked = plain(unknown)
  let best: { readonly key: string; readonly edits: number } | undefined
  for (const key of known) {
    const other = plain(key)
    const abbreviates =
      Math.min(asked.length, other.length) >= 3 && (asked.startsWith(other) || other.startsWith(asked))
    const edits = abbreviates ? 1 : distance(asked, other)
    if (
      edits <= Math.max(1, Math.floor(Math.max(asked.length, other.length) / 3)) &&
      (best === undefined || edits < best.edits)
    )
      best = { key, edits }
  }
  return best?.key
}

/** What is said of a key that nobody knows; `elsewhere` are dotted paths at which a key of that name exists. */
export function unknownKeyMessage({
  key,
  known,
  elsewhere = [],
}: {
  key: string
  known: readonly string[]
  elsewhere?: readonly string[]
}): string {
  const near = nearestKey(key, known)
  if (near !== undefined) return `is not a known key; did you mean ${near}?`
  const moved = elsewhere.filter((path) => path.split('.').at(-1) === key)
  if (moved.length > 0) return `is not a known key here; did you mean ${moved.join(' or ')}?`
  return `is not a known key; known here: ${known.join(', ')}`
}

/** One value, short enough for a message. */
export function excerpt(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > MAX_EXCERPT ? `${value.slice(0, MAX_EXCERPT)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return value instanceof Uint8Array ? 'binary data' : 'a map'
}

/** At most MAX_ISSUES of them, the last one then telling how many are left out. */
export function boundedIssues(issues: readonly Issue[]): readonly Issue[] {
  if (issues.length <= MAX_ISSUES) return issues
  return [
    ...issues.slice(0, MAX_ISSUES - 1),
    { path: '', message: `and ${issues.length - MAX_ISSUES + 1} more problems` },
  ]
}

/** `file: key: what is wrong`, a line for each where there are several. */
export function issuesMessage({ subject, issues }: { subject: string; issues: readonly Issue[] }): string {
  const lines = issues.map((issue) => (issue.path === '' ? issue.message : `${issue.path} ${issue.message}`))
  return lines.length === 1
    ? `${subject}: ${lines[0]}`
    : `${subject} has ${lines.length} problems:\n${lines.map((line) => `  ${line}`).join('\n')}`
}
