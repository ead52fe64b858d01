import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, type Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { buildProgram, PROGRAMS_DIR } from '../../../scripts/build-programs.ts'
import type { NativeTask } from '../../../src/executors/executor.ts'
import type { Execution } from '../../../src/protocol/execution.ts'
import { ROOMY_LIMITS } from '../../conformance/behaviours.ts'
import { collector, runBehaviour } from '../../conformance/executor-conformance.ts'
import { refusedWith } from '../attack.ts'
import type { Target } from '../escape-tests.ts'
import { nativeTarget } from './target.ts'

const SOURCE = fileURLToPath(new URL('../programs/neighbour.c', import.meta.url))
const TARGET = '/in/shared'

describe('escape: two native tasks at once, of the same program and with the same input', function () {
  this.timeout(120_000)
  let target: Target<NativeTask>
  let dir: string
  let released: PassThrough
  let said: ReturnType<typeof collector>
  let holder: Promise<Execution>

  before(async () => {
    target = await nativeTarget(
      new Map([
        ['neighbour', await buildProgram({ file: SOURCE, runtime: 'native', flags: ['-O2', '-pthread'] })],
        ['read-file', await buildProgram({ file: join(PROGRAMS_DIR, 'read-file.c'), runtime: 'native' })],
      ]),
    )
    dir = await mkdtemp(join(tmpdir(), 'souk-neighbours-'))
    await chmod(dir, 0o755)
    await writeFile(join(dir, 'shared'), 'shared\n', { mode: 0o644 })
    released = new PassThrough()
    said = collector()
    holder = run('neighbour', { command: ['hold', TARGET], stdin: released, stdout: said.stream })
    await Promise.race([said.firstLine, holder])
    assert.equal(said.content().toString(), 'holding\n')
  })
  after(async () => {
    released.end()
    await holder
    await target.close()
    await rm(dir, { recursive: true })
  })

  async function run(
    program: string,
    { command, stdin, stdout }: { command: readonly string[]; stdin: PassThrough; stdout: Writable },
  ): Promise<Execution> {
    const own = await mkdtemp(join(dir, 'run-'))
    const inputs = [{ source: join(dir, 'shared'), target: TARGET, bytes: 7 }]
    return target.executor.run({
      task: target.task(program, { command, env: {}, inputs, outputs: [] }),
      limits: ROOMY_LIMITS,
      dir: own,
      stdin,
      stdout,
      stderr: collector().stream,
      signal: new AbortController().signal,
      onStarted: () => {},
    })
  }

  it('one finds nothing of the other: no socket, memory, queue, file or process', async () => {
    const { stdout, execution } = await runBehaviour(target, {
      name: 'looks',
      program: 'neighbour',
      expected: { outcome: { kind: 'exited', code: 0 } },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.match(stdout.toString(), refusedWith('ECONNREFUSED', 'ENOENT', 'ESRCH'))
  })

  it('locks that one holds on what both have keep the other neither from starting nor from reading', async () => {
    const stdin = new PassThrough()
    stdin.end()
    const stdout = collector()
    const { outcome } = await run('read-file', { command: [TARGET], stdin, stdout: stdout.stream })
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
    assert.equal(stdout.content().toString(), 'shared\n')
  })

  it('and the one goes on as it was', async () => {
    released.end()
    assert.deepEqual((await holder).outcome, { kind: 'exited', code: 0 })
    assert.equal(said.content().toString(), 'holding\nunharmed\n')
  })
})
