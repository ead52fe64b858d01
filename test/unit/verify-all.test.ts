import assert from 'node:assert/strict'
import { verifyAll } from '../../src/cli/verify-all.ts'
import { isSoukError, type SoukError } from '../../src/protocol/errors.ts'

function refusalOf(documents: readonly unknown[]): SoukError<'RECEIPT_INVALID'> {
  try {
    verifyAll(documents)
  } catch (thrown) {
    if (isSoukError(thrown, 'RECEIPT_INVALID')) return thrown
  }
  return assert.fail('it is not refused')
}

describe('documents that are verified', () => {
  it('are said to be none where they have nothing of a receipt, a result or a proof', () => {
    for (const foreign of [{}, { version: 1, name: 'a task' }, [], 7, null, 'receipt']) {
      const { details, hint } = refusalOf([foreign])
      assert.equal(details.reasons.length, 1)
      assert.match(details.reasons[0] ?? '', /^it is no receipt, no result and no proof/)
      assert.match(hint, /--receipt/)
    }
  })

  it('have every reason named where they have something of one, and of several it is said of which', () => {
    const { details, hint } = refusalOf([{ taskId: '0x00' }, {}])
    assert.ok(details.reasons.some((reason) => reason.startsWith('document 1: signature')))
    assert.match(details.reasons.at(-1) ?? '', /^document 2: it is no receipt/)
    assert.match(hint, /Do not trust/)
  })
})
