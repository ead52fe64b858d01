import type { LoadedTask } from '../client/load-task.ts'
import { dockerConfigFile, type PinImages } from '../client/pin-image.ts'
import { SoukError } from '../protocol/errors.ts'
import { ONCE } from '../protocol/verification.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { chainIdOf } from './market-options.ts'
import { Interruption, listenForInterruptions, type Interruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { loadRunTask } from './load-run-task.ts'
import { createNarrator, type Narrator } from './render/narrator.ts'
import type { AcceptedTask, Place } from './places.ts'
import { printable } from './render/printable.ts'
import type { RunOptions, RunRequest } from './run-request.ts'
import { checkUsage, isPinned, localRootOf, sourceOf } from './run-usage.ts'
import { seeThrough } from './see-through.ts'
import { keepSpec } from './sent-specs.ts'
import { shellWord } from './shell-word.ts'
import { readOverrides } from './task-overrides.ts'
import { usageError } from './usage-error.ts'

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
    const signal = interruptions.first
    const task = await load({ ...request, narrator, signal })
    checkCanBeChecked({ task, options })
    await using place = await open({ ...request, task, narrator, signal })
    const accepted = await place.submit({ task, signal })
    const { taskId } = accepted
    const where = options.local === true ? 'here' : `at ${accepted.provider.slice(0, SHORT_ID)}`
    narrator.say(`${printable(task.spec.name)} is task ${taskId.slice(0, SHORT_ID)} ${where}`)
    if (options.local !== true) await keepSpec({ dir: cli.home.specs, taskId, bytes: task.bytes, nowMs: Date.now() })
    const laterCommand = (): string | undefined => laterCommandFor({ accepted, options })
    if (options.detach === true)
      return await detach({ cli, accepted, options, narrator, interruptions, laterCommand: laterCommand() })
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

/** One provider has nobody whom it is held against; who leaves holds nobody against another. */
function checkCanBeChecked({
  task: { verification = ONCE },
  options: { local, to = [], detach },
}: {
  readonly task: LoadedTask
  readonly options: RunOptions
}): void {
  if (verification.kind === 'once' || local === true) return
  const { kind } = verification
  if (detach === true)
    throw usageError({
      message: `The task is checked when several providers have run it, and --detach leaves before that: verify is ${kind}.`,
      argument: '--detach',
      hint: 'Leave --detach out, or say --verify once.',
    })
  if (to.length === 1)
    throw usageError({
      message: `The task is to be checked against other providers, and only one is named: verify is ${kind}.`,
      argument: '--verify',
      hint: 'Name more with --to, or use --bootstrap to find some; or say --verify once.',
    })
}

/** Of an id or an address: 0x and enough digits to tell them apart. */
const SHORT_ID = 12

interface Load extends RunRequest {
  readonly narrator: Narrator
  readonly signal: AbortSignal
}

async function load({ cli, file, args, options, narrator, signal }: Load): Promise<LoadedTask> {
  const cwd = process.cwd()
  const limits = options as Readonly<Record<string, string | undefined>>
  const overrides = await readOverrides({ options, limits, cwd })
  const source = sourceOf({ file, args, options })
  const resolveImage = async (image: string): Promise<string> => {
    if (options.local !== true || isPinned(image)) return image
    const { idOfLocalImage } = await import('./local-image.ts')
    const id = await idOfLocalImage({ cli, image, ...configOf(options) })
    narrator.say(`image ${printable(image)} is ${id} here`)
    return id
  }
  const images: PinImages = {
    insecureRegistries: options.insecureRegistry ?? [],
    dockerConfig: dockerConfigFile(cli.env),
    onPinned: ({ image, pinned }) => narrator.say(`image ${printable(image)} is ${printable(pinned)}`),
  }
  return loadRunTask({ source, overrides, cwd, signal, resolveImage, images })
}

function configOf({ config }: RunOptions): { readonly configFile?: string } {
  return config === undefined ? {} : { configFile: config }
}

interface Open extends RunRequest {
  readonly task: LoadedTask
  readonly narrator: Narrator
  readonly signal: AbortSignal
}

async function open({ cli, options, task, narrator, signal }: Open): Promise<Place> {
  const { to: [to, other] = [], key } = options
  if (options.local === true) {
    const { openLocalPlace } = await import('./local-place.ts')
    const root = localRootOf(options)
    return openLocalPlace({
      cli,
      runtime: task.spec.runtime,
      ...configOf(options),
      ...(options.degraded === true && { degraded: true }),
      ...(root !== undefined && { root }),
      ...(key !== undefined && { keyFile: key }),
    })
  }
  if (to === undefined || other !== undefined) {
    const { marketOf, placeInMarket } = await import('./market-place.ts')
    return placeInMarket({ cli, market: await marketOf({ cli, options, signal }), narrator })
  }
  const { connectTo, placeOf } = await import('./remote-place.ts')
  const chainId = chainIdOf({ cli, options })
  const client = await connectTo({
    cli,
    options: { to, ...(key !== undefined && { key }) },
    signal,
    submits: true,
    ...(chainId !== undefined && { chainId }),
  })
  return placeOf({ client, multiaddr: to, narrator })
}

function laterCommandFor({
  accepted,
  options,
}: {
  readonly accepted: AcceptedTask
  readonly options: RunOptions
}): string | undefined {
  const { multiaddr, taskId } = accepted
  if (multiaddr === undefined) return undefined
  const key = options.key === undefined ? '' : ` --key ${shellWord(options.key)}`
  return `souk tasks result ${taskId.slice(0, SHORT_ID)} --to ${shellWord(multiaddr)}${key}`
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
  const { viewTask } = await import('./render/task-view.ts')
  const onEvent = viewTask({ stdout, narrator, withoutOutput: true })
  let fetching = false
  for await (const event of accepted.events({ signal: interruptions.first })) {
    await onEvent(event)
    if (event.kind === 'preparing' && event.what === 'inputs') fetching = true
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
