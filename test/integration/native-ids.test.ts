import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Executor, NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

const TASK_ID = 65_534
/** As many as were needed, several times over, when tasks could be reached for some 50 µs. */
const RUNS = 150

/**
 * Becomes the user of tasks, and looks at the newest processes of this host: who may read the link to a process's program may trace it, but for
 * the last check (ptrace(2)). Says which of the launcher's own could be reached.
 */
const WATCHER = `
  const { readFileSync, readlinkSync } = require('node:fs')
  process.setgroups([]); process.setgid(${TASK_ID}); process.setuid(${TASK_ID})
  process.stdout.write('ready\\n')
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const last = Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ').at(-1))
    for (let pid = last; pid > last - 4; pid -= 1)
      try {
        const program = readlinkSync('/proc/' + pid + '/exe')
        if (program.endsWith('/souk-launcher')) { console.log('reached', readFileSync('/proc/' + pid + '/status', 'utf8')); process.exit() }
      } catch {}
  }`

describe('ids of native tasks', function () {
  this.timeout(120_000)
  let dir: string
  let place: TestLauncher
  let executor: Executor<NativeTask>

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-ids-'))
    place = await startNativeLauncher()
    executor = createNativeExecutor({ launcher: place.launcher, roots: new Map([['host-usr', { sha256: '' }]]) })
  })
  after(async () => {
    await executor.close()
    await place.remove()
    await rm(dir, { recursive: true })
  })

  it('give the host’s user of that number no hold on a task that still has something of the launcher', async () => {
    const watcher = execFile(process.execPath, ['-e', WATCHER])
    let said = ''
    watcher.stdout?.on('data', (part: string) => (said += part))
    assert.ok(watcher.stdout !== null)
    const gone = once(watcher, 'exit')
    await once(watcher.stdout, 'data')
    for (let run = 0; run < RUNS; run += 1)
      await executor.run({
        task: {
          runtime: 'native',
          name: 'test',
          root: { kind: 'named', name: 'host-usr', sha256: '' },
          command: ['/bin/true'],
          env: {},
          inputs: [],
          outputs: [],
        },
        limits: ROOMY_LIMITS,
        dir: await mkdtemp(join(dir, 'job-')),
        stdin: Readable.from([]),
        stdout: collector().stream,
        stderr: collector().stream,
        signal: new AbortController().signal,
        onStarted: () => {},
      })
    assert.equal(watcher.exitCode, null, said)
    watcher.kill('SIGKILL')
    await gone
    assert.equal(said, 'ready\n')
  })
})
