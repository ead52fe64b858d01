import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { signedTaskIdOf, signTask, specDigestOf, type TaskToSign } from '../../src/identity/task.ts'
import { taskIdOf } from '../../src/identity/typed-data.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ANY_PROVIDER, authorizationSchema, signatureSchema } from '../../src/protocol/receipt.ts'
import { keyOf } from '../fixtures/receipts.ts'

const spec = Buffer.from('{"version":1}')
const key = keyOf(3)
const terms: TaskToSign = {
  spec,
  provider: keyOf(4).address,
  maxPriceWei: '5',
  chainId: 0,
  key,
  expiryMs: 1_700_000_000_000,
}

describe('a signed task', () => {
  const { task, taskId } = signTask(terms)

  it('has a form that the protocol knows, and its own id', () => {
    authorizationSchema.parse(task.authorization)
    signatureSchema.parse(task.signature)
    assert.equal(taskId, taskIdOf(task.authorization))
    assert.equal(task.spec, spec)
    assert.equal(task.authorization.requester, key.address)
    assert.equal(task.authorization.specDigest, specDigestOf(spec))
  })

  it('is what its requester signed', () => {
    assert.equal(signedTaskIdOf(task), taskId)
    const forAny = signTask({ ...terms, provider: ANY_PROVIDER, maxPriceWei: '0' })
    assert.equal(signedTaskIdOf(forAny.task), forAny.taskId)
  })

  it('is another each time, unless its nonce is given', () => {
    assert.notEqual(signTask(terms).taskId, taskId)
    assert.deepEqual(signTask({ ...terms, nonce: task.authorization.nonce }), { task, taskId })
  })

  const { authorization } = task
  const wrong: Record<string, typeof task> = {
    'another byte in its spec': { ...task, spec: Buffer.from('{"version":2}') },
    'a byte more in its spec': { ...task, spec: Buffer.concat([spec, Buffer.from(' ')]) },
    'no spec': { ...task, spec: new Uint8Array(0) },
    'another digest': { ...task, authorization: { ...authorization, specDigest: '00'.repeat(32) } },
    'another requester': { ...task, authorization: { ...authorization, requester: keyOf(5).address } },
    'another provider': { ...task, authorization: { ...authorization, provider: keyOf(5).address } },
    'another nonce': { ...task, authorization: { ...authorization, nonce: `0x${'00'.repeat(32)}` } },
    'another expiry': { ...task, authorization: { ...authorization, expiryMs: authorization.expiryMs + 1 } },
    'another price': { ...task, authorization: { ...authorization, maxPriceWei: '6' } },
    'a price that is no number of Ethereum': {
      ...task,
      authorization: { ...authorization, maxPriceWei: '9'.repeat(78) },
    },
    'another chain': { ...task, authorization: { ...authorization, chainId: 1 } },
    "another task's signature": { ...task, signature: signTask(terms).task.signature },
    "another key's signature": {
      ...task,
      signature: signTask({ ...terms, key: keyOf(5), nonce: authorization.nonce }).task.signature,
    },
    'a malformed signature': { ...task, signature: '0x' },
  }
  for (const [what, changed] of Object.entries(wrong)) {
    it(`is not what its requester signed with ${what}`, () => {
      assert.equal(signedTaskIdOf(changed), undefined)
    })
  }

  it('is not made for a price that is no number of Ethereum', () => {
    assert.throws(
      () => signTask({ ...terms, maxPriceWei: '9'.repeat(78) }),
      (thrown) => isSoukError(thrown, 'INVALID_INPUT'),
    )
  })
})
