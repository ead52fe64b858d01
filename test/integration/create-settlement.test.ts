import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { PaymentTerms } from '../../src/protocol/payment.ts'
import { createNode } from '../../src/node/create-node.ts'
import { deployChannels } from '../fixtures/channel-contract.ts'
import { startAnvil } from '../fixtures/restartable-anvil.ts'
import { keyOfPrivateKey, type Key } from '../../src/identity/key-file.ts'
import { loadConfig } from '../../src/node/config/config.ts'
import { createSettlement } from '../../src/node/create-settlement.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { signPayoutAuthorization } from '../../src/settlement/payout.ts'

const CHAIN_ID = 31_337
const CONTRACT = `0x${'c0'.repeat(20)}`
const DAY_MS = 86_400_000

function keyOf(byte: number): Key {
  const key = keyOfPrivateKey(Buffer.alloc(32, byte))
  if (key === undefined) throw new Error('not a key')
  return key
}

describe('settlement of a node', () => {
  const node = keyOf(1)
  const cold = keyOf(2)
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-settlement-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const authorization = (
    change: { readonly node?: string; readonly expiryMs?: number; readonly chainId?: number } = {},
  ) =>
    signPayoutAuthorization({
      authorization: {
        node: change.node ?? node.address,
        payout: cold.address,
        expiryMs: change.expiryMs ?? Date.now() + DAY_MS,
      },
      at: { chainId: change.chainId ?? CHAIN_ID, contract: CONTRACT },
      key: cold,
    })

  async function create(payout: string | undefined, word: unknown): Promise<(requester: string) => PaymentTerms> {
    const file = join(dir, 'payout.json')
    await writeFile(file, typeof word === 'string' ? word : JSON.stringify(word))
    const { config } = await loadConfig({
      env: {
        SOUK_NODE_DATA_DIR: join(dir, 'node'),
        SOUK_CHAIN_ID: String(CHAIN_ID),
        SOUK_SETTLEMENT_MODE: 'channel',
        SOUK_SETTLEMENT_RPC: 'http://127.0.0.1:1',
        SOUK_SETTLEMENT_CONTRACT: CONTRACT,
        SOUK_SETTLEMENT_CREDIT_KNOWN: '7gwei',
        SOUK_SETTLEMENT_CREDIT_UNKNOWN: '2',
        ...(payout !== undefined && {
          SOUK_SETTLEMENT_PAYOUT: payout,
          SOUK_SETTLEMENT_PAYOUT_AUTHORIZATION: file,
        }),
      },
    })
    const { settlement } = config
    assert.ok(settlement.mode === 'channel')
    const isKnown = (requester: string): boolean => requester === cold.address
    const logger = pino({ level: 'silent' })
    const settler = await createSettlement({ config, settlement, key: node, isKnown, logger })
    await settler.close()
    return (requester) => settler.terms(requester)
  }

  it('is paid at the address of the node where nothing else is said, and knows whom it gives credit', async () => {
    const terms = await create(undefined, '')
    const rest = { kind: 'channel', contract: CONTRACT, token: `0x${'0'.repeat(40)}`, payee: node.address }
    assert.deepEqual(terms(cold.address), { ...rest, creditWei: '7000000000' })
    assert.deepEqual(terms(node.address), { ...rest, creditWei: '2' })
  })

  it('is paid at a payout address that authorised it, and shows that', async () => {
    const word = authorization()
    const terms = (await create(cold.address, word))(node.address)
    assert.ok(terms.kind === 'channel')
    assert.deepEqual([terms.payee, terms.authorization], [cold.address, word])
  })

  for (const [what, { payout = cold.address, word, said }] of Object.entries<{
    readonly payout?: string
    readonly word: () => unknown
    readonly said: RegExp
  }>({
    'of another node': { word: () => authorization({ node: cold.address }), said: /is for the node/ },
    'of another address': { payout: CONTRACT, word: () => authorization(), said: /not of settlement\.payout/ },
    'that has expired': { word: () => authorization({ expiryMs: 1 }), said: /has expired/ },
    'for another chain': { word: () => authorization({ chainId: 1 }), said: /is not signed by/ },
    'that was changed': {
      word: () => ({ ...authorization(), expiryMs: Date.now() + 2 * DAY_MS }),
      said: /is not signed by/,
    },
    'that is none': { word: () => '{}', said: /is no payout authorization/ },
    'that is no JSON': { word: () => 'hello', said: /cannot be read/ },
    'of too many bytes': { word: () => ' '.repeat(20_000), said: /cannot be read/ },
  })) {
    it(`does not start on an authorization ${what}`, async () => {
      const error: unknown = await create(payout, word()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert.ok(isSoukError(error, 'CONFIG_INVALID'), String(error))
      assert.match(error.message, said)
      assert.deepEqual(
        error.details.issues.map(({ path }) => path),
        ['settlement.payout_authorization'],
      )
    })
  }

  it('comes up where the contract is, and not on another chain or without it', async function () {
    this.timeout(60_000)
    const anvil = await startAnvil({ mining: 'auto' })
    try {
      const contract = await deployChannels({ url: anvil.url, key: await anvil.account(), challengeSeconds: 3600 })
      const start = async (name: string, env: Readonly<Record<string, string>>): Promise<void> => {
        const { config } = await loadConfig({
          env: {
            SOUK_NODE_DATA_DIR: join(dir, name),
            SOUK_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0',
            SOUK_CHAIN_ID: String(anvil.chainId),
            SOUK_SETTLEMENT_MODE: 'channel',
            SOUK_SETTLEMENT_RPC: anvil.url,
            SOUK_SETTLEMENT_CONTRACT: contract,
            SOUK_SETTLEMENT_POLL: '50ms',
            ...env,
          },
        })
        const node = await createNode({ config, version: '0', logger: pino({ level: 'silent' }), executors: [] })
        assert.equal(node.status().chainId, anvil.chainId)
        await node.stop({ drainMs: 0 })
      }
      await start('right', {})
      await assert.rejects(start('wrong', { SOUK_CHAIN_ID: '1' }), { code: 'WRONG_CHAIN' })
      await assert.rejects(start('none', { SOUK_SETTLEMENT_CONTRACT: CONTRACT }), { code: 'CHAIN_REFUSED' })
      // It would see a close too late to redeem.
      await assert.rejects(start('slow', { SOUK_SETTLEMENT_POLL: '600s' }), {
        code: 'CHAIN_REFUSED',
        message: /challenge period is 3600 s, .* needs 6600 s/,
      })
      // Endpoints come back: a node does not wait for them.
      await start('away', { SOUK_SETTLEMENT_RPC: 'http://127.0.0.1:1' })
    } finally {
      await anvil.close()
    }
  })
})
