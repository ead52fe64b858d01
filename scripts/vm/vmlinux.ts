import { execFile } from 'node:child_process'
import { open, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'

const run = promisify(execFile)

/** Of the boot protocol's header in a bzImage, see the kernel's arch/x86/boot.rst. */
const HEADER = { bytes: 0x250, setupSectors: 0x1f1, magic: 0x202, payloadOffset: 0x248, payloadLength: 0x24c } as const
const SECTOR_BYTES = 512
/** The payload ends with the size of what is in it. */
const SIZE_BYTES = 4
const MAX_VMLINUX_BYTES = 256 * 1024 * 1024
const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1')

type Decompress = (compressed: { readonly content: Buffer; readonly scratch: string }) => Promise<Buffer>

const byProgram =
  (program: string, ...args: readonly string[]): Decompress =>
  async ({ content, scratch }) => {
    await writeFile(scratch, content)
    try {
      const options = { encoding: 'buffer', maxBuffer: MAX_VMLINUX_BYTES } as const
      return (await run(program, [...args, scratch], options)).stdout
    } finally {
      await rm(scratch)
    }
  }

const FORMATS: readonly { readonly magic: Buffer; readonly decompress: Decompress }[] = [
  { magic: Buffer.from('1f8b', 'hex'), decompress: async ({ content }) => promisify(gunzip)(content) },
  { magic: Buffer.from('28b52ffd', 'hex'), decompress: async ({ content }) => promisify(zstdDecompress)(content) },
  { magic: Buffer.from('fd377a585a00', 'hex'), decompress: byProgram('xz', '-dc') },
  { magic: Buffer.from('02214c18', 'hex'), decompress: byProgram('lz4', '-dc') },
]

/**
 * Takes the ELF kernel out of a bzImage: an emulator without hardware help would take long to unpack it itself.
 *
 * @param scratch a file that may be made and removed.
 * @throws Error when it is no bzImage, or packed in a way that is not known.
 */
export async function extractVmlinux({
  bzImage,
  scratch,
}: {
  readonly bzImage: string
  readonly scratch: string
}): Promise<Buffer> {
  const payload = await readPayload(bzImage)
  const format = FORMATS.find(({ magic }) => payload.subarray(0, magic.length).equals(magic))
  if (format === undefined) throw new Error(`${bzImage} is packed as ${payload.subarray(0, 6).toString('hex')}…`)
  const vmlinux = await format.decompress({ content: payload, scratch })
  if (!vmlinux.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC)) throw new Error(`no ELF file is in ${bzImage}`)
  return vmlinux
}

async function readPayload(bzImage: string): Promise<Buffer> {
  await using file = await open(bzImage)
  const header = Buffer.alloc(HEADER.bytes)
  await file.read(header, 0, header.length, 0)
  if (header.toString('latin1', HEADER.magic, HEADER.magic + 4) !== 'HdrS') throw new Error(`${bzImage} is no bzImage`)
  const length = header.readUInt32LE(HEADER.payloadLength) - SIZE_BYTES
  if (length <= 0 || length > MAX_VMLINUX_BYTES) throw new Error(`${bzImage} has a payload of ${length} bytes`)
  const start = (header.readUInt8(HEADER.setupSectors) + 1) * SECTOR_BYTES + header.readUInt32LE(HEADER.payloadOffset)
  const payload = Buffer.alloc(length)
  const { bytesRead } = await file.read(payload, 0, length, start)
  if (bytesRead !== length) throw new Error(`${bzImage} ends early`)
  return payload
}
