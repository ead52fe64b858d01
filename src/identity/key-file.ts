import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { link, mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SoukError } from '../protocol/errors.ts'
import { addressOfPublicKey } from './address.ts'
import { secp256k1 } from './secp256k1.ts'

/** A secp256k1 key: one key is the libp2p identity and the Ethereum account. */
export interface Key {
  /** 32 bytes. */
  readonly privateKey: Uint8Array
  /** 33 bytes, compressed. */
  readonly publicKey: Uint8Array
  /** `0x` and 40 lower-case hex digits. */
  readonly address: string
}

const PRIVATE_KEY_BYTES = 32
const HEX_DIGITS = 2 * PRIVATE_KEY_BYTES

/**
 * The key in `file`: one line of 64 hex digits, the private key. Made on first use, the file with mode 0600, the
 * folder (where it is missing) with 0700. It appears at once and whole, after it is on disk: a crash leaves
 * no half file, and of two processes that start together both get the key of the one that was first.
 * @throws SoukError KEY_UNUSABLE as {@link loadKey}, or where the file cannot be made.
 */
export async function loadOrCreateKey({ file }: { readonly file: string }): Promise<Key> {
  const existing = await readKey(file)
  if (existing !== undefined) return existing
  await createKeyFile(file)
  return loadKey({ file })
}

/**
 * The key in `file`, which has to be there.
 * @throws SoukError KEY_UNUSABLE where it is missing, unreadable, a symbolic link or anything else than a file,
 *   open to group or others (or in a folder where they could replace it), or holds no key.
 */
export async function loadKey({ file }: { readonly file: string }): Promise<Key> {
  const key = await readKey(file)
  if (key === undefined) throw unusable({ file, reason: 'there is no such file' })
  return key
}

/** The key that 32 bytes make, or undefined where they are zero or past the order of the group. */
export function keyOfPrivateKey(privateKey: Uint8Array): Key | undefined {
  const native = secp256k1()
  if (privateKey.byteLength !== PRIVATE_KEY_BYTES || !native.privateKeyVerify(privateKey)) return undefined
  const publicKey = native.publicKeyCreate(privateKey)
  return { privateKey, publicKey, address: addressOfPublicKey(publicKey) }
}

async function readKey(file: string): Promise<Key | undefined> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: to open a FIFO would wait for its writer. O_NOFOLLOW: a link is an ELOOP.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined
    throw unusable({ file, reason: codeOf(cause) === 'ELOOP' ? 'it is a symbolic link' : whyNot(cause), cause })
  }
  try {
    await checkAccess(file, handle)
    return parseKey(file, await readStart(handle))
  } catch (cause) {
    if (cause instanceof SoukError) throw cause
    throw unusable({ file, reason: whyNot(cause), cause })
  } finally {
    await handle.close()
  }
}

async function checkAccess(file: string, handle: FileHandle): Promise<void> {
  const stats = await handle.stat()
  if (!stats.isFile()) throw unusable({ file, reason: 'it is not a regular file' })
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8)
    throw unusable({
      file,
      reason: `its mode ${mode} lets others than its owner in`,
      hint: `Run \`chmod 600 ${file}\`; if others may have read it, move it away to have a new key made.`,
    })
  }
  await checkFolder(file)
}

/** Where others may write they may put another key; in a sticky folder they cannot replace this one. */
async function checkFolder(file: string): Promise<void> {
  const folder = dirname(file)
  const { mode } = await stat(folder)
  if ((mode & 0o022) !== 0 && (mode & 0o1000) === 0) {
    throw unusable({
      file,
      reason: `others may write to its folder (mode ${(mode & 0o777).toString(8)})`,
      hint: `Run \`chmod 700 ${folder}\`.`,
    })
  }
}

/** A key and its newline, and one byte more if there is more. */
async function readStart(handle: FileHandle): Promise<string> {
  const buffer = Buffer.alloc(HEX_DIGITS + 2)
  let length = 0
  while (length < buffer.byteLength) {
    const { bytesRead } = await handle.read(buffer, length, buffer.byteLength - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.toString('latin1', 0, length)
}

function parseKey(file: string, text: string): Key {
  if (!/^[0-9a-fA-F]{64}\n?$/.test(text))
    throw unusable({ file, reason: `it does not hold one line of ${HEX_DIGITS} hex digits` })
  const key = keyOfPrivateKey(Uint8Array.from(Buffer.from(text.slice(0, HEX_DIGITS), 'hex')))
  if (key === undefined)
    throw unusable({ file, reason: 'the number in it is no secp256k1 private key (zero, or too large)' })
  return key
}

async function createKeyFile(file: string): Promise<void> {
  const folder = dirname(file)
  const temporary = join(folder, `.${basename(file)}.${randomBytes(8).toString('hex')}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await checkFolder(file)
    try {
      await writeDurably(temporary, `${Buffer.from(newPrivateKey()).toString('hex')}\n`)
      // Unlike rename, link does not replace: the first process's key stays.
      await link(temporary, file)
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause
    } finally {
      await rm(temporary, { force: true })
    }
    await syncFolder(folder)
  } catch (cause) {
    if (cause instanceof SoukError) throw cause
    throw unusable({ file, reason: `it cannot be made (${whyNot(cause)})`, cause })
  }
}

function newPrivateKey(): Uint8Array {
  const native = secp256k1()
  for (;;) {
    const candidate = Uint8Array.from(randomBytes(PRIVATE_KEY_BYTES))
    if (native.privateKeyVerify(candidate)) return candidate
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : undefined)
const whyNot = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

interface Unusable {
  readonly file: string
  readonly reason: string
  readonly hint?: string
  readonly cause?: unknown
}

function unusable({ file, reason, hint, cause }: Unusable): SoukError<'KEY_UNUSABLE'> {
  return new SoukError({
    code: 'KEY_UNUSABLE',
    message: `The key file ${file} cannot be used: ${reason}.`,
    details: { file, reason },
    ...(hint === undefined ? {} : { hint }),
    cause,
  })
}
