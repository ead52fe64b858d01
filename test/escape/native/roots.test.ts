import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram, PROGRAMS_DIR, type BuiltProgram } from '../../../scripts/build-programs.ts'
import type { NativeTask } from '../../../src/executors/executor.ts'
import type { NamedRoot } from '../../../src/native/roots.ts'
import { isSoukError } from '../../../src/protocol/errors.ts'
import type { Behaviour } from '../../conformance/behaviours.ts'
import { runBehaviour, type Ran } from '../../conformance/executor-conformance.ts'
import type { Target } from '../escape-tests.ts'
import { nativeTarget } from './target.ts'

const INPUT = { target: '/in/file', content: 'input' }

/** Where each link lies in the root file system, and the task that makes the sandbox use what it leads to. */
const LINKS: readonly { readonly link: string; readonly task?: Partial<Behaviour> }[] = [
  { link: 'dev' },
  { link: 'proc' },
  { link: 'tmp' },
  { link: 'in', task: { inputs: [INPUT] } },
  { link: 'in/file', task: { inputs: [INPUT] } },
  { link: 'in', task: { inputs: [{ target: '/in/deep/er/file', content: 'input' }] } },
  { link: 'out', task: { outputs: ['/out'] } },
  { link: 'a', task: { outputs: ['/a/out'] } },
  { link: 'work', task: { workdir: '/work' } },
  { link: 'a', task: { workdir: '/a/work' } },
]

describe('escape: root file systems of native tasks', function () {
  this.timeout(120_000)
  const roots = new Map<string, NamedRoot>()
  let program: BuiltProgram
  let target: Target<NativeTask>
  let dir: string
  let outside: string

  before(async () => {
    program = await buildProgram({ file: join(PROGRAMS_DIR, 'exit-code.c'), runtime: 'native' })
    target = await nativeTarget(new Map([['exit-code', program]]), roots)
  })
  after(() => target.close())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-root-'))
    await chmod(dir, 0o755)
    outside = join(dir, 'outside')
    await mkdir(outside)
    await chmod(outside, 0o777)
    await mkdir(join(dir, 'root'))
    roots.set('hostile', { sha256: '', path: join(dir, 'root') })
    await copyFile(program.source, join(dir, 'root', 'program'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  const run = (task: Partial<Behaviour> = {}): Promise<Ran> =>
    runBehaviour(
      {
        executor: target.executor,
        task: (name, base) => ({
          ...base,
          runtime: 'native',
          name,
          root: { kind: 'named', name: 'hostile', sha256: '' },
        }),
      },
      {
        name: 'a root',
        program: 'program',
        command: ['/program', '5'],
        expected: { outcome: { kind: 'exited', code: 5 } },
        ...task,
      },
    )

  it('one without links runs, though it lacks every folder that the sandbox needs', async () => {
    const { execution } = await run({ inputs: [INPUT], outputs: ['/out'], workdir: '/work' })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 5 })
    assert.deepEqual(await readdir(join(dir, 'root')), ['program'], 'the folder on the host is as it was')
  })

  for (const { link, task } of LINKS) {
    for (const kind of ['host', 'inside'] as const) {
      const uses = Object.keys(task ?? {}).join()
      it(`one whose /${link} is a link is refused, leading ${kind}, for ${uses === '' ? 'every task' : uses}`, async () => {
        const path = join(dir, 'root', link)
        await mkdir(join(path, '..'), { recursive: true })
        await mkdir(join(dir, 'root', 'elsewhere'))
        await symlink(kind === 'host' ? outside : '/elsewhere', path)
        await assert.rejects(run(task), (error) => isSoukError(error, 'INVALID_INPUT'))
        assert.deepEqual(await readdir(outside), [], 'nothing was made where the link leads')
        assert.deepEqual(await readdir(join(dir, 'root', 'elsewhere')), [])
      })
    }
  }

  it('one whose /dev/null is a link or a file gets the sandbox’s own', async () => {
    await mkdir(join(dir, 'root', 'dev'))
    await symlink(join(outside, 'null'), join(dir, 'root', 'dev', 'null'))
    await writeFile(join(dir, 'root', 'dev', 'zero'), 'not zero')
    const { execution } = await run()
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 5 })
    assert.deepEqual(await readdir(outside), [])
  })
})
