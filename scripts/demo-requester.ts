/**
 * The requester of `npm run demo`, in a process of its own: `demo-requester.ts MULTIADDR FOLDER [--json]`, with what was
 * made for the runtimes in FOLDER/runtimes.json. Sends one task after the other and tells what becomes of each; with
 * --json, a document a line goes to standard output.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { outcomeText, usageText } from '../src/cli/render/outcome-text.ts'
import { printable, printableLines } from '../src/cli/render/printable.ts'
import { connect, type Client } from '../src/client/connect.ts'
import { runDocumentOf } from '../src/client/run-document.ts'
import { loadOrCreateKey } from '../src/identity/key-file.ts'
import { verifyDocument } from '../src/identity/verify-document.ts'
import { isSoukError } from '../src/protocol/errors.ts'
import type { TaskEvent } from '../src/protocol/events.ts'
import type { RunDocument } from '../src/protocol/run-document.ts'
import { LineReader } from './demo-line-reader.ts'
import { receiptTable, wallLines } from './demo-receipts.ts'
import { createDemoVoice, type DemoVoice } from './demo-voice.ts'
import { demoTasks, type DemoRuntimes, type DemoTask } from './demo-tasks.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const [multiaddr = '', dir = ''] = positionals
const voice = createDemoVoice({ stream: values.json ? process.stderr : process.stdout })

const key = await loadOrCreateKey({ file: join(dir, 'requester.key') })
const runtimes = JSON.parse(await readFile(join(dir, 'runtimes.json'), 'utf8')) as DemoRuntimes
const tasks = await demoTasks({ dir, runtimes })
await using client = await connect({ to: multiaddr, key })
voice.say(`requester ${client.requester}, process ${process.pid}: connected to provider ${client.provider}`)

const documents: RunDocument[] = []
for (const demoTask of tasks) {
  const document = await runOne({ client, demoTask, voice })
  documents.push(document)
  if (values.json) process.stdout.write(`${JSON.stringify(document)}\n`)
}
voice.title(`${documents.length} tasks, ${documents.length} receipts`)
voice.table(receiptTable({ documents, width: voice.width }))
voice.title('What stood between them and this machine')
for (const line of wallLines({ documents, width: voice.width })) voice.say(line)
const last = documents.at(-1)
if (last !== undefined) tamper(last)

async function runOne({
  client: open,
  demoTask,
  voice: tell,
}: {
  readonly client: Client
  readonly demoTask: DemoTask
  readonly voice: DemoVoice
}): Promise<RunDocument> {
  const { title, task } = demoTask
  tell.title(title)
  const submitted = await open.submit({ task })
  tell.step(`accepted as task ${submitted.taskId.slice(0, 18)}…`)
  const output = new LineReader((line) => tell.output([printable(line)]))
  const result = await submitted.result({ onEvent: (event) => tellEvent({ event, output, tell }) })
  const { receipt } = result
  tell.step(
    `${outcomeText(receipt.outcome)}: ${usageText({ outcome: receipt.outcome, usage: receipt.usage, outputs: receipt.outputs.length })}`,
  )
  if (receipt.outputs.length > 0) {
    for (const { path, file } of await submitted.saveOutputs({ dir: join(dir, 'results'), receipt })) {
      tell.step(`fetched ${printable(path)}:`)
      tell.output(printableLines((await readFile(file, 'utf8')).trimEnd()))
    }
  }
  const document = runDocumentOf({ task, result })
  verifyDocument(JSON.parse(JSON.stringify(document)))
  tell.step(`receipt signed by ${receipt.provider}: verified`)
  return document
}

function tellEvent({
  event,
  output,
  tell,
}: {
  readonly event: TaskEvent
  readonly output: LineReader
  readonly tell: DemoVoice
}): void {
  switch (event.kind) {
    case 'queued':
      return tell.step('queued')
    case 'preparing':
      return event.fetchedBytes === 0
        ? tell.step(
            `fetching its ${event.what === 'image' ? 'image' : 'files from the requester'}, ${event.totalBytes} bytes`,
          )
        : undefined
    case 'started':
      return tell.step('running in its sandbox')
    case 'output':
      return output.push(event)
    case 'finished':
      return output.end()
  }
}

/** Who changes a result is found out. */
function tamper(document: RunDocument): void {
  voice.title('And a receipt that somebody has changed: the crash, as if it had gone well')
  try {
    verifyDocument(
      JSON.parse(
        JSON.stringify({
          ...document,
          outcome: { kind: 'exited', code: 0 },
          receipt: { ...document.receipt, outcome: { kind: 'exited', code: 0 } },
        }),
      ),
    )
  } catch (thrown) {
    if (!isSoukError(thrown, 'RECEIPT_INVALID')) throw thrown
    voice.step(`refused: ${thrown.details.reasons.join('; ')}`)
    return
  }
  throw new Error('a changed receipt verified')
}
