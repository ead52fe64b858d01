import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isSoukError } from '../../src/protocol/errors.ts'
import { inspectChannelContract } from '../../src/settlement/channel-contract.ts'
import { openChain, type Chain } from '../../src/settlement/chain.ts'
import { SOUK_CHANNELS_ABI, SOUK_CHANNELS_BYTECODE } from '../../src/settlement/contracts/souk-channels.ts'
import { startTestChain, type TestChain } from '../fixtures/test-chain.ts'

const HOUR = 3600

describe('the code of a contract', function () {
  this.timeout(120_000)
  let anvil: TestChain
  let chain: Chain
  let contract: string
  let code: Buffer

  before(async () => {
    anvil = await startTestChain()
    chain = openChain({ endpoints: [anvil.url], chainId: anvil.chainId })
    contract = await anvil.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, HOUR)
    code = Buffer.from((await chain.code(contract)).slice(2), 'hex')
  })
  after(async () => {
    chain.close()
    await anvil.stop()
  })

  /** The same chain, with that code at the address. */
  const inspect = (bytes: Uint8Array, at = contract) => {
    const answer = `0x${Buffer.from(bytes).toString('hex')}`
    return inspectChannelContract({ chain: { ...chain, code: () => Promise.resolve(answer) }, contract: at })
  }
  const isRefused = (thrown: unknown): boolean =>
    isSoukError(thrown, 'CHAIN_REFUSED') && thrown.details.kind === 'contract'

  it("is souk's, and says how long a payee has to redeem", async () => {
    assert.deepEqual(await inspectChannelContract({ chain, contract }), { challengePeriodMs: HOUR * 1000 })
    const day = await anvil.deploy({ abi: SOUK_CHANNELS_ABI, bytecode: SOUK_CHANNELS_BYTECODE }, 24 * HOUR)
    assert.deepEqual(await inspectChannelContract({ chain, contract: day }), { challengePeriodMs: 24 * HOUR * 1000 })
  })

  it("is another's where any byte is another, or it is of another place", async () => {
    await assert.rejects(inspect(code, `0x${'11'.repeat(20)}`), isRefused)
    await fc.assert(
      fc.asyncProperty(fc.nat(code.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const changed = Buffer.from(code)
        changed[place] = (changed[place] ?? 0) ^ change
        await assert.rejects(inspect(changed), isRefused)
      }),
      { numRuns: 500 },
    )
  })

  it("is another's where it is anything else", () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 10_000 }),
          fc.nat(code.length - 1).map((length) => code.subarray(0, length)),
          fc.uint8Array({ minLength: 1, maxLength: 64 }).map((more) => Buffer.concat([code, more])),
          fc.uint8Array({ minLength: code.length, maxLength: code.length }),
        ),
        (bytes) => assert.rejects(inspect(bytes), isRefused),
      ),
      { numRuns: 300 },
    ))
})
