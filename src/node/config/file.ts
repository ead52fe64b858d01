import { readTextFile } from '../../artifacts/read-text-file.ts'
import type { Issue } from '../../protocol/error-codes.ts'
import { SoukError } from '../../protocol/errors.ts'
import { boundedIssues, excerpt, issuesMessage, unknownKeyMessage } from '../../protocol/issues.ts'
import { MAX_SOURCE_BYTES, parseSource, type SourceDocument } from '../../protocol/source-document.ts'
import { plain } from './kinds.ts'
import { REPLACED_KEYS } from './pricing-keys.ts'
import { CONFIG_KEY_NAMES, CONFIG_KEYS, CONFIG_SECTIONS, type ConfigKeyName } from './schema.ts'

/** The file as a document. @throws SoukError CONFIG_INVALID where it cannot be read, or is no YAML. */
export async function readDocument(path: string): Promise<SourceDocument> {
  const text = await readTextFile({ file: path, maxBytes: MAX_SOURCE_BYTES }).catch((error: unknown) => {
    throw invalid({ subject: path, issues: [{ path: '', message: (error as Error).message }], cause: error })
  })
  const source = parseSource({ text, format: 'yaml' })
  if ('issues' in source) throw invalid({ subject: path, issues: source.issues })
  return source.document
}

/** The values of the file that have a known key; every other key is an issue. */
export function knownValues({
  document,
  issues,
}: {
  document: SourceDocument
  issues: Issue[]
}): Map<ConfigKeyName, unknown> {
  const known = new Map<ConfigKeyName, unknown>()
  const visit = (value: unknown, section: readonly string[]): void => {
    // A section all of whose keys are commented out.
    if (value === null || value === undefined) return
    const prefix = section.length === 0 ? '' : `${section.join('.')}.`
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) {
      const message = `must be a map of ${childrenOf(prefix).join(', ')}, not ${excerpt(value)}`
      issues.push({ path: section.join('.'), message: `${message}${document.place(section)}` })
      return
    }
    for (const [key, child] of Object.entries(value)) {
      const path = [...section, key]
      const name = `${prefix}${key}`
      if (Object.hasOwn(CONFIG_SECTIONS, name)) visit(child, path)
      else if (!isKeyName(name))
        issues.push({
          path: shorten(name),
          message: `${REPLACED_KEYS[name] ?? unknownMessage({ key, prefix })}${document.place(path, 'key')}`,
        })
      else if (child === null)
        issues.push({
          path: name,
          message: `is empty; give it a value or leave the key out${document.place(path, 'key')}`,
        })
      else if (typeof child === 'object' && !Array.isArray(child)) {
        issues.push({
          path: name,
          message: `must be ${plain(CONFIG_KEYS[name].kind.accepts)}, not ${excerpt(child)}${document.place(path)}`,
        })
      } else known.set(name, faithful({ value: child, path, document }))
    }
  }
  visit(document.value, [])
  return known
}

/** Numbers that YAML cannot carry as they are written, an address without quotes say, as their text. */
function faithful({
  value,
  path,
  document,
}: {
  value: unknown
  path: readonly string[]
  document: SourceDocument
}): unknown {
  if (Array.isArray(value)) {
    const written = document.written(path)
    return value.map(
      (item: unknown, index) => (typeof item === 'number' ? written.get(String(index)) : undefined) ?? item,
    )
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
  return document.written(path.slice(0, -1)).get(path.at(-1) ?? '') ?? value
}

function unknownMessage({ key, prefix }: { key: string; prefix: string }): string {
  if (/secret|password|passphrase|private|mnemonic|token/i.test(key)) {
    return 'is not a known key: secrets are in files of their own (the key of the node is in its data_dir), never in the configuration'
  }
  return unknownKeyMessage({ key: shorten(key), known: childrenOf(prefix), elsewhere: CONFIG_KEY_NAMES })
}

/** The keys and sections right below a section; its prefix ends in a dot, or is empty. */
function childrenOf(prefix: string): readonly string[] {
  const below = [...CONFIG_KEY_NAMES, ...Object.keys(CONFIG_SECTIONS)].filter((name) => name.startsWith(prefix))
  return [...new Set(below.map((name) => name.slice(prefix.length).split('.')[0] ?? ''))]
}

function isKeyName(name: string): name is ConfigKeyName {
  return Object.hasOwn(CONFIG_KEYS, name)
}

export function shorten(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name
}

/** CONFIG_INVALID with every issue. */
export function invalid({
  subject,
  issues,
  cause,
}: {
  subject: string
  issues: readonly Issue[]
  cause?: unknown
}): SoukError<'CONFIG_INVALID'> {
  const bounded = boundedIssues(issues)
  return new SoukError({
    code: 'CONFIG_INVALID',
    message: issuesMessage({ subject, issues: bounded }),
    details: { file: subject, issues: bounded },
    cause,
  })
}
