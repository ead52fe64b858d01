import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startLocalChain, type LocalChain } from '../../scripts/local-chain.ts'
import { souk } from '../fixtures/souk-command.ts'

const SCRIPT = new URL('../../scripts/deploy-contract.ts', import.meta.url).pathname

describe('deploying the contracts', function () {
  this.timeout(120_000)

  let chain: LocalChain
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-deploy-'))
    chain = await startLocalChain()
    await writeFile(join(dir, 'key'), `${chain.privateKeys[0]?.slice(2) ?? ''}\n`, { mode: 0o600 })
  })
  after(async () => {
    await chain.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const deploy = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [SCRIPT, ...args, '--rpc', chain.url, '--key', join(dir, 'key')])

  it('makes one that the commands take for souk’s, with the period that was asked for', async () => {
    const { stdout } = await deploy('stake', '--period', '2h')
    assert.match(stdout, /^0x[0-9a-f]{40}\n$/)
    const args = ['stake', 'show', '--rpc', chain.url, '--chain-id', String(chain.chainId), '--stake', stdout.trim()]
    const shown = await souk({ args: [...args, '--json'], home: dir })
    assert.equal(shown.code, 0, shown.stderr)
    assert.equal((JSON.parse(shown.stdout) as { unbondingPeriodMs: number }).unbondingPeriodMs, 7_200_000)
  })

  it('makes one of channels that a wallet sees, and one that is asked for wrongly is none', async () => {
    const { stdout } = await deploy('channels')
    const args = [
      'wallet',
      'show',
      '--rpc',
      chain.url,
      '--chain-id',
      String(chain.chainId),
      '--contract',
      stdout.trim(),
    ]
    const shown = await souk({ args: [...args, '--json'], home: dir })
    assert.equal(shown.code, 0, shown.stderr)
    await assert.rejects(deploy('bank'), /Usage: npm run -s deploy-contract/)
  })
})
