import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildProgram, buildPrograms, type BuiltProgram } from '../../scripts/build-programs.ts'
import type { Executor, NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { startLauncher } from '../../src/native/launcher.ts'
import { LAUNCHER_BINARY } from '../../src/native/launcher-process.ts'
import { assertBehaviour, runBehaviour, type ConformanceSubject } from '../conformance/executor-conformance.ts'
import { nativeAccounting } from '../conformance/native-accounting.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

const BENEATH_LISTENER = fileURLToPath(new URL('../fixtures/launchers/beneath-listener.c', import.meta.url))

describe('native accounting', function () {
  this.timeout(120_000)
  let place: TestLauncher
  let executor: Executor<NativeTask>
  let programs: ReadonlyMap<string, BuiltProgram>

  before(async () => {
    programs = await buildPrograms({ runtime: 'native' })
    place = await startNativeLauncher()
    executor = createNativeExecutor({ launcher: place.launcher })
  })
  after(async () => {
    await executor.close()
    await place.remove()
  })

  const task: ConformanceSubject<NativeTask>['task'] = (program, base) => {
    const built = programs.get(program)
    if (built === undefined) throw new Error(`no program ${program}`)
    return { ...base, runtime: 'native', name: program, root: { kind: 'program', ...built } }
  }

  nativeAccounting({ groups: true, subject: () => ({ executor, task }) })

  it('denies the same calls beneath another listener, where they cannot be counted', async () => {
    const wrapper = await buildProgram({ file: BENEATH_LISTENER, runtime: 'native' })
    const dir = await mkdtemp(join(tmpdir(), 'souk-listener-'))
    const socket = join(dir, 'launcher')
    const child = spawn(
      wrapper.source,
      [LAUNCHER_BINARY, '--socket', socket, '--instance', `test-listener-${process.pid}`],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    const exited = once(child, 'exit')
    try {
      await once(child.stdout, 'data')
      const beneath = createNativeExecutor({ launcher: startLauncher({ socket }) })
      for (const [command, outcome] of [
        [['denied', '300'], { kind: 'exited', code: 0 }],
        [['foreign'], { kind: 'killed', signal: 'SIGSYS' }],
      ] as const) {
        const behaviour = { name: 'beneath', program: 'accounting', command, expected: { outcome } }
        const ran = await runBehaviour({ executor: beneath, task }, behaviour)
        assertBehaviour(ran, behaviour)
        assert.deepEqual(ran.execution.denials, { oomKills: 0, pids: 0 })
      }
    } finally {
      child.stdin.end()
      await exited
      await rm(dir, { recursive: true, force: true })
    }
  })
})
