import { writeFile } from 'node:fs/promises'
import type { RunResult } from '../client/collect-result.ts'
import { keepReceipt } from '../client/market/keep-proofs.ts'
import { runDocumentOf } from '../client/run-document.ts'
import { formatWei } from '../protocol/units.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'
import { limitsMissingIn } from '../protocol/execution.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { encodeStreams, type RunDocument } from '../protocol/run-document.ts'
import type { Cli } from './cli.ts'
import { exitCodeOfOutcome } from './exit-code.ts'
import { Interruption, type Interruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import type { Narrator } from './render/narrator.ts'
import { colouredOutcome, usageText } from './render/outcome-text.ts'
import type { AcceptedTask } from './places.ts'
import { printable } from './render/printable.ts'
import { counted, formatSize } from './render/quantities.ts'
import type { SentSpec } from './sent-specs.ts'
import { shellWord } from './shell-word.ts'
import { viewTask } from './render/task-view.ts'
import { usageError } from './usage-error.ts'

export interface ResultOptions {
  readonly outputDir?: string
  readonly receipt?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export interface SeeThrough {
  readonly cli: Cli
  readonly task: AcceptedTask
  readonly options: ResultOptions
  readonly narrator: Narrator
  readonly interruptions: Interruptions
  /** What the first Ctrl-C does: `run` cancels its task, who only looks leaves it alone. */
  readonly onInterrupt: 'cancel' | 'leave'
  /** How the result can be had later, by who knows then where the task is; undefined where it cannot. */
  readonly laterCommand: () => string | undefined
  /** The task that the result is of, where it was sent from here. */
  readonly specOf: (result: RunResult) => Promise<SentSpec | undefined>
}

const ECHO = new TextEncoder().encode('^C')
/** What a result may take in memory: enough for any output that a provider is likely to allow. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024

/**
 * Follows an accepted task to its end, shows what comes, saves and prints what was asked for.
 * @returns the exit code
 * @throws SoukError the one that the task failed with; CANCELLED where it was left to itself
 */
export async function seeThrough(request: SeeThrough): Promise<number> {
  const { cli, task, options, narrator } = request
  const { stdout, stderr } = cli.terminal
  const result = await awaitResult(request)
  const { receipt } = result
  // Here requester and provider are one.
  if (request.laterCommand() !== undefined) await keepOrProve({ cli, receipt })
  const { outcome, usage, outputs } = receipt
  const files = outputs.filter((output) => 'sha256' in output)
  narrator.say(`${colouredOutcome(outcome, stderr.colors)}: ${usageText({ outcome, usage, outputs: files.length })}`)
  if (receipt.priceWei !== '0')
    narrator.say(
      `it costs ${formatWei(BigInt(receipt.priceWei))}${receipt.terms?.cached === true ? ', as an answer out of its cache' : ''}`,
    )
  if (receipt.isolation.reuse === 'same-requester')
    narrator.say('it ran in a process that had served another task of the same requester')
  const unheld = limitsMissingIn(receipt.isolation)
  if (unheld.length > 0)
    narrator.say(stderr.colors.yellow(`nothing held it to a limit on ${unheld.map(printable).join(', ')}`))
  for (const output of outputs) {
    if ('error' in output)
      narrator.say(
        stderr.colors.yellow(
          `no output ${printable(output.path)}: ${printable(output.error.message)} (${output.error.code})`,
        ),
      )
  }
  if (options.receipt !== undefined) await saveReceipt({ file: options.receipt, result, narrator })
  if (options.outputDir !== undefined) {
    const saved = await task.saveOutputs({
      dir: options.outputDir,
      receipt,
      signal: request.interruptions.second,
      onProgress: ({ fetchedBytes, totalBytes }) =>
        narrator.progress(`fetched ${formatSize(fetchedBytes)} of ${formatSize(totalBytes)}`),
    })
    narrator.say(`saved ${counted(saved.length, 'file')} below ${options.outputDir}`)
  } else if (files.length > 0) {
    const laterCommand = request.laterCommand()
    narrator.say(
      laterCommand === undefined
        ? 'with --output-dir DIR the output files are kept'
        : `get the output files with: ${laterCommand} --output-dir DIR`,
    )
  }
  if (options.json === true) {
    const { verification } = task
    const document = documentOf({ result, spec: await request.specOf(result) })
    await writeJson({ stdout, document: { ...document, ...(verification !== undefined && { verification }) } })
  }
  return exitCodeOfOutcome(outcome)
}

/** Keeps a task's receipt. @throws SoukError RECEIPT_INVALID where the provider has signed another one for this task before */
export async function keepOrProve({ cli, receipt }: { readonly cli: Cli; readonly receipt: Receipt }): Promise<void> {
  const { receipts: dir, proofs: proofsDir } = cli.home
  const proof = await keepReceipt({ receipt, dir, proofsDir, nowMs: Date.now() })
  if (proof === undefined) return
  const reason = 'its provider signed another one for the same task before'
  throw new SoukError({
    code: 'RECEIPT_INVALID',
    message: `The receipt is a lie, or the earlier one was: ${reason}.`,
    details: { reasons: [`${reason}: both are in ${proof}`] },
    hint: `Trust neither. What proves it to others is in ${proof}: souk verify ${shellWord(proof)}`,
  })
}

async function awaitResult({
  cli,
  task,
  options,
  narrator,
  interruptions,
  onInterrupt,
  laterCommand,
}: SeeThrough): Promise<RunResult> {
  const { stdout, stderr } = cli.terminal
  const cancel = (why: string): void => {
    narrator.say(
      `${why}: the task is being cancelled; Ctrl-C again ${laterCommand() === undefined ? 'ends it at once' : 'leaves it'}`,
    )
    task
      .cancel()
      .catch((thrown: unknown) =>
        narrator.say(`it could not be cancelled: ${printable(SoukError.from(thrown).message)}`),
      )
  }
  const onFirst = (): void => {
    if (interruptions.second.aborted) return
    // The terminal has echoed ^C.
    if (stderr.isTTY) narrator.makeWayFor(ECHO)
    cancel('interrupted')
  }
  const onBroken = (): void => cancel('nobody reads the output any more')
  const stop = onInterrupt === 'cancel' ? interruptions.second : interruptions.first
  if (onInterrupt === 'cancel') {
    if (interruptions.first.aborted) onFirst()
    else interruptions.first.addEventListener('abort', onFirst, { once: true })
    stdout.broken.addEventListener('abort', onBroken, { once: true })
  }
  try {
    const onEvent = viewTask({ stdout, narrator, withoutOutput: options.json === true })
    return await task.result({ signal: stop, maxOutputBytes: MAX_OUTPUT_BYTES, onEvent })
  } catch (thrown) {
    if (thrown instanceof Interruption) throw leftAlone({ task, laterCommand: laterCommand() })
    const command = laterCommand()
    throw command === undefined ? thrown : withLaterCommand({ thrown, laterCommand: command })
  } finally {
    interruptions.first.removeEventListener('abort', onFirst)
    stdout.broken.removeEventListener('abort', onBroken)
  }
}

function leftAlone({
  task,
  laterCommand,
}: {
  readonly task: AcceptedTask
  readonly laterCommand: string | undefined
}): SoukError<'CANCELLED'> {
  const there = laterCommand !== undefined
  return new SoukError({
    code: 'CANCELLED',
    phase: 'deliver',
    message: there
      ? `Interrupted: task ${task.taskId} is left to its provider, and may go on there.`
      : 'Interrupted: the task was ended at once, without a receipt.',
    details: {},
    hint: there ? `Get its result with: ${laterCommand}` : 'Run it again if it was interrupted by mistake.',
  })
}

/** Whoever lost the connection is told how to come back. */
function withLaterCommand({
  thrown,
  laterCommand,
}: {
  readonly thrown: unknown
  readonly laterCommand: string
}): unknown {
  if (!isSoukError(thrown, 'CONNECTION_LOST')) return thrown
  const { message, details, retryable, phase, fault } = thrown
  return new SoukError({
    code: 'CONNECTION_LOST',
    message,
    details,
    retryable,
    phase,
    fault,
    hint: `The task goes on. Get its result with: ${laterCommand}`,
    cause: thrown,
  })
}

async function saveReceipt({
  file,
  result,
  narrator,
}: {
  readonly file: string
  readonly result: RunResult
  readonly narrator: Narrator
}): Promise<void> {
  await writeFile(file, `${JSON.stringify(result.receipt, null, 2)}\n`).catch((cause: NodeJS.ErrnoException) => {
    throw usageError({
      message: `The receipt cannot be saved: ${cause.message}.`,
      argument: '--receipt',
      hint: 'Name a file in a folder that exists.',
      cause,
    })
  })
  narrator.say(`saved the receipt as ${file}`)
}

/** The result of a task that was sent from elsewhere comes without its name and text, which only its sender has. */
function documentOf({
  result,
  spec,
}: {
  readonly result: RunResult
  readonly spec: SentSpec | undefined
}): RunDocument | Omit<RunDocument, 'spec' | 'name'> {
  if (spec !== undefined) return runDocumentOf({ task: spec, result })
  const { receipt } = result
  const { outcome, usage, limits, isolation, timings, outputs, provider } = receipt
  return {
    task: receipt.taskId,
    runtime: isolation.runtime,
    provider,
    outcome,
    usage,
    limits,
    isolation,
    timings,
    ...encodeStreams(result),
    outputs,
    receipt,
  }
}
