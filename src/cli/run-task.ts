import type { LoadedTask } from '../client/load-task.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { Interruption, listenForInterruptions, type Interruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { loadRunTask, type TaskSource } from './load-run-task.ts'
import { createNarrator, type Narrator } from './narrator.ts'
import type { AcceptedTask, Place } from './places.ts'
import { printable } from './printable.ts'
import { seeThrough, type ResultOptions } from './see-through.ts'
import { keepSpec } from './sent-specs.ts'
import { shellWord } from './shell-word.ts'
import { readOverrides, type TaskOptions } from './task-overrides.ts'
import { usageError } from './usage-error.ts'

/** The options of `souk run`, as commander parses them; those of LIMIT_OPTIONS are there as well. */
export interface RunOptions extends TaskOptions, ResultOptions {
  readonly to?: string
  readonly local?: boolean
  readonly config?: string
  readonly key?: string
  readonly chainId?: string
  readonly wasm?: string
  readonly detach?: boolean
}

export interface RunRequest {
  readonly cli: Cli
  readonly file: string | undefined
  readonly args: readonly string[]
  readonly options: RunOptions
}

/**
 * `souk run`.
 * @returns the exit code
 * @throws SoukError; CANCELLED where it was interrupted
 */
export async function runTask(request: RunRequest): Promise<number> {
  const { cli, options } = request
  const { stderr } = cli.terminal
  checkUsage(request)
  const narrator = createNarrator({ stderr, quiet: options.quiet === true, nowMs: () => performance.now() })
  const interruptions = listenForInterruptions()
  try {
    const task = await load({ ...request, signal: interruptions.first })
    await using place = await open({ ...request, signal: interruptions.first })
    const accepted = await place.submit({ task, signal: interruptions.first })
    const { taskId } = accepted
    const where = options.local === true ? 'here' : `at ${place.provider.slice(0, SHORT_ID)}`
    narrator.say(`${printable(task.spec.name)} is task ${taskId.slice(0, SHORT_ID)} ${where}`)
    if (options.local !== true) await keepSpec({ dir: cli.home.specs, taskId, bytes: task.bytes, nowMs: Date.now() })
    const laterCommand = laterCommandFor({ place, accepted, options })
    if (options.detach === true) return await detach({ cli, accepted, options, narrator, interruptions, laterCommand })
    return await seeThrough({
      cli,
      task: accepted,
      options,
      narrator,
      interruptions,
      onInterrupt: 'cancel',
      laterCommand,
      specOf: () => Promise.resolve(task),
    })
  } catch (thrown) {
    if (thrown instanceof Interruption) throw interruptedBefore(thrown)
    throw thrown
  } finally {
    interruptions.dispose()
  }
}

/** Of an id or an address: 0x and enough digits to tell them apart. */
const SHORT_ID = 12

function checkUsage({ file, args, options }: RunRequest): void {
  const { to, local = false, wasm, detach = false, config, chainId } = options
  const wrong = (message: string, argument?: string): Error =>
    usageError({ message, ...(argument !== undefined && { argument }), hint: 'See `souk run --help`.' })
  if (local === (to !== undefined))
    throw wrong(
      local
        ? 'Either --to or --local says where the task runs, not both.'
        : 'Where is it to run? --to ADDR names a provider, --local is this host.',
      '--to',
    )
  if (wasm === undefined && file === undefined)
    throw wrong('What is to run? Name a task file, or a program with --wasm.')
  if (wasm === undefined && args.length > 0)
    throw wrong(
      `A task file has its arguments in itself, under \`command\`; ${JSON.stringify(args[0])} is too much.`,
      args[0],
    )
  if (local && detach)
    throw wrong('With --local nothing is left that could go on: --detach goes with --to.', '--detach')
  if (!local && config !== undefined) throw wrong('--config goes with --local: a provider has its own.', '--config')
  if (chainId !== undefined && (local || !/^\d{1,15}$/.test(chainId))) {
    throw wrong(
      local
        ? '--chain-id goes with --to: with --local the configuration says it.'
        : '--chain-id must be a whole number.',
      '--chain-id',
    )
  }
  if (detach && (options.outputDir !== undefined || options.receipt !== undefined)) {
    throw wrong(
      'With --detach there is no result yet to save: --output-dir and --receipt go with `souk tasks result`.',
      '--detach',
    )
  }
}

async function load({
  file,
  args,
  options,
  signal,
}: RunRequest & { readonly signal: AbortSignal }): Promise<LoadedTask> {
  const cwd = process.cwd()
  const limits = options as Readonly<Record<string, string | undefined>>
  const overrides = await readOverrides({ options, limits, cwd })
  // commander takes a program's first word for the file.
  const words = file === undefined ? args : [file, ...args]
  const source: TaskSource =
    options.wasm === undefined ? { kind: 'file', file: file ?? '' } : { kind: 'wasm', wasm: options.wasm, words }
  return loadRunTask({ source, overrides, cwd, signal })
}

async function open({ cli, options, signal }: RunRequest & { readonly signal: AbortSignal }): Promise<Place> {
  const { to, key, config, chainId } = options
  if (to === undefined) {
    const { openLocalPlace } = await import('./local-place.ts')
    return openLocalPlace({
      cli,
      ...(key !== undefined && { keyFile: key }),
      ...(config !== undefined && { configFile: config }),
    })
  }
  const { connectTo, placeOf } = await import('./remote-place.ts')
  const client = await connectTo({
    cli,
    options: { to, ...(key !== undefined && { key }) },
    signal,
    ...(chainId !== undefined && { chainId: Number(chainId) }),
  })
  return placeOf({ client, multiaddr: to })
}

function laterCommandFor({
  place,
  accepted,
  options,
}: {
  readonly place: Place
  readonly accepted: AcceptedTask
  readonly options: RunOptions
}): string | undefined {
  if (place.multiaddr === undefined) return undefined
  const key = options.key === undefined ? '' : ` --key ${shellWord(options.key)}`
  return `souk tasks result ${accepted.taskId.slice(0, SHORT_ID)} --to ${shellWord(place.multiaddr)}${key}`
}

interface Detach {
  readonly cli: Cli
  readonly accepted: AcceptedTask
  readonly options: RunOptions
  readonly narrator: Narrator
  readonly interruptions: Interruptions
  readonly laterCommand: string | undefined
}

/** Stays until the provider has fetched the task's files, which nobody else has. */
async function detach({ cli, accepted, options, narrator, interruptions, laterCommand }: Detach): Promise<number> {
  const { stdout } = cli.terminal
  const { viewTask } = await import('./task-view.ts')
  const onEvent = viewTask({ stdout, narrator, withoutOutput: true })
  let fetching = false
  for await (const event of accepted.events({ signal: interruptions.first })) {
    await onEvent(event)
    if (event.kind === 'preparing') fetching = true
    else if (event.kind !== 'queued' || fetching) break
  }
  interruptions.first.throwIfAborted()
  if (laterCommand !== undefined) narrator.say(`get its result with: ${laterCommand}`)
  const { taskId, provider } = accepted
  if (options.json === true) await writeJson({ stdout, document: { task: taskId, provider } })
  else await stdout.write(`${taskId}\n`)
  return EXIT.success
}

function interruptedBefore(cause: Interruption): SoukError<'CANCELLED'> {
  return new SoukError({
    code: 'CANCELLED',
    phase: 'connect',
    message: `Interrupted (${cause.signal}) before the task was known to be accepted.`,
    details: {},
    hint: 'If the provider had it already, `souk tasks list` shows it.',
    cause,
  })
}
