import type { Client } from '../client/connect.ts'
import type { RemoteTask } from '../client/remote-task.ts'
import { SoukError } from '../protocol/errors.ts'
import type { OutputStream } from '../protocol/events.ts'
import { encodeStreams } from '../protocol/run-document.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { Interruption, listenForInterruptions, type Interruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { createNarrator } from './render/narrator.ts'
import { connectTo, type ProviderOptions } from './remote-place.ts'
import { seeThrough, type ResultOptions } from './see-through.ts'
import { sentSpec } from './sent-specs.ts'
import { shellWord } from './shell-word.ts'
import { wholeTaskId } from './task-ids.ts'
import { summaryLines, tasksLines } from './render/task-text.ts'
import { usageError } from './usage-error.ts'

export interface TasksOptions extends ProviderOptions {
  readonly json?: boolean
}

export interface LogsCommandOptions extends TasksOptions {
  readonly follow?: boolean
  readonly offset: string
  readonly stderrOffset: string
}

export type ResultCommandOptions = TasksOptions & ResultOptions

interface AtProvider<O extends TasksOptions> {
  readonly cli: Cli
  readonly options: O
}

interface OfTask<O extends TasksOptions> extends AtProvider<O> {
  readonly id: string
}

export function listTasks({ cli, options }: AtProvider<TasksOptions>): Promise<number> {
  return connected({ cli, options }, async ({ client, interruptions }) => {
    const tasks = (await client.list({ signal: interruptions.first })).toSorted(
      (a, b) => b.acceptedAtMs - a.acceptedAtMs,
    )
    const { stdout } = cli.terminal
    if (options.json === true) await writeJson({ stdout, document: { provider: client.provider, tasks } })
    else if (tasks.length === 0) await cli.terminal.stderr.write('No tasks of this requester there.\n')
    else
      await stdout.write(
        `${tasksLines({ tasks, nowMs: Date.now(), width: stdout.columns(), colors: stdout.colors }).join('\n')}\n`,
      )
    return EXIT.success
  })
}

export function showTask({ cli, id, options }: OfTask<TasksOptions>): Promise<number> {
  return withTask({ cli, id, options }, async ({ task, interruptions }) => {
    const summary = await task.show({ signal: interruptions.first })
    const { stdout } = cli.terminal
    if (options.json === true) await writeJson({ stdout, document: { provider: task.provider, ...summary } })
    else await stdout.write(`${summaryLines({ summary, provider: task.provider, colors: stdout.colors }).join('\n')}\n`)
    return EXIT.success
  })
}

export function printLogs({ cli, id, options }: OfTask<LogsCommandOptions>): Promise<number> {
  const offsets = {
    stdout: readOffset('--offset', options.offset),
    stderr: readOffset('--stderr-offset', options.stderrOffset),
  }
  return withTask({ cli, id, options }, async ({ task, interruptions }) => {
    const { terminal } = cli
    const kept: { readonly [S in OutputStream]: Uint8Array[] } = { stdout: [], stderr: [] }
    const signal = AbortSignal.any([interruptions.first, terminal.stdout.broken])
    for await (const { stream, data } of task.logs({ follow: options.follow === true, offsets, signal })) {
      if (options.json === true) kept[stream].push(data)
      else await terminal[stream].write(data)
    }
    if (options.json === true) {
      const streams = encodeStreams({ stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr) })
      await writeJson({ stdout: terminal.stdout, document: { task: task.taskId, offsets, ...streams } })
    }
    return EXIT.success
  })
}

export function cancelTask({ cli, id, options }: OfTask<TasksOptions>): Promise<number> {
  return withTask({ cli, id, options }, async ({ task, interruptions }) => {
    await task.cancel({ signal: interruptions.first })
    const { stdout, stderr } = cli.terminal
    if (options.json === true) await writeJson({ stdout, document: { task: task.taskId, cancelRequested: true } })
    else await stderr.write(`The provider ends task ${task.taskId}, where it has not ended yet.\n`)
    return EXIT.success
  })
}

export function fetchResult({ cli, id, options }: OfTask<ResultCommandOptions>): Promise<number> {
  return withTask({ cli, id, options }, ({ task, interruptions }) => {
    const narrator = createNarrator({
      stderr: cli.terminal.stderr,
      quiet: options.quiet === true,
      nowMs: () => performance.now(),
    })
    const key = options.key === undefined ? '' : ` --key ${shellWord(options.key)}`
    return seeThrough({
      cli,
      task,
      options,
      narrator,
      interruptions,
      onInterrupt: 'leave',
      laterCommand: () => `souk tasks result ${id} --to ${shellWord(options.to)}${key}`,
      specOf: ({ receipt }) => sentSpec({ dir: cli.home.specs, receipt }),
    })
  })
}

interface Connected {
  readonly client: Client
  readonly interruptions: Interruptions
}

async function connected(
  { cli, options }: AtProvider<TasksOptions>,
  work: (connected: Connected) => Promise<number>,
): Promise<number> {
  const interruptions = listenForInterruptions()
  try {
    await using client = await connectTo({ cli, options, signal: interruptions.first })
    return await work({ client, interruptions })
  } catch (thrown) {
    if (!(thrown instanceof Interruption)) {
      // Nobody reads what is printed: the command ends without a word.
      if (cli.terminal.stdout.broken.aborted) return EXIT.brokenPipe
      throw thrown
    }
    throw new SoukError({
      code: 'CANCELLED',
      phase: 'deliver',
      message: `Interrupted (${thrown.signal}); tasks go on as they are.`,
      details: {},
      hint: 'Give the command again.',
      cause: thrown,
    })
  } finally {
    interruptions.dispose()
  }
}

interface WithTask {
  readonly task: RemoteTask
  readonly interruptions: Interruptions
}

function withTask(
  { cli, id, options }: OfTask<TasksOptions>,
  work: (found: WithTask) => Promise<number>,
): Promise<number> {
  return connected({ cli, options }, async ({ client, interruptions }) => {
    const taskId = await wholeTaskId({ id, client, signal: interruptions.first })
    return work({ task: client.task(taskId), interruptions })
  })
}

function readOffset(option: string, value: string): number {
  const offset = Number(value)
  if (/^\d{1,16}$/.test(value) && Number.isSafeInteger(offset)) return offset
  throw usageError({
    message: `${option} must be a number of bytes, not ${JSON.stringify(value.slice(0, 40))}.`,
    argument: option,
  })
}
