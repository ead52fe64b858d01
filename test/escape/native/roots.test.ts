import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
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

/** Tasks that start while their root changes; one in a few meets it changed. */
const RACES = 60
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

  // As in CVE-2025-31133 and CVE-2025-52565 of runc: what masks and streams are laid over.
  it('one that brings a /proc and a /dev of its own gets the sandbox’s, and keeps its own', async () => {
    const own = ['proc/self', 'proc/sys/kernel', 'dev/shm', 'dev/pts', 'dev/mqueue']
    for (const folder of own) await mkdir(join(dir, 'root', folder), { recursive: true })
    for (const name of ['proc/kcore', 'proc/self/exe', 'dev/console', 'dev/fd', 'dev/stdout'])
      await symlink(join(outside, 'elsewhere'), join(dir, 'root', name))
    await writeFile(join(dir, 'root', 'proc', 'mounts'), 'mine')
    const before = await readdir(join(dir, 'root'), { recursive: true })
    const { execution } = await run({ inputs: [INPUT], outputs: ['/out'] })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 5 })
    assert.deepEqual(await readdir(outside), [])
    assert.deepEqual(await readdir(join(dir, 'root'), { recursive: true }), before)
  })

  // As in CVE-2021-30465 of runc.
  it('one whose /in is a folder and a link by turns, while tasks start, never leads elsewhere', async () => {
    const [folder, link] = [join(dir, 'folder'), join(dir, 'link')]
    const place = join(dir, 'root', 'in')
    await mkdir(folder)
    await symlink(outside, link)
    await rename(folder, place)
    const seen = { ran: 0, refused: 0 }
    let turning = true
    const turn = async (): Promise<void> => {
      while (turning) {
        await rename(place, folder)
        await rename(link, place)
        await rename(place, link)
        await rename(folder, place)
      }
    }
    const turned = turn()
    try {
      for (let round = 0; round < RACES || (round < 10 * RACES && (seen.ran === 0 || seen.refused === 0)); round += 1) {
        try {
          const { execution } = await run({ inputs: [INPUT] })
          assert.deepEqual(execution.outcome, { kind: 'exited', code: 5 })
          seen.ran += 1
        } catch (error) {
          // It may be a link, or be gone between two looks.
          if (!isSoukError(error, 'INVALID_INPUT') && !isSoukError(error, 'EXECUTOR_FAILED')) throw error
          seen.refused += 1
        }
        assert.deepEqual(await readdir(outside), [], 'nothing was made where the link leads')
        assert.deepEqual(await target.leftovers(), [])
      }
    } finally {
      turning = false
      await turned
    }
    assert.ok(seen.ran > 0 && seen.refused > 0, `both were met: ${JSON.stringify(seen)}`)
  })
})
