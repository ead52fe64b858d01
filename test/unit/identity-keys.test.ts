import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SigningKey } from 'ethers/crypto'
import { addressOfPublicKey } from '../../src/identity/address.ts'
import { loadKey, loadOrCreateKey } from '../../src/identity/key-file.ts'
import { secp256k1Backend } from '../../src/identity/secp256k1.ts'
import { signDigest } from '../../src/identity/sign.ts'
import { recoverSigner } from '../../src/identity/verify.ts'
import { isSoukError, type SoukError } from '../../src/protocol/errors.ts'
import { keyOf } from '../fixtures/receipts.ts'

const keyFileModule = fileURLToPath(new URL('../../src/identity/key-file.ts', import.meta.url))
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('address of a public key', () => {
  it('is the one that everybody knows for the first keys', () => {
    assert.equal(keyOf(1).address, '0x7e5f4552091a69125d5dfcb7b8c2659029395bdf')
    assert.equal(keyOf(2).address, '0x2b5ad5c4795c026514f8317c7a215e218dccd6cf')
  })

  for (const [what, bytes] of [
    ['too short', new Uint8Array(32)],
    ['uncompressed', new Uint8Array(65).fill(4)],
    ['no point of the curve', new Uint8Array(33).fill(0xff)],
    ['empty', new Uint8Array(0)],
  ] as const) {
    it(`refuses a key that is ${what}`, () => {
      assert.throws(
        () => addressOfPublicKey(bytes),
        (thrown) => isSoukError(thrown, 'INVALID_INPUT'),
      )
    })
  }
})

describe('signatures', () => {
  const key = keyOf(7)
  const digest = `0x${'c3'.repeat(32)}`
  const signature = signDigest({ digest, key })

  it('are made by the native library', () => {
    assert.deepEqual(secp256k1Backend(), { native: true })
  })

  it('are the ones that ethers makes', () => {
    const oracle = new SigningKey(key.privateKey)
    for (let first = 0; first < 20; first++) {
      const other = `0x${first.toString(16).padStart(2, '0')}${'11'.repeat(31)}`
      assert.equal(signDigest({ digest: other, key }), oracle.sign(other).serialized)
    }
  })

  it('recover to the address that signed', () => {
    assert.equal(recoverSigner({ digest, signature }), key.address)
  })

  it('recover to nobody expected over another digest', () => {
    assert.notEqual(recoverSigner({ digest: `0x${'c4'.repeat(32)}`, signature }), key.address)
  })

  it('count only with s in the lower half', () => {
    const s = BigInt(`0x${signature.slice(66, 130)}`)
    const v = signature.slice(130) === '1b' ? '1c' : '1b'
    const high = `${signature.slice(0, 66)}${(ORDER - s).toString(16).padStart(64, '0')}${v}`
    assert.equal(recoverSigner({ digest, signature: high }), undefined)
  })

  for (const [what, wrong] of [
    ['v of 0', `${signature.slice(0, 130)}00`],
    ['v of 29', `${signature.slice(0, 130)}1d`],
    ['no v', signature.slice(0, 130)],
    ['a byte more', `${signature}00`],
    ['no 0x', signature.slice(2)],
    ['upper case', `0x${signature.slice(2).toUpperCase()}`],
    ['r of zero', `0x${'00'.repeat(32)}${signature.slice(66)}`],
    ['s of zero', `${signature.slice(0, 66)}${'00'.repeat(32)}1b`],
    ['r past the order', `0x${'ff'.repeat(32)}${signature.slice(66)}`],
    ['a newline', `${signature}\n`],
  ] as const) {
    it(`are refused with ${what}`, () => {
      assert.equal(recoverSigner({ digest, signature: wrong }), undefined)
    })
  }

  for (const wrong of ['', '0x', `0x${'00'.repeat(31)}`, 'c3'.repeat(32), `0x${'C3'.repeat(32)}`]) {
    it(`are not made over ${JSON.stringify(wrong)}`, () => {
      assert.throws(
        () => signDigest({ digest: wrong, key }),
        (thrown) => isSoukError(thrown, 'INTERNAL'),
      )
    })
  }
})

describe('key file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'souk-key-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const refused = (reason: RegExp) => (thrown: unknown) => {
    assert(isSoukError(thrown, 'KEY_UNUSABLE'), String(thrown))
    const { details, hint, message }: SoukError<'KEY_UNUSABLE'> = thrown
    assert.match(details.reason, reason)
    assert(message.includes(details.file))
    assert.notEqual(hint, '')
    return true
  }
  const write = async (content: string | Uint8Array, mode = 0o600): Promise<string> => {
    const file = join(folder, 'key')
    await writeFile(file, content)
    await chmod(file, mode)
    return file
  }

  it('is made once, private, and read from then on', async () => {
    const file = join(folder, 'data', 'deeper', 'key')
    const created = await loadOrCreateKey({ file })
    assert.deepEqual(await loadOrCreateKey({ file }), created)
    assert.deepEqual(await loadKey({ file }), created)
    assert.match(await readFile(file, 'utf8'), /^[0-9a-f]{64}\n$/)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(join(folder, 'data', 'deeper'))).mode & 0o777, 0o700)
    assert.deepEqual(await readdir(join(folder, 'data', 'deeper')), ['key'])
  })

  it('differs from one folder to the next', async () => {
    const [one, other] = await Promise.all([
      loadOrCreateKey({ file: join(folder, 'a') }),
      loadOrCreateKey({ file: join(folder, 'b') }),
    ])
    assert.notEqual(one.address, other.address)
  })

  it('holds the key that is written in it, with or without a newline', async () => {
    const digits = Buffer.from(keyOf(9).privateKey).toString('hex')
    assert.equal((await loadKey({ file: await write(`${digits}\n`) })).address, keyOf(9).address)
    assert.equal((await loadKey({ file: await write(digits.toUpperCase()) })).address, keyOf(9).address)
  })

  it('is not made by loadKey', async () => {
    await assert.rejects(loadKey({ file: join(folder, 'key') }), refused(/no such file/))
    assert.deepEqual(await readdir(folder), [])
  })

  const digits = '5a'.repeat(32)
  for (const [what, content, reason] of [
    ['empty', '', /64 hex digits/],
    ['too short', `${digits.slice(1)}\n`, /64 hex digits/],
    ['too long', `${digits}0\n`, /64 hex digits/],
    ['two lines', `${digits}\n${digits}\n`, /64 hex digits/],
    ['no hex', `${'z'.repeat(64)}\n`, /64 hex digits/],
    ['0x', `0x${digits}`, /64 hex digits/],
    ['a gigantic file', new Uint8Array(1 << 20), /64 hex digits/],
    ['zero', '00'.repeat(32), /no secp256k1 private key/],
    ['the order of the group', ORDER.toString(16), /no secp256k1 private key/],
  ] as const) {
    it(`is refused with ${what} in it, and left alone`, async () => {
      const file = await write(content)
      await assert.rejects(loadOrCreateKey({ file }), refused(reason))
      assert.deepEqual(await readFile(file), Buffer.from(content as string))
    })
  }

  for (const mode of [0o640, 0o604, 0o620, 0o644, 0o601]) {
    it(`is refused with mode ${mode.toString(8)}`, async () => {
      await assert.rejects(
        loadOrCreateKey({ file: await write(digits, mode) }),
        refused(new RegExp(`mode ${mode.toString(8)}`)),
      )
    })
  }

  it('is refused where it is a symbolic link, to a key or to nothing', async () => {
    const file = await write(digits)
    await symlink(file, join(folder, 'link'))
    await symlink(join(folder, 'nothing'), join(folder, 'dangling'))
    await assert.rejects(loadOrCreateKey({ file: join(folder, 'link') }), refused(/symbolic link/))
    await assert.rejects(loadOrCreateKey({ file: join(folder, 'dangling') }), refused(/symbolic link/))
  })

  it('is refused where it is a FIFO, without waiting for a writer', async () => {
    execFileSync('mkfifo', ['-m', '600', join(folder, 'fifo')])
    await assert.rejects(loadOrCreateKey({ file: join(folder, 'fifo') }), refused(/not a regular file/))
  })

  it('is refused where it is a folder, or lies below a file', async () => {
    await mkdir(join(folder, 'sub'), { mode: 0o700 })
    await assert.rejects(loadOrCreateKey({ file: join(folder, 'sub') }), refused(/not a regular file/))
    await assert.rejects(loadOrCreateKey({ file: join(await write(digits), 'key') }), refused(/ENOTDIR/))
  })

  it('is refused in a folder where others could put another', async () => {
    const file = await write(digits)
    await chmod(folder, 0o770)
    await assert.rejects(loadOrCreateKey({ file }), refused(/its folder/))
    await assert.rejects(loadOrCreateKey({ file: join(folder, 'new') }), refused(/its folder/))
    assert.deepEqual(await readdir(folder), ['key'])
  })

  it('is one for all that start at once: calls and processes', async () => {
    const file = join(folder, 'data', 'key')
    const script = `import { loadOrCreateKey } from ${JSON.stringify(keyFileModule)}; console.log((await loadOrCreateKey({ file: ${JSON.stringify(file)} })).address)`
    const inProcess = Array.from({ length: 20 }, async () => (await loadOrCreateKey({ file })).address)
    const processes = Array.from({ length: 3 }, () => outputOf(script))
    const addresses = new Set([...(await Promise.all(inProcess)), ...(await Promise.all(processes))])
    assert.equal(addresses.size, 1)
    assert.deepEqual(await readdir(join(folder, 'data')), ['key'])
  }).timeout(60_000)
})

async function outputOf(script: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  return output.trim()
}
