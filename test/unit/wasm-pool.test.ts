import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSandboxPool } from '../../src/executors/wasm/pool.ts'
import { createProcessRecords } from '../../src/executors/wasm/records.ts'
import { DEFAULT_STACK_BYTES } from '../../src/executors/wasm/sandbox-process.ts'

describe('pool of WebAssembly processes', function () {
  this.timeout(60_000)

  it('gives nobody a process that died before it was given back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-pool-'))
    const stackBytes = DEFAULT_STACK_BYTES
    const pool = createSandboxPool({
      prewarm: 0,
      maxWaiting: 1,
      stackBytes,
      host: 'souk',
      records: createProcessRecords(dir),
    })
    try {
      const first = await pool.take({ stackBytes, requester: 'a' })
      pool.giveBack(first.sandbox, 'a')
      const again = await pool.take({ stackBytes, requester: 'a' })
      assert.deepEqual([again.sandbox.pid, again.reused], [first.sandbox.pid, true])
      again.sandbox.kill()
      await again.sandbox.ended
      pool.giveBack(again.sandbox, 'a')
      const other = await pool.take({ stackBytes, requester: 'a' })
      assert.equal(other.reused, false)
      other.sandbox.kill()
    } finally {
      await pool.close()
      await rm(dir, { recursive: true })
    }
  })
})
