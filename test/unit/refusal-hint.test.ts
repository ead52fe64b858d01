import assert from 'node:assert/strict'
import { refusalHint } from '../../src/protocol/refusal-hint.ts'

const price = (offered: string) => ({ reason: 'PRICE_TOO_LOW', message: 'too little', offered }) as const
const chain = (offered: string) => ({ reason: 'FOREIGN_CHAIN', message: 'elsewhere', offered }) as const

describe('what to do about a refusal', () => {
  it('is to allow the lowest price that anybody named', () => {
    assert.match(refusalHint([price('3000000000000'), price('11000000000')]) ?? '', /--max-price 11gwei or price\.max/)
  })

  it('is to name the chain, where there is one', () => {
    assert.match(refusalHint([chain('31337')]) ?? '', /--chain-id 31337 or SOUK_CHAIN_ID=31337/)
    assert.match(refusalHint([chain('0')]) ?? '', /Leave --chain-id and SOUK_CHAIN_ID away/)
  })

  it('is not known for other reasons, and nothing is made of a number that is none', () => {
    assert.equal(refusalHint([{ reason: 'QUEUE_FULL', message: 'full' }]), undefined)
    assert.equal(refusalHint([price('1e99999'), chain('$(reboot)')]), undefined)
  })
})
