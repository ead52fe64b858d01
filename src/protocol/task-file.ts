import type { z } from 'zod'
import type { Issue } from './error-codes.ts'
import { SoukError } from './errors.ts'
import type { RuntimeName } from './execution.ts'
import { boundedIssues, excerpt, issuesMessage, MAX_ISSUES, unknownKeyMessage } from './issues.ts'
import { LIMIT_KEYS, type LimitKey, type RequestedLimits } from './limits.ts'
import { parseSource, type SourceDocument, type SourceFormat } from './source-document.ts'
import { taskFileSchema, type TaskFile } from './task-file-schema.ts'
import type { Verification } from './verification.ts'

/**
 * A task before its files are digested: what a task file or a command line comes to. Paths of files are as
 * they were written; everything else is in the units of the wire.
 */
export interface TaskDraft {
  readonly name?: string
  readonly runtime: RuntimeDraft
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: { readonly file: string } | { readonly data: Uint8Array }
  readonly workdir?: string
  readonly inputs: readonly { readonly source: string; readonly target: string }[]
  readonly outputs: readonly { readonly path: string }[]
  readonly limits: RequestedLimits
  readonly queueTimeoutMs?: number
  readonly totalTimeoutMs?: number
  readonly retry: number
  readonly maxPriceWei: string
  /** {@link ONCE} where absent. */
  readonly verification?: Verification
}

/** Exactly one of the keys besides `type`, `class`, `deterministic`, `writable` and `mounts`. */
export interface RuntimeDraft {
  readonly type?: RuntimeName
  readonly class?: string
  readonly module?: string
  readonly deterministic?: boolean
  readonly image?: string
  /** An image in a file; `digest` where it is said which of several. */
  readonly archive?: { readonly file: string; readonly digest?: string }
  readonly program?: string
  readonly tar?: string
  readonly rootfs?: { readonly name: string; readonly sha256: string }
  readonly writable?: boolean
  readonly mounts?: readonly { readonly name: string; readonly target: string }[]
}

/** The key of the task file that sets each limit. */
export const KEY_OF_LIMIT: { readonly [K in LimitKey]: string } = {
  cpuCores: 'resources.cpu',
  cpuShares: 'resources.cpuShares',
  cpuTimeMs: 'timeouts.cpu',
  wallTimeMs: 'timeouts.execution',
  idleTimeMs: 'timeouts.idle',
  memoryBytes: 'resources.memory',
  stackBytes: 'resources.stack',
  diskBytes: 'resources.disk',
  inodes: 'resources.inodes',
  outputBytes: 'resources.output',
  pids: 'resources.pids',
  openFiles: 'resources.openFiles',
  ioWeight: 'resources.ioWeight',
  fuel: 'resources.fuel',
  gpus: 'resources.gpu',
}

export interface ParsedTaskFile {
  readonly draft: TaskDraft
  readonly document: SourceDocument
}

/**
 * Reads a task file.
 *
 * @param subject how errors name it: its path, or `task`.
 * @throws SoukError INVALID_INPUT that lists every problem at once: key, what is wrong, what would be right,
 * line and column.
 */
export function parseTaskFile({
  text,
  format,
  subject,
}: {
  readonly text: string
  readonly format: SourceFormat
  readonly subject: string
}): ParsedTaskFile {
  const source = parseSource({ text, format })
  if ('issues' in source) throw invalidTask({ subject, issues: source.issues })
  const { document } = source
  const result = taskFileSchema.safeParse(asWritten(document), { error: wording })
  // Beyond what is reported, problems are only counted: to find the place of each takes its time.
  const found = (result.error?.issues ?? []).flatMap((issue, index) =>
    index < MAX_ISSUES ? issuesIn({ issue, document }) : [{ path: issue.path.join('.'), message: issue.message }],
  )
  const issues = firstOfEachPath([...found, ...droppedKeys(document)])
  if (!result.success || issues.length > 0) throw invalidTask({ subject, issues })
  return { draft: draftOf(result.data), document }
}

/** What is wrong in several ways is said to be wrong once. */
function firstOfEachPath(issues: readonly Issue[]): readonly Issue[] {
  const byPath = new Map<string, Issue>()
  for (const issue of issues) if (!byPath.has(issue.path)) byPath.set(issue.path, issue)
  return [...byPath.values()]
}

/** INVALID_INPUT with every issue. */
export function invalidTask({
  subject,
  issues,
  cause,
}: {
  readonly subject: string
  readonly issues: readonly Issue[]
  readonly cause?: unknown
}): SoukError<'INVALID_INPUT'> {
  const bounded = boundedIssues(issues)
  return new SoukError({
    code: 'INVALID_INPUT',
    message: issuesMessage({ subject, issues: bounded }),
    details: { issues: bounded },
    cause,
  })
}

function draftOf(file: TaskFile): TaskDraft {
  const sections: Readonly<Record<string, Readonly<Record<string, number | undefined>>>> = {
    resources: { ...file.resources, cpu: file.resources.cpu ?? file.resources.cpu_quota },
    timeouts: file.timeouts,
  }
  const limits: { -readonly [K in LimitKey]?: number } = {}
  for (const limit of LIMIT_KEYS) {
    const [section = '', key = ''] = KEY_OF_LIMIT[limit].split('.')
    const asked = sections[section]?.[key]
    if (asked !== undefined) limits[limit] = asked
  }
  return {
    ...(file.name !== undefined && { name: file.name }),
    runtime: runtimeDraftOf(present(file.runtime)),
    command: file.command,
    env: file.env,
    ...(file.stdin !== undefined && {
      stdin: typeof file.stdin === 'string' ? { data: new TextEncoder().encode(file.stdin) } : file.stdin,
    }),
    ...(file.workdir !== undefined && { workdir: file.workdir }),
    inputs: file.inputs,
    outputs: file.outputs,
    limits,
    ...(file.timeouts.queue !== undefined && { queueTimeoutMs: file.timeouts.queue }),
    ...(file.timeouts.total !== undefined && { totalTimeoutMs: file.timeouts.total }),
    retry: file.retry,
    maxPriceWei: file.price.max,
    verification: file.verify,
  }
}

/** `./image.tar`, or `./image.tar@sha256:…`: a path starts with a dot or a slash, as no reference to an image does. */
export function imageArchiveOf(image: string): RuntimeDraft['archive'] {
  const [, file = image, digest] = /^(.+)@(sha256:[0-9a-f]{64})$/s.exec(image) ?? []
  return /^\.{0,2}\//.test(image) ? { file, ...(digest !== undefined && { digest }) } : undefined
}

function runtimeDraftOf({ image, ...runtime }: RuntimeDraft): RuntimeDraft {
  if (image === undefined) return runtime
  const archive = imageArchiveOf(image)
  return archive === undefined ? { ...runtime, image } : { ...runtime, archive }
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, child]) => child !== undefined)) as Present<T>
}

/** The document's value, numbers and booleans of `command` and `env` as the text that they are written as. */
function asWritten({ value, written }: SourceDocument): unknown {
  if (!isMap(value)) return value
  const { command, env } = value
  const text = (child: unknown, asWritten: string | undefined): unknown =>
    typeof child === 'number' || typeof child === 'boolean' ? (asWritten ?? String(child)) : child
  const words = written(['command'])
  const variables = written(['env'])
  return {
    ...value,
    ...(Array.isArray(command) && {
      command: command.map((child: unknown, index) => text(child, words.get(String(index)))),
    }),
    ...(isMap(env) && {
      env: Object.fromEntries(Object.entries(env).map(([name, child]) => [name, text(child, variables.get(name))])),
    }),
  }
}

/** A record passes over a key of this name without a word. */
function droppedKeys({ value, place }: SourceDocument): readonly Issue[] {
  if (!isMap(value) || !isMap(value['env']) || !Object.hasOwn(value['env'], '__proto__')) return []
  return [{ path: 'env.__proto__', message: `cannot be the name of a variable${place(['env', '__proto__'], 'key')}` }]
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** zod's own issues in the words of a person who has a file open. Schemas that have better words keep them. */
export function wording(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue
  switch (issue.code) {
    case 'invalid_type':
      if (input === undefined) return 'is missing'
      return `must be ${TYPES[issue.expected] ?? issue.expected}, not ${excerpt(input)}${issue.expected === 'string' && typeof input !== 'object' ? '; put it in quotes' : ''}`
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}, not ${excerpt(input)}`
    case 'too_big':
      return `must be at most ${issue.maximum}${UNITS[issue.origin] ?? `, not ${excerpt(input)}`}`
    case 'too_small':
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${UNITS[issue.origin] ?? `, not ${excerpt(input)}`}`
    case 'invalid_format':
    case 'custom':
      return undefined
    default:
      return undefined
  }
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
}
const UNITS: Readonly<Record<string, string>> = {
  string: ' characters',
  array: ' items',
  record: ' keys',
  map: ' keys',
}

function issuesIn({ issue, document }: { issue: z.core.$ZodIssue; document: SourceDocument }): readonly Issue[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  const dotted = (...more: string[]): string => [...path, ...more].map((step) => String(step).slice(0, 100)).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key, index) => {
      const short = key.slice(0, 100)
      if (index >= MAX_ISSUES) return { path: dotted(short), message: 'is not a known key' }
      const shape = path.filter((step) => typeof step === 'string')
      const message = unknownKeyMessage({
        key: short,
        known: keysAt(taskFileSchema, shape),
        elsewhere: ALL_KEYS,
      })
      return { path: dotted(short), message: `${message}${document.place([...path, key], 'key')}` }
    })
  }
  if (issue.code === 'invalid_key')
    return [
      {
        path: dotted(),
        message: `must have for its name ${issue.issues[0]?.message ?? 'something else'}${document.place(path, 'key')}`,
      },
    ]
  if (issue.code === 'invalid_union') {
    // The alternative that fits in kind has something to say of what is inside.
    const inner = issue.errors.find((alternative) =>
      alternative.some((one) => one.path.length > 0 || one.code === 'unrecognized_keys'),
    )
    if (inner !== undefined)
      return inner.flatMap((one) => issuesIn({ issue: { ...one, path: [...issue.path, ...one.path] }, document }))
  }
  const isBare = issue.code === 'invalid_format' && !issue.message.startsWith('must')
  return [{ path: dotted(), message: `${isBare ? 'must be ' : ''}${issue.message}${document.place(path)}` }]
}

/** The known keys of the map at a path, list indices left out. */
function keysAt(schema: z.core.$ZodType, path: readonly string[]): readonly string[] {
  const shape = shapeOf(schema)
  if (shape === undefined) return []
  const [step, ...rest] = path
  if (step === undefined) return Object.keys(shape)
  const child = shape[step]
  return child === undefined ? [] : keysAt(child, rest)
}

/** The shape of the map that a schema describes, through wrappers, lists and unions. */
function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return def.shape
    case 'array':
      return shapeOf(def.element)
    case 'optional':
    case 'default':
      return shapeOf(def.innerType)
    case 'pipe':
      return shapeOf(def.in)
    case 'union':
      return def.options.map(shapeOf).find((shape) => shape !== undefined)
    default:
      return undefined
  }
}

function allKeys(schema: z.core.$ZodType, prefix = ''): readonly string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, child]) => [
    `${prefix}${key}`,
    ...allKeys(child, `${prefix}${key}.`),
  ])
}

const ALL_KEYS = allKeys(taskFileSchema)
