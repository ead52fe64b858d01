import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import {
  StopReason,
  type Executor,
  type InputFile,
  type RuntimeTask,
  type TaskBase,
} from '../../src/executors/executor.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { Execution, Output } from '../../src/protocol/execution.ts'
import { behaviourIn, ROOMY_LIMITS, type Behaviour } from './behaviours.ts'
import { testedIn, type Column } from './columns.ts'
import { openDescriptors, settled } from './leftovers.ts'

/** An executor under test, and how its tasks come by the programs. */
export interface ConformanceSubject<T extends RuntimeTask> {
  readonly executor: Executor<T>
  /** Makes a task of this runtime that runs `program` (test/fixtures/programs). */
  task(program: string, base: TaskBase): T
  /** What is left on the host of tasks that are over, for a person; empty when nothing is. */
  leftovers(): Promise<readonly string[]>
  /** Where the folders of jobs are made; with other temporary files where absent. */
  readonly jobsDir?: string
}

export interface ConformanceOptions<T extends RuntimeTask> {
  /** Heads the tests. */
  readonly name: string
  setup(): Promise<ConformanceSubject<T>>
  teardown?(): Promise<void>
  /** What of the table is tested: the column of docs/CONFORMANCE.md, or of a stand-in its own. */
  readonly column: Column
}

export interface Ran {
  readonly execution: Execution
  readonly stdout: Buffer
  readonly stderr: Buffer
  /** Result files by path. */
  readonly files: Readonly<Record<string, Buffer>>
}

/** Collects what is written to it, and tells of the first line. */
export function collector(): { readonly stream: Writable; readonly firstLine: Promise<void>; content(): Buffer } {
  const chunks: Buffer[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk))
      if (chunk.includes('\n')) resolve()
      done()
    },
  })
  return { stream, firstLine: promise, content: () => Buffer.concat(chunks) }
}

/**
 * Runs one behaviour through an executor, with the clock that the node would hold to it. Where a task is to have said
 * something by the end of its time, that begins with its first line: how long it takes to get there is the machine's.
 */
export async function runBehaviour<T extends RuntimeTask>(
  { executor, task, jobsDir }: Pick<ConformanceSubject<T>, 'executor' | 'task' | 'jobsDir'>,
  behaviour: Behaviour,
): Promise<Ran> {
  const dir = await jobDir(jobsDir)
  const stop = new AbortController()
  const limits = { ...ROOMY_LIMITS, ...behaviour.limits }
  const [stdout, stderr] = [collector(), collector()]
  const stdin = Readable.from(behaviour.stdin === undefined ? [] : [behaviour.stdin], { objectMode: false })
  let wall: NodeJS.Timeout | undefined
  let started = 0
  if (behaviour.cancel) void stdout.firstLine.then(() => stop.abort(new StopReason('cancelled')))
  const startClock = (): void => {
    wall = setTimeout(() => stop.abort(new StopReason('wallTime')), limits.wallTimeMs)
  }
  const { stdout: words = '' } = behaviour.expected
  const speaksFirst = behaviour.limits?.wallTimeMs !== undefined && words !== ''
  try {
    const inputs = await Promise.all(
      (behaviour.inputs ?? []).map((input, index) => writeInput(join(dir, `input-${index}`), input)),
    )
    const base: TaskBase = {
      command: behaviour.command ?? [],
      env: behaviour.env ?? {},
      ...(behaviour.workdir !== undefined && { workdir: behaviour.workdir }),
      inputs,
      outputs: (behaviour.outputs ?? []).map((path) => ({ path })),
    }
    const execution = await executor.run({
      task: task(behaviour.program, base),
      limits,
      dir,
      stdin,
      stdout: stdout.stream,
      stderr: stderr.stream,
      signal: stop.signal,
      onStarted: () => {
        started += 1
        if (speaksFirst) void stdout.firstLine.then(startClock)
        else startClock()
      },
    })
    assert.equal(started, 1, 'onStarted is called exactly once')
    assert.ok(stdout.stream.writable && stderr.stream.writable, 'the streams are left open')
    return {
      execution,
      stdout: stdout.content(),
      stderr: stderr.content(),
      files: await readResults(dir, execution.outputs),
    }
  } finally {
    clearTimeout(wall)
    stdin.destroy()
    await rm(dir, { recursive: true })
  }
}

const jobDir = (parent = tmpdir()): Promise<string> => mkdtemp(join(parent, 'souk-conformance-'))

async function writeInput(
  source: string,
  { target, content }: { readonly target: string; readonly content: string },
): Promise<InputFile> {
  await writeFile(source, content)
  // That it cannot be changed has to come from the sandbox, not from whom the file belongs to.
  await chmod(source, 0o666)
  return { source, bytes: Buffer.byteLength(content), target }
}

async function readResults(dir: string, outputs: readonly Output[]): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {}
  for (const output of outputs) {
    if (!('sha256' in output)) continue
    const content = await readFile(join(dir, 'results', output.sha256))
    assert.equal(createHash('sha256').update(content).digest('hex'), output.sha256)
    assert.equal(content.length, output.bytes)
    files[output.path] = content
  }
  return files
}

/** Compares what a behaviour came to with what it should have. */
export function assertBehaviour({ execution, stdout, stderr, files }: Ran, { expected, program }: Behaviour): void {
  assert.deepEqual(execution.outcome, expected.outcome)
  assert.deepEqual(execution.usage.limitsHit, expected.limitsHit ?? [])
  assert.equal(execution.usage.outputBytes, stdout.length + stderr.length)
  if (expected.stdout !== undefined) assertBytes(stdout, expected.stdout)
  if (expected.stderr !== undefined) assertBytes(stderr, expected.stderr)
  else if (program !== 'flood') assert.equal(stderr.toString(), '')
  if (expected.outputs !== undefined) {
    const seen = execution.outputs.map((output) => [
      output.path,
      'error' in output ? { error: output.error.code } : files[output.path]?.toString(),
    ])
    assert.deepEqual(Object.fromEntries(seen), expected.outputs)
    assert.deepEqual(
      execution.outputs.map((output) => output.path),
      Object.keys(expected.outputs),
      'outputs are in order of path',
    )
  }
  if (expected.usage !== undefined) assert.ok(expected.usage(execution.usage), JSON.stringify(execution.usage))
  for (const [key, value] of Object.entries(execution.usage)) {
    if (key !== 'limitsHit')
      assert.ok(Number.isSafeInteger(value) && Number(value) >= 0, `${key} is ${JSON.stringify(value)}`)
  }
}

function assertBytes(actual: Buffer, expected: string | Uint8Array | RegExp): void {
  if (expected instanceof RegExp) assert.match(actual.toString(), expected)
  else if (typeof expected === 'string') assert.equal(actual.toString(), expected)
  else assert.ok(actual.equals(expected), `${actual.length} bytes that differ from the ${expected.length} expected`)
}

/** What is tested besides the table, by title. */
export const BESIDES_TABLE = {
  cancelledFirst: 'rejects as cancelled, free of charge, what is cancelled before it starts',
  shutDown: 'rejects as stopped, at the provider’s fault, what a shutdown meets, running or not',
  nothingLeft: 'leaves nothing behind: no process, no folder, no descriptor of the node',
} as const

/** Those whose tests have been defined in this process. */
export const DEFINED_COLUMNS = new Set<Column>()

/** Defines the tests that every executor must pass before it is offered, or stands in for another in a test. */
export function executorConformance<T extends RuntimeTask>(options: ConformanceOptions<T>): void {
  DEFINED_COLUMNS.add(options.column)
  describe(`executor conformance: ${options.name}`, function () {
    this.timeout(120_000)
    let subject: ConformanceSubject<T>
    let descriptorsBefore: ReadonlySet<string>

    before(async () => {
      descriptorsBefore = await openDescriptors()
      subject = await options.setup()
    })
    after(async () => {
      await options.teardown?.()
    })

    for (const behaviour of testedIn(options.column)) {
      it(behaviour.name, async () => {
        assertBehaviour(await runBehaviour(subject, behaviour), behaviourIn(behaviour, subject.executor.runtime))
      })
    }

    it(BESIDES_TABLE.cancelledFirst, async () => {
      await assert.rejects(stoppedBeforeStart(subject, 'cancelled'), (error) => isSoukError(error, 'CANCELLED'))
    })

    it(BESIDES_TABLE.shutDown, async () => {
      await assert.rejects(
        stoppedBeforeStart(subject, 'shutdown'),
        (error) => isSoukError(error, 'PROVIDER_STOPPED') && error.fault === 'provider' && error.retryable,
      )
      await assert.rejects(shutDownRunning(subject), (error) => isSoukError(error, 'PROVIDER_STOPPED'))
    })

    it(BESIDES_TABLE.nothingLeft, async () => {
      await subject.executor.close()
      await settled('leftovers', async () => (await subject.leftovers()).join(', '), '')
      await settled(
        'open descriptors',
        async () => [...(await openDescriptors())].filter((open) => !descriptorsBefore.has(open)).join(', '),
        '',
      )
    })
  })
}

function stopped<T extends RuntimeTask>(
  subject: ConformanceSubject<T>,
  { dir, signal, stdout }: { readonly dir: string; readonly signal: AbortSignal; readonly stdout: Writable },
): Promise<Execution> {
  return subject.executor.run({
    task: subject.task('sleep', { command: [], env: {}, inputs: [], outputs: [] }),
    limits: ROOMY_LIMITS,
    dir,
    stdin: Readable.from([]),
    stdout,
    stderr: new Writable({ write: (_chunk, _encoding, done) => done() }),
    signal,
    onStarted: () => {},
  })
}

async function stoppedBeforeStart<T extends RuntimeTask>(
  subject: ConformanceSubject<T>,
  kind: 'cancelled' | 'shutdown',
): Promise<void> {
  const dir = await jobDir(subject.jobsDir)
  try {
    await stopped(subject, { dir, signal: AbortSignal.abort(new StopReason(kind)), stdout: collector().stream })
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function shutDownRunning<T extends RuntimeTask>(subject: ConformanceSubject<T>): Promise<void> {
  const dir = await jobDir(subject.jobsDir)
  const stop = new AbortController()
  const stdout = collector()
  void stdout.firstLine.then(() => stop.abort(new StopReason('shutdown')))
  try {
    await stopped(subject, { dir, signal: stop.signal, stdout: stdout.stream })
  } finally {
    stdout.stream.end()
    await once(stdout.stream, 'finish')
    await rm(dir, { recursive: true })
  }
}
