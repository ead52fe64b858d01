import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import type { JobHeader } from '../../src/executors/wasm/channel.ts'
import { feedJob } from '../../src/executors/wasm/feed.ts'
import { createProcessRecords } from '../../src/executors/wasm/records.ts'
import { DEFAULT_STACK_BYTES, startSandbox } from '../../src/executors/wasm/sandbox-process.ts'

const BACKSTOP_MS = 500

describe('the backstop of a WebAssembly process that nothing confines', function () {
  this.timeout(60_000)

  it('is of one job: while the process waits for the next one it does not end', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-backstop-'))
    const program = await buildProgram({ file: join(PROGRAMS_DIR, 'exit-code.c'), runtime: 'wasm' })
    const sandbox = await startSandbox({
      stackBytes: DEFAULT_STACK_BYTES,
      host: 'souk',
      records: createProcessRecords(dir),
    })
    const header: JobHeader = {
      args: ['exit-code', '0'],
      env: {},
      workdir: '/',
      program: { key: 'exit-code', bytes: program.bytes, form: { kind: 'source' } },
      metered: false,
      inputs: [],
      outputs: [],
      limits: { memoryBytes: 2 ** 24, diskBytes: 0, inodes: 0, openFiles: 16, outputBytes: 0 },
      backstopMs: BACKSTOP_MS,
      reusable: true,
    }
    const runJob = async (): Promise<string | undefined> => {
      await feedJob({ target: sandbox.job, header, program, inputs: [] })
      sandbox.job.write(Buffer.alloc(4))
      for (;;) {
        const { value: frame } = await sandbox.frames.next()
        if (frame === undefined) return undefined
        if (frame.kind === 'report' && ['complete', 'fault', 'refused'].includes(frame.report.event))
          return frame.report.event
      }
    }
    try {
      assert.equal(await runJob(), 'complete')
      await sleep(4 * BACKSTOP_MS)
      assert.equal(await runJob(), 'complete')
    } finally {
      sandbox.kill()
      await sandbox.ended
      await rm(dir, { recursive: true })
    }
  })
})
