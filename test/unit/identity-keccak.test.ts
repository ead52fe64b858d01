import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { keccak256 as theirs } from 'ethers'
import fc from 'fast-check'
import { keccak256 } from '../../src/identity/keccak.ts'

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

describe('keccak256', () => {
  it('hashes nothing, and what is known', () => {
    assert.equal(
      hex(keccak256(new Uint8Array(0))),
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
    const transfer = keccak256(Buffer.from('Transfer(address,address,uint256)'))
    assert.equal(hex(transfer), '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef')
  })

  it('hashes every length around the blocks as ethers does', () => {
    for (let length = 0; length <= 3 * 136 + 1; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7 + length)
      assert.equal(hex(keccak256(bytes)), theirs(bytes), `${length} bytes`)
    }
  })

  it('hashes any bytes as ethers does, wherever they lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(7), (bytes, offset) => {
        const shifted = new Uint8Array(bytes.byteLength + offset).subarray(offset)
        shifted.set(bytes)
        assert.equal(hex(keccak256(shifted)), theirs(bytes))
      }),
    )
  })

  it('gives bytes that the next hash does not change', () => {
    const first = keccak256(Uint8Array.of(1))
    const kept = hex(first)
    keccak256(Uint8Array.of(2))
    assert.equal(hex(first), kept)
  })
})
