import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { z } from 'zod'

/** What an engine says that it has made, in the words of its API (GET /containers/{id}/json), as far as it is a wall. */
export interface MadeContainer {
  readonly Image: string
  readonly Config: Readonly<Record<string, unknown>>
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly Mounts: readonly MadeMount[]
}

export interface MadeMount {
  /** `bind`, `volume` and others. */
  readonly Type: string
  readonly Source?: string | undefined
  readonly Destination: string
  readonly RW: boolean
  readonly Propagation?: string | undefined
}

export interface PathStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly bytes: number
  /** Where a link leads in the end, inside of the container, whether anything is there or not; else ''. */
  readonly leadsTo: string
}

const fields = z.record(z.string(), z.unknown())
const madeSchema = z.object({
  Image: z.string(),
  Config: fields,
  HostConfig: fields,
  Mounts: z
    .array(
      z.object({
        Type: z.string(),
        Source: z.string().optional(),
        Destination: z.string(),
        RW: z.boolean(),
        Propagation: z.string().optional(),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
})

/** What GET /containers/{id}/json says; throws ZodError where that is not what it says. */
export function madeOf(answer: unknown): MadeContainer {
  return madeSchema.parse(answer)
}

const pathStatSchema = z.object({ size: z.number(), mode: z.int(), linkTarget: z.string() })
const answerSchema = z.object({ headers: z.object({ 'x-docker-container-path-stat': z.string().max(64 * 1024) }) })
/** Bits of Go's fs.FileMode, in which the engine says what kind of file something is. */
const [FOLDER, LINK] = [2 ** 31, 2 ** 27]
const NOT_REGULAR = [FOLDER, LINK, 2 ** 26, 2 ** 25, 2 ** 24, 2 ** 21, 2 ** 19]
const hasBit = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1

/** What HEAD /containers/{id}/archive says; throws ZodError or SyntaxError where that is not what it says. */
export function pathStatOf(answer: unknown): PathStat {
  const encoded = answerSchema.parse(answer).headers['x-docker-container-path-stat']
  const { size, mode, linkTarget } = pathStatSchema.parse(JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')))
  const other = NOT_REGULAR.some((bit) => hasBit(mode, bit)) ? 'other' : 'file'
  const kind = hasBit(mode, LINK) ? 'link' : hasBit(mode, FOLDER) ? 'folder' : other
  return { kind, bytes: size, leadsTo: linkTarget }
}

/** The engine hands out a file as a tar archive of nothing else. */
export async function onlyFileOf(archive: NodeJS.ReadableStream, maxBytes: number): Promise<Buffer> {
  const entries = extract()
  const chunks: Buffer[] = []
  let bytes = 0
  const unpacked = pipeline(archive, entries)
  // What fails here the entries fail with, too: an error that is heard there alone would end the process.
  unpacked.catch(() => {})
  for await (const entry of entries) {
    for await (const chunk of entry as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new Error(`a file has more than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  }
  await unpacked
  return Buffer.concat(chunks)
}
