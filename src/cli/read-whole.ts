import { createReadStream } from 'node:fs'
import { usageError } from './usage-error.ts'

/**
 * All bytes of a file that the command line names; `-` is standard input.
 * @throws SoukError INVALID_USAGE where it cannot be read, or is longer
 */
export async function readWhole({
  file,
  maxBytes,
}: {
  readonly file: string
  readonly maxBytes: number
}): Promise<Uint8Array> {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw usageError({
      message: `${file === '-' ? 'Standard input' : file} cannot be read: ${reason}.`,
      argument: file,
      cause,
    })
  }
  return Buffer.concat(chunks)
}
