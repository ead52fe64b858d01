import { resolve } from 'node:path'
import { isSoukError } from '../protocol/errors.ts'
import type { LimitKey } from '../protocol/limits.ts'
import { runtimeClassSchema } from '../protocol/task.ts'
import type { RuntimeDraft, TaskDraft } from '../protocol/task-file.ts'
import { parseBytes, parseDurationMs } from '../protocol/units.ts'
import { parseVerification, VERIFICATION_FORMS, type Verification } from '../protocol/verification.ts'
import { weiOf } from './chain-options.ts'
import { LIMIT_OPTIONS, type LimitOption } from './limit-options.ts'
import { readWhole } from './read-whole.ts'
import { usageError } from './usage-error.ts'

/** The options of `souk run` that say something of the task itself, as commander parses them. */
export interface TaskOptions {
  readonly name?: string
  readonly env?: readonly string[]
  readonly input?: readonly string[]
  readonly output?: readonly string[]
  readonly stdin?: string
  readonly workdir?: string
  readonly maxPrice?: string
  readonly retry?: string
  readonly class?: string
  readonly deterministic?: boolean
  readonly verify?: string
}

/** What is kept in memory until the task has it; more has to be in a file. */
const MAX_STDIN_BYTES = 256 * 1024 * 1024

/** What the command line says of how the task is run, besides what runs. */
export type RuntimeWishes = Pick<RuntimeDraft, 'class' | 'deterministic'>

/** What the command line says of a task; paths of files are absolute. */
export type TaskOverrides = Partial<Omit<TaskDraft, 'runtime' | 'command'>> & { readonly wishes?: RuntimeWishes }

/**
 * @param limits the values of LIMIT_OPTIONS by their attribute
 * @throws SoukError INVALID_USAGE that says what would be right
 */
export async function readOverrides({
  options,
  limits,
  cwd,
}: {
  readonly options: TaskOptions
  readonly limits: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}): Promise<TaskOverrides> {
  const { name, workdir, maxPrice, retry, class: runtimeClass, deterministic = false } = options
  const verification = readVerification(options.verify)
  if (retry !== undefined && !/^\d{1,2}$/.test(retry))
    throw wrong({ option: '--retry', right: 'a whole number', value: retry })
  if (runtimeClass !== undefined && !runtimeClassSchema.safeParse(runtimeClass).success)
    throw wrong({ option: '--class', right: 'the name of a runtime class, such as runsc', value: runtimeClass })
  const wishes: RuntimeWishes = {
    ...(runtimeClass !== undefined && { class: runtimeClass }),
    ...(deterministic && { deterministic }),
  }
  return {
    ...(name !== undefined && { name }),
    ...(workdir !== undefined && { workdir }),
    ...(options.env !== undefined && { env: readEnvironment(options.env) }),
    ...(options.input !== undefined && { inputs: options.input.map((value) => readInput({ value, cwd })) }),
    ...(options.output !== undefined && { outputs: options.output.map((path) => ({ path })) }),
    ...(options.stdin !== undefined && {
      stdin:
        options.stdin === '-'
          ? { data: await readWhole({ file: '-', maxBytes: MAX_STDIN_BYTES }) }
          : { file: resolve(cwd, options.stdin) },
    }),
    ...(maxPrice !== undefined && { maxPriceWei: String(weiOf({ value: maxPrice, argument: '--max-price' })) }),
    ...(retry !== undefined && { retry: Number(retry) }),
    ...(verification !== undefined && { verification }),
    ...(Object.keys(wishes).length > 0 && { wishes }),
    ...readLimits(limits),
  }
}

/**
 * A task's draft with what the command line says otherwise. Variables and limits are added one by one, inputs by their target.
 * @throws SoukError INVALID_USAGE for a class of runtimes where no engine runs the task, and for a task that is to be deterministic
 *   and is not WebAssembly
 */
export function overrideDraft(draft: TaskDraft, overrides: TaskOverrides): TaskDraft {
  const { env = {}, limits = {}, inputs = [], outputs = [], wishes = {}, ...plain } = overrides
  const targets = new Set(inputs.map(({ target }) => target))
  const paths = new Set(draft.outputs.map(({ path }) => path))
  return {
    ...draft,
    ...plain,
    runtime: asDeterministic(withClass(draft.runtime, wishes), wishes),
    env: { ...draft.env, ...env },
    limits: { ...draft.limits, ...limits },
    inputs: [...draft.inputs.filter(({ target }) => !targets.has(target)), ...inputs],
    outputs: [...draft.outputs, ...outputs.filter(({ path }) => !paths.has(path))],
  }
}

function withClass(runtime: RuntimeDraft, { class: runtimeClass }: RuntimeWishes): RuntimeDraft {
  if (runtimeClass === undefined) return runtime
  // An image without a type can mean Docker, and with a class it does; one in a file without a type is native.
  if (runtime.type !== 'docker' && (runtime.type !== undefined || runtime.image === undefined))
    throw usageError({
      message: '--class goes with Docker: with --docker, or a task file that has `type: docker`.',
      argument: '--class',
    })
  return { ...runtime, type: 'docker', class: runtimeClass }
}

function asDeterministic(runtime: RuntimeDraft, { deterministic = false }: RuntimeWishes): RuntimeDraft {
  if (!deterministic) return runtime
  if (runtime.module === undefined)
    throw usageError({
      message: '--deterministic goes with WebAssembly: with --wasm, or a task file that has `module`.',
      argument: '--deterministic',
    })
  return { ...runtime, deterministic }
}

function readVerification(value: string | undefined): Verification | undefined {
  if (value === undefined) return undefined
  const parsed = parseVerification(value)
  if (parsed === undefined) throw wrong({ option: '--verify', right: VERIFICATION_FORMS, value })
  return parsed
}

function readEnvironment(assignments: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const end = assignment.indexOf('=')
      if (end < 1) throw wrong({ option: '--env', right: 'KEY=VALUE', value: assignment })
      return [assignment.slice(0, end), assignment.slice(end + 1)]
    }),
  )
}

function readInput({ value, cwd }: { readonly value: string; readonly cwd: string }): TaskDraft['inputs'][number] {
  const end = value.lastIndexOf(':/')
  if (end < 1) throw wrong({ option: '--input', right: 'FILE:/PATH/INSIDE', value })
  return { source: resolve(cwd, value.slice(0, end)), target: value.slice(end + 1) }
}

function readLimits(
  values: Readonly<Record<string, string | undefined>>,
): Pick<TaskOverrides, 'limits' | 'queueTimeoutMs' | 'totalTimeoutMs'> {
  const limits: { -readonly [K in LimitKey]?: number } = {}
  const timeouts: { queueTimeoutMs?: number; totalTimeoutMs?: number } = {}
  for (const option of LIMIT_OPTIONS) {
    const value = values[option.attribute]
    if (value === undefined) continue
    const quantity = readQuantity(option, value)
    if (option.limit === 'queueTimeoutMs' || option.limit === 'totalTimeoutMs') timeouts[option.limit] = quantity
    else limits[option.limit] = quantity
  }
  return { ...(Object.keys(limits).length > 0 && { limits }), ...timeouts }
}

function readQuantity({ flags, kind }: LimitOption, value: string): number {
  const [option = ''] = flags.split(' ')
  try {
    if (kind === 'size') return parseBytes(value)
    if (kind === 'duration') return parseDurationMs(value)
  } catch (thrown) {
    if (!isSoukError(thrown, 'INVALID_INPUT')) throw thrown
    throw usageError({ message: `${option} ${thrown.message}.`, argument: option, cause: thrown })
  }
  const number = Number(value)
  const fits =
    kind === 'count'
      ? /^\d{1,16}$/.test(value) && Number.isSafeInteger(number)
      : /^\d{1,16}(?:\.\d{1,6})?$/.test(value) && number > 0
  if (!fits)
    throw wrong({ option, right: kind === 'count' ? 'a whole number' : 'a number above 0, such as 0.5', value })
  return number
}

function wrong({
  option,
  right,
  value,
}: {
  readonly option: string
  readonly right: string
  readonly value: string
}): Error {
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value
  return usageError({ message: `${option} must be ${right}, not ${JSON.stringify(shown)}.`, argument: option })
}
