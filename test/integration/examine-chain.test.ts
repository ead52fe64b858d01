import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import picocolors from 'picocolors'
import { diagnosisLines } from '../../src/cli/render/diagnosis-text.ts'
import { examineChain, type ChainDiagnosis } from '../../src/cli/examine-chain.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { loadConfig } from '../../src/node/config/config.ts'
import { startCountingProxy } from '../fixtures/chain-proxy.ts'
import { deployChannels } from '../fixtures/channel-contract.ts'
import { startAnvil, type RestartableAnvil } from '../fixtures/restartable-anvil.ts'

const ETHER = 10n ** 18n
const NOBODY = `0x${'c0'.repeat(20)}`

describe('what souk doctor says of the chain', function () {
  this.timeout(60_000)
  let anvil: RestartableAnvil
  let dir: string
  let contract: string

  before(async () => {
    anvil = await startAnvil({ mining: 'auto' })
    contract = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: 7200 })
  })
  after(() => anvil.close())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-examine-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  async function examined(env: Readonly<Record<string, string>> = {}): Promise<ChainDiagnosis> {
    const { config } = await loadConfig({
      env: {
        SOUK_NODE_DATA_DIR: dir,
        SOUK_CHAIN_ID: String(anvil.chainId),
        SOUK_SETTLEMENT_MODE: 'channel',
        SOUK_SETTLEMENT_RPC: anvil.url,
        SOUK_SETTLEMENT_CONTRACT: contract,
        ...env,
      },
    })
    const diagnosis = await examineChain(config)
    assert(diagnosis !== undefined)
    return diagnosis
  }
  const textOf = (chain: ChainDiagnosis): string =>
    diagnosisLines({
      diagnosis: {
        ...{ ok: chain.ok, souk: '0', node: 'v24', kernel: 'Linux', arch: 'x64', secp256k1: { native: true } },
        config: { file: null, valid: true, issues: [] },
        privileges: { root: false },
        runtimes: [],
        chain,
      },
      width: 1000,
      colors: picocolors.createColors(false),
    }).join('\n')

  it('finds a node that can be paid', async () => {
    const { address } = await loadOrCreateKey({ file: join(dir, 'key') })
    await anvil.rpc('anvil_setBalance', address, `0x${(ETHER / 2n).toString(16)}`)
    await anvil.mine()
    const { blockAgeSeconds = -1, ...chain } = await examined()
    assert.deepEqual(chain, {
      ...{ ok: true, chainId: anvil.chainId, contract, node: address },
      ...{ gasBalanceWei: String(ETHER / 2n), challengePeriodMs: 7_200_000 },
    })
    assert.ok(Math.abs(blockAgeSeconds) < 60, String(blockAgeSeconds))
    assert.match(textOf({ ...chain, blockAgeSeconds }), /2 hours to redeem in .*; 0x[0-9a-f]{40} has 0\.5eth for gas/)
  })

  it('says that the node has no coins for gas, or no key yet', async () => {
    const keyless = await examined()
    assert.deepEqual([keyless.ok, keyless.node, keyless.gasBalanceWei], [true, undefined, undefined])
    assert.match(textOf(keyless), /the node has no key yet/)
    const { address } = await loadOrCreateKey({ file: join(dir, 'key') })
    const poor = await examined()
    assert.deepEqual([poor.ok, poor.node, poor.gasBalanceWei], [true, address, '0'])
    assert.match(textOf(poor), /has 0 for gas: it can redeem nothing/)
  })

  for (const [what, { env, said }] of Object.entries<{
    readonly env: () => Readonly<Record<string, string>>
    readonly said: RegExp
  }>({
    'another chain': { env: () => ({ SOUK_CHAIN_ID: '1' }), said: /serves chain 31337, not chain 1/ },
    'no endpoint that answers': {
      env: () => ({ SOUK_SETTLEMENT_RPC: 'http://127.0.0.1:1' }),
      said: /cannot be reached: http:\/\/127\.0\.0\.1:1/,
    },
    'one endpoint of two': {
      env: () => ({ SOUK_SETTLEMENT_RPC: `${anvil.url},http://127.0.0.1:1` }),
      said: /cannot be reached: http:\/\/127\.0\.0\.1:1/,
    },
    'no contract': { env: () => ({ SOUK_SETTLEMENT_CONTRACT: NOBODY }), said: /there is no contract at 0xc0c0/ },
  })) {
    it(`says what is wrong with ${what}`, async () => {
      const chain = await examined(env())
      assert.equal(chain.ok, false)
      assert.match(chain.problem ?? '', said)
      assert.match(textOf(chain), /chain +\d+, contract 0x[0-9a-f]{40}: /)
    })
  }

  it('says that the contract leaves a node that looks so seldom too little time', async () => {
    const short = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: 3600 })
    const chain = await examined({ SOUK_SETTLEMENT_CONTRACT: short, SOUK_SETTLEMENT_POLL: '600s' })
    assert.equal(chain.ok, false)
    assert.match(textOf(chain), /challenge period is 3600 s, .* every 600 s needs 6600 s/)
    assert.equal((await examined({ SOUK_SETTLEMENT_CONTRACT: short })).ok, true)
  })

  it('says that a contract is another', async () => {
    const code = (await anvil.rpc('eth_getCode', contract, 'latest')) as string
    await anvil.rpc('anvil_setCode', NOBODY, `${code.slice(0, 2_000)}5b${code.slice(2_002)}`)
    const chain = await examined({ SOUK_SETTLEMENT_CONTRACT: NOBODY })
    assert.match(chain.problem ?? '', /is not the contract of souk's channels/)
  })

  it('says that clock and chain differ', async () => {
    const shifted = (seconds: number) =>
      startCountingProxy({
        to: anvil.url,
        lie: ({ method, result }) =>
          method === 'eth_getBlockByNumber'
            ? { ...(result as object), timestamp: `0x${(Math.floor(Date.now() / 1000) + seconds).toString(16)}` }
            : result,
      })
    const [late, early] = [await shifted(300), await shifted(-3600)]
    try {
      const behind = await examined({ SOUK_SETTLEMENT_RPC: late.url })
      assert.equal(behind.ok, false)
      assert.match(behind.problem ?? '', /the newest block is (?:299|300) s in the future: set this host's clock/)
      const ahead = await examined({ SOUK_SETTLEMENT_RPC: early.url })
      assert.equal(ahead.ok, true)
      assert.match(textOf(ahead), /its newest block is 360\d s old: the endpoint is behind, or the clock is wrong/)
    } finally {
      await late.close()
      await early.close()
    }
  })
})
