import type { ResultCollector } from '../executors/results.ts'
import { LauncherLost, type LauncherConnection } from './launcher-connection.ts'
import { LauncherProtocolError, type ControlFrame } from './launcher-frames.ts'
import type { Records } from './launcher-records.ts'
import { parseFailure } from './report.ts'

const MAX_MESSAGE_CHARACTERS = 200

/** The launcher could not hand over all of a result. */
class CollectFailed extends Error {
  override readonly name = 'CollectFailed'
}

type FileFrame = Extract<ControlFrame, { kind: 'file' }>

export interface CollectOptions {
  readonly connection: LauncherConnection
  /** Folders inside the sandbox, below which all files are. */
  readonly outputs: readonly string[]
  /** Called where there is something to collect. */
  readonly collector: () => Promise<ResultCollector>
}

/**
 * Takes result files off a connection until the launcher is done with them; resolves to the report that came with
 * them, if one did. Where not all were handed over, every output says so: that changes nothing of what a task came to.
 *
 * @throws what the collector throws.
 */
export async function collectFiles(options: CollectOptions): Promise<Records | undefined> {
  try {
    return await takeFiles(options)
  } catch (error) {
    if (!isLoss(error)) throw error
    const results = await options.collector()
    const message = `not all files were handed over: ${error.message}`.slice(0, MAX_MESSAGE_CHARACTERS)
    for (const path of options.outputs) results.refuse({ path, code: 'UNREADABLE', message })
    return undefined
  }
}

const isLoss = (error: unknown): error is Error =>
  error instanceof LauncherLost || error instanceof LauncherProtocolError || error instanceof CollectFailed

async function takeFiles({ connection, outputs, collector }: CollectOptions): Promise<Records | undefined> {
  let report: Records | undefined
  for (;;) {
    const frame = await connection.next()
    switch (frame.kind) {
      case 'file':
        checkPath(frame.path, outputs)
        await takeFile({ frame, connection, collector: await collector() })
        break
      case 'fileRefused': {
        checkPath(frame.path, outputs)
        const { path, code, message } = frame
        const results = await collector()
        results.refuse({ path, code, message: message.slice(0, MAX_MESSAGE_CHARACTERS).toWellFormed() })
        break
      }
      case 'report':
        report = frame.records
        break
      case 'done':
        return report
      case 'failed':
        throw new CollectFailed(parseFailure(frame.records).message)
      default:
        throw new LauncherProtocolError(`${frame.kind} among results`)
    }
  }
}

function checkPath(path: string, outputs: readonly string[]): void {
  if (!outputs.some((output) => path === output || path.startsWith(`${output}/`)))
    throw new LauncherProtocolError('a result from outside the outputs')
}

async function takeFile({
  frame,
  connection,
  collector,
}: {
  readonly frame: FileFrame
  readonly connection: LauncherConnection
  readonly collector: ResultCollector
}): Promise<void> {
  const { path, bytes, utf8 } = frame
  const content = contentOf(connection, bytes)
  if (utf8) return collector.collect({ path, content })
  collector.refuse({ path, code: 'UNSAFE_NAME', message: 'the name is not valid UTF-8' })
  for await (const _chunk of content) continue
}

async function* contentOf(connection: LauncherConnection, bytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (let left = bytes; left > 0;) {
    const frame = await connection.next()
    if (frame.kind === 'failed') throw new CollectFailed(parseFailure(frame.records).message)
    if (frame.kind !== 'fileData' || frame.data.length === 0 || frame.data.length > left)
      throw new LauncherProtocolError('a file that is cut short or too long')
    left -= frame.data.length
    yield frame.data
  }
}
