import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram, buildPrograms, type BuiltProgram } from '../../scripts/build-programs.ts'
import type { Executor, WasmTask } from '../../src/executors/executor.ts'
import { createWasmExecutor } from '../../src/executors/wasm/executor.ts'
import type { Behaviour } from '../conformance/behaviours.ts'
import { runBehaviour, type Ran } from '../conformance/executor-conformance.ts'

const LEFTOVERS = join(import.meta.dirname, '../escape/wasm/programs/leftovers.c')
const EXITED = { kind: 'exited', code: 0 } as const

describe('a WebAssembly process that serves one requester again', function () {
  this.timeout(60_000)
  let instanceDir: string
  let executor: Executor<WasmTask>
  let programs: ReadonlyMap<string, BuiltProgram>

  before(async () => {
    programs = await buildPrograms({ runtime: 'wasm' })
  })
  beforeEach(async () => {
    instanceDir = await mkdtemp(join(tmpdir(), 'souk-reuse-'))
    executor = createWasmExecutor({ instanceDir, prewarm: 1, reuse: 'same-requester' })
  })
  afterEach(async () => {
    await executor.close()
    assert.deepEqual(await readdir(join(instanceDir, 'wasm-processes')), [])
    await rm(instanceDir, { recursive: true })
  })

  async function run(
    program: string,
    { requester = 'a', ...behaviour }: Partial<Behaviour> & { readonly requester?: string | undefined } = {},
  ): Promise<Ran> {
    const module = programs.get(program)
    assert.ok(module)
    const asked: Executor<WasmTask> = {
      ...executor,
      run: (job) => executor.run({ ...job, ...(requester !== '' && { requester }) }),
    }
    return runBehaviour(
      { executor: asked, task: (name, base) => ({ ...base, runtime: 'wasm', name, module }) },
      { name: program, program, expected: { outcome: EXITED }, ...behaviour },
    )
  }
  const reuseOf = ({ execution }: Ran): string => execution.isolation.reuse

  it('says in the isolation which it was: the first task of a process, or a later one', async () => {
    const first = await run('exit-code', { command: ['0'] })
    const second = await run('exit-code', { command: ['0'] })
    assert.deepEqual([reuseOf(first), reuseOf(second)], ['none', 'same-requester'])
    assert.ok(first.execution.isolation.layers.includes('process-one-shot'))
    assert.ok(second.execution.isolation.layers.includes('process-per-requester'))
  })

  it('never serves two requesters, nor one that nobody names', async () => {
    await run('exit-code', { command: ['0'] })
    const tasks = [
      await run('exit-code', { command: ['0'], requester: 'b' }),
      await run('exit-code', { command: ['0'], requester: '' }),
      await run('exit-code', { command: ['0'], requester: '' }),
    ]
    assert.deepEqual(tasks.map(reuseOf), ['none', 'none', 'none'])
  })

  it('leaks nothing from one task to the next: no file, descriptor, argument, variable, input or memory', async () => {
    const leftovers = await buildProgram({ file: LEFTOVERS, runtime: 'wasm' })
    programs = new Map([...programs, ['leftovers', leftovers]])
    const first = await run('leftovers', {
      command: ['one'],
      env: {},
      inputs: [{ target: '/data/one', content: 'an input of the first task' }],
      outputs: ['/out'],
    })
    assert.deepEqual([first.execution.outcome, first.stdout.toString()], [EXITED, 'one\n'])
    for (const word of ['two', 'three']) {
      const next = await run('leftovers', { command: [word] })
      assert.deepEqual(
        [next.execution.outcome, next.stdout.toString(), reuseOf(next)],
        [EXITED, `${word}\n`, 'same-requester'],
      )
    }
  })

  it('goes on where a task left its standard input unread', async () => {
    await run('exit-code', { command: ['0'], stdin: Buffer.alloc(1024 * 1024, 'x') })
    const next = await run('cat', { stdin: Buffer.from('of this task alone') })
    assert.deepEqual([next.stdout.toString(), reuseOf(next)], ['of this task alone', 'same-requester'])
  })

  it('counts memory and output of each task anew', async () => {
    for (let task = 0; task < 3; task++) {
      const { execution } = await run('cat', { stdin: Buffer.alloc(1000, 'x') })
      assert.equal(execution.usage.outputBytes, 1000)
      assert.deepEqual([execution.outcome, execution.usage.limitsHit], [EXITED, []])
    }
  })

  for (const [what, program, behaviour] of [
    ['trapped', 'trap', {}],
    ['recursed past its stack', 'recurse', {}],
    ['met a limit on output', 'flood', { limits: { outputBytes: 1000 } }],
    ['met a limit that only made a call fail', 'open-files', { command: ['/tmp/x', '16'], limits: { openFiles: 16 } }],
  ] satisfies readonly (readonly [string, string, Partial<Behaviour>])[]) {
    it(`is not used again once its task ${what}`, async () => {
      await run(program, behaviour)
      const next = await run('exit-code', { command: ['0'] })
      assert.deepEqual([next.execution.outcome, reuseOf(next)], [EXITED, 'none'])
    })
  }

  it('is one-shot where the operator has not said otherwise', async () => {
    const dir = join(instanceDir, 'one-shot')
    const usual = executor
    executor = createWasmExecutor({ instanceDir: dir, prewarm: 0 })
    try {
      await run('exit-code', { command: ['0'] })
      assert.equal(reuseOf(await run('exit-code', { command: ['0'] })), 'none')
    } finally {
      await executor.close()
      await rm(dir, { recursive: true })
      executor = usual
    }
  })
})
