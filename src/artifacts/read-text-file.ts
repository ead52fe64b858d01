import { constants, open } from 'node:fs/promises'

/**
 * The text of a small regular file. A FIFO or device is refused rather than waited for, a file that grows
 * past `maxBytes` while it is read is refused too, and so is what is not UTF-8. A byte order mark is dropped.
 *
 * @throws Error whose message completes the sentence "FILE …".
 */
export async function readTextFile({
  file,
  maxBytes,
}: {
  readonly file: string
  readonly maxBytes: number
}): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`cannot be read: ${reasonOf(error)}`, { cause: error })
  })
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new Error(`is ${stat.isDirectory() ? 'a folder' : 'not a regular file'}`)
    const buffer = Buffer.allocUnsafe(Math.min(stat.size, maxBytes) + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    if (length > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`)
    if (length > stat.size) throw new Error('grew while it was read')
    return decode(buffer.subarray(0, length))
  } finally {
    await handle.close()
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new Error('is not UTF-8 text', { cause: error })
  }
}

/** Why a file could not be opened, in words. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'ENOTDIR':
      return 'a part of its path is not a folder'
    case 'ELOOP':
      return 'too many symbolic links'
    case 'ENAMETOOLONG':
      return 'its name is too long'
    default:
      return error.message
  }
}
