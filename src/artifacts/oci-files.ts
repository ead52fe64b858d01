import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { indexArchive } from './oci-archive-index.ts'
import { MAX_DOCUMENT_BYTES } from './oci-documents.ts'
import { ImageProblem } from './oci-refusals.ts'

const READ_BYTES = 256 * 1024

/** A file of an image. */
export interface ImageFile {
  readonly bytes: number
  /** Its content; whoever ends early lets go of it. */
  content(): AsyncGenerator<Uint8Array, void, undefined>
}

/** The files of an image, by path: in an archive, or in a folder. */
export interface ImageFiles {
  /** undefined where there is none of this path. */
  find(path: string): Promise<ImageFile | undefined>
  close(): Promise<void>
}

/** Where an image is: a tar archive, or, of this host alone, a folder with an image layout. */
export async function openImageFiles(source: string, signal: AbortSignal): Promise<ImageFiles> {
  return (await stat(source)).isDirectory() ? folderFiles(source) : archiveFiles(source, signal)
}

async function archiveFiles(source: string, signal: AbortSignal): Promise<ImageFiles> {
  // O_NONBLOCK: to open a FIFO would wait for its writer.
  const handle = await open(source, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new ImageProblem('it is no file')
    const parts = await indexArchive({ handle, bytes: stats.size, signal })
    return {
      find(path) {
        const part = parts.get(path)
        return Promise.resolve(part && { bytes: part.bytes, content: () => contentOf({ handle, ...part }) })
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Paths are those of an image layout: none comes from a document. */
const LAYOUT_PATH = /^(?:oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64})$/

function folderFiles(folder: string): ImageFiles {
  return {
    async find(path) {
      if (!LAYOUT_PATH.test(path)) return undefined
      const file = join(folder, path)
      const stats = await stat(file).catch(() => undefined)
      if (stats?.isFile() !== true) return undefined
      return {
        bytes: stats.size,
        async *content() {
          const handle = await open(file, 'r')
          try {
            yield* contentOf({ handle, start: 0, bytes: stats.size })
          } finally {
            await handle.close()
          }
        },
      }
    },
    close: () => Promise.resolve(),
  }
}

async function* contentOf({
  handle,
  start,
  bytes,
}: {
  readonly handle: FileHandle
  readonly start: number
  readonly bytes: number
}): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes;) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, bytes - at))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start + at)
    if (bytesRead === 0) throw new ImageProblem('it ends in the middle')
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

export interface ReadFile {
  readonly what: string
  readonly path: string
  /** `sha256:…`, where it is known what it has to be. */
  readonly digest?: string
  readonly bytes?: number
}

/**
 * A whole file of an image, a small one.
 * @throws ImageProblem where it is missing, too large, or another than it has to be.
 */
export async function readFileOf(files: ImageFiles, { what, path, digest, bytes }: ReadFile): Promise<Uint8Array> {
  const file = await files.find(path)
  if (file === undefined) throw new ImageProblem(`its ${what} is missing (${path.slice(0, 200)})`)
  if (file.bytes > MAX_DOCUMENT_BYTES)
    throw new ImageProblem(`its ${what} has ${file.bytes} bytes, and at most ${MAX_DOCUMENT_BYTES} are read of one`)
  if (bytes !== undefined && bytes !== file.bytes)
    throw new ImageProblem(`its ${what} has ${file.bytes} bytes where ${bytes} are said`)
  const chunks: Uint8Array[] = []
  for await (const chunk of file.content()) chunks.push(chunk)
  const content = Buffer.concat(chunks)
  if (digest !== undefined && digestOf(content) !== digest)
    throw new ImageProblem(`its ${what} is ${digestOf(content)}, not ${digest}`)
  return content
}

export const digestOf = (content: Uint8Array): string => `sha256:${createHash('sha256').update(content).digest('hex')}`

/** Where an image layout has the blob of a digest (OCI image-spec, image-layout.md). */
export const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`
