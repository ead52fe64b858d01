import { open } from 'node:fs/promises'
import { SoukError } from '../protocol/errors.ts'

/** libp2p's form (specs, pnet): its name, the encoding, 32 bytes. */
const FORM = /^\/key\/swarm\/psk\/1\.0\.0\/\r?\n\/base16\/\r?\n[0-9a-fA-F]{64}\s*$/
const MAX_BYTES = 256

/**
 * The key of a private network, whole, as libp2p takes it.
 * @throws SoukError KEY_UNUSABLE where the file cannot be read, others may read it, or it holds no such key
 */
export async function loadSwarmKey({ file }: { readonly file: string }): Promise<Uint8Array> {
  try {
    await using handle = await open(file, 'r')
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error('it is not a regular file')
    if ((stats.mode & 0o077) !== 0)
      throw new Error(`its mode ${(stats.mode & 0o777).toString(8)} lets others than its owner in: run chmod 600`)
    if (stats.size > MAX_BYTES) throw new Error(`it is longer than such a key, ${stats.size} bytes`)
    const text = await handle.readFile('latin1')
    if (!FORM.test(text))
      throw new Error(
        'it is no key of a private network: /key/swarm/psk/1.0.0/, /base16/ and 64 hex digits, a line each',
      )
    return new TextEncoder().encode(text.trimEnd().replaceAll('\r', ''))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SoukError({
      code: 'KEY_UNUSABLE',
      message: `The key of the private network cannot be used, ${file}: ${reason}.`,
      details: { file, reason },
      hint: 'All nodes and requesters of a private network have the same file, with mode 0600.',
      cause,
    })
  }
}
