import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

interface Settled {
  readonly providers: readonly {
    readonly name: string
    readonly receipts: number
    readonly receiptsWei: string
    readonly balanceWei: string
  }[]
  readonly payer: Readonly<Record<'hadWei' | 'gasWei' | 'paidWei' | 'balanceWei', string>>
  readonly batches: number
}

describe('the paid demo', function () {
  this.timeout(360_000)

  it('finds, quotes, pays and verifies, and every balance is what the receipts come to', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-demo-paid-test-'))
    try {
      const { stdout, stderr } = await run(process.execPath, [join(root, 'scripts/demo-paid.ts'), '--json'], {
        env: { ...process.env, TMPDIR: dir, NO_COLOR: '1' },
        maxBuffer: 10 * 1024 * 1024,
      })
      const { providers, payer, batches } = JSON.parse(stdout) as Settled
      assert.deepEqual(
        providers.map(({ name, receipts }) => [name, receipts]),
        [
          ['cheap', 2],
          ['solid', 1],
          ['liar', 1],
        ],
        stderr,
      )
      for (const { receiptsWei, balanceWei } of providers) assert.equal(balanceWei, receiptsWei)
      const paidWei = providers.reduce((sum, { receiptsWei }) => sum + BigInt(receiptsWei), 0n)
      assert.equal(BigInt(payer.paidWei), paidWei)
      assert.equal(BigInt(payer.balanceWei), BigInt(payer.hadWei) - BigInt(payer.gasWei) - paidWei)
      // Two channels of one provider, in one transaction.
      assert.equal(batches, 1)
      // One of the three has lied, and anybody can see that it was this one.
      assert.match(stderr, /2 providers said the same/)
      assert.match(stderr, /was wrong \(stdout\)/)
      assert.deepEqual(await readdir(dir), [], 'something is left')
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})
