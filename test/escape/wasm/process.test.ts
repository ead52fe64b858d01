import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buildProgram, PROGRAMS_DIR } from '../../../scripts/build-programs.ts'
import { StopReason } from '../../../src/executors/executor.ts'
import { createWasmExecutor } from '../../../src/executors/wasm/executor.ts'
import { ROOMY_LIMITS } from '../../conformance/behaviours.ts'
import { collector } from '../../conformance/executor-conformance.ts'

/** What the kernel says of a sandbox process while a task runs in it. */
interface Seen {
  readonly status: string
  readonly environment: string
  readonly folder: string
  readonly descriptors: readonly string[]
}

async function look(pid: string): Promise<Seen> {
  const numbers = await readdir(`/proc/${pid}/fd`)
  return {
    status: await readFile(`/proc/${pid}/status`, 'utf8'),
    environment: await readFile(`/proc/${pid}/environ`, 'utf8'),
    folder: await readlink(`/proc/${pid}/cwd`),
    descriptors: await Promise.all(numbers.map((number) => readlink(`/proc/${pid}/fd/${number}`))),
  }
}

describe('escape: the process around a WebAssembly task', function () {
  this.timeout(60_000)
  let dir: string
  let seen: Seen

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-process-'))
    const executor = createWasmExecutor({ instanceDir: dir, prewarm: 0 })
    const stop = new AbortController()
    const [stdout, stderr] = [collector(), collector()]
    const module = await buildProgram({ file: join(PROGRAMS_DIR, 'sleep.c'), runtime: 'wasm' })
    try {
      const running = executor.run({
        task: {
          runtime: 'wasm',
          name: 'sleep',
          module,
          command: [],
          env: { SEEN: 'by the task alone' },
          inputs: [],
          outputs: [],
        },
        limits: ROOMY_LIMITS,
        dir,
        stdin: Readable.from([]),
        stdout: stdout.stream,
        stderr: stderr.stream,
        signal: stop.signal,
        onStarted: () => {},
      })
      await stdout.firstLine
      const [pid] = await readdir(join(dir, 'wasm-processes'))
      assert.ok(pid)
      seen = await look(pid)
      stop.abort(new StopReason('cancelled'))
      await running
    } finally {
      await executor.close()
    }
  })
  after(() => rm(dir, { recursive: true }))

  it('is nobody, in no group, without a capability', function () {
    const line = (name: string): string | undefined =>
      new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(seen.status)?.[1]
    const ours = process.getuid?.() === 0 ? '65534' : String(process.getuid?.())
    assert.equal(line('Uid'), [ours, ours, ours, ours].join('\t'))
    assert.equal(line('CapEff'), '0000000000000000')
    assert.equal(line('CapPrm'), '0000000000000000')
    if (process.getuid?.() === 0) assert.equal(line('Groups'), '')
  })

  it('has an empty environment and the root for its folder', () => {
    assert.equal(seen.environment, '')
    assert.equal(seen.folder, '/')
  })

  it('has no file open but pipes of its own and what Node itself waits on', () => {
    const others = seen.descriptors.filter((target) => !/^(socket|pipe|anon_inode):|^\/dev\/null$/.test(target))
    assert.deepEqual(others, [])
  })
})
