import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildProgram, type BuiltProgram } from '../../../scripts/build-programs.ts'
import type { NativeTask } from '../../../src/executors/executor.ts'
import { ROOMY_LIMITS } from '../../conformance/behaviours.ts'
import { collector, runBehaviour } from '../../conformance/executor-conformance.ts'
import type { Target } from '../escape-tests.ts'
import { nativeTarget } from './target.ts'

const SOURCE = fileURLToPath(new URL('../programs/hoard-quotas.c', import.meta.url))
const run = promisify(execFile)

describe('escape: what the kernel counts by user', function () {
  this.timeout(120_000)
  let program: BuiltProgram
  let target: Target<NativeTask>
  let dir: string
  let released: PassThrough
  let hoarder: Promise<unknown>

  before(async () => {
    program = await buildProgram({ file: SOURCE, runtime: 'native', flags: ['-O2', '-pthread'] })
    target = await nativeTarget(new Map([['hoard-quotas', program]]))
    dir = await mkdtemp(join(tmpdir(), 'souk-hoard-'))
    released = new PassThrough()
    const stdout = collector()
    hoarder = target.executor.run({
      task: target.task('hoard-quotas', { command: ['all'], env: {}, inputs: [], outputs: [] }),
      limits: { ...ROOMY_LIMITS, openFiles: 1024, memoryBytes: 256 * 1024 * 1024 },
      dir,
      stdin: released,
      stdout: stdout.stream,
      stderr: collector().stream,
      signal: new AbortController().signal,
      onStarted: () => {},
    })
    await Promise.race([stdout.firstLine, hoarder])
    assert.equal(stdout.content().toString(), 'holding\n')
  })
  after(async () => {
    released.end()
    await hoarder
    await target.close()
    await rm(dir, { recursive: true })
  })

  it('one task that takes all it can leaves something to another', async () => {
    const { stdout } = await runBehaviour(target, {
      name: 'one of each',
      program: 'hoard-quotas',
      expected: { outcome: { kind: 'exited', code: 0 } },
    })
    assert.equal(stdout.toString(), 'signals 1, timers 1, queues 1, watches 0\n')
  })

  it('and everything to the host’s root', async () => {
    const { stdout } = await run(program.source)
    assert.equal(stdout, 'signals 1, timers 1, queues 1, watches 1\n')
  })
})
