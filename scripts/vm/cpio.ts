/** One entry of an archive; folders come before what is in them. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'program' | 'file'; readonly content: Uint8Array }

const MODES = { folder: 0o040755, program: 0o100755, file: 0o100644 } as const
const ALIGNMENT_BYTES = 4

/** An archive as the kernel takes it for its first file system: format `newc`, see cpio(5). Everything is root's. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => {
    const content = entry.kind === 'folder' ? new Uint8Array() : entry.content
    return [
      header({ path: entry.path, inode: index + 1, mode: MODES[entry.kind], bytes: content.length }),
      padded(content),
    ]
  })
  return Buffer.concat([...parts, header({ path: 'TRAILER!!!', inode: 0, mode: 0, bytes: 0 })])
}

function header({
  path,
  inode,
  mode,
  bytes,
}: {
  readonly path: string
  readonly inode: number
  readonly mode: number
  readonly bytes: number
}): Buffer {
  const name = Buffer.from(`${path}\0`)
  const [uid, gid, links, time, device, checksum] = [0, 0, 1, 0, 0, 0]
  const fields = [inode, mode, uid, gid, links, time, bytes, device, device, device, device, name.length, checksum]
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return padded(Buffer.concat([Buffer.from(text), name]))
}

function padded(content: Uint8Array): Buffer {
  return Buffer.concat([content, Buffer.alloc(-content.length & (ALIGNMENT_BYTES - 1))])
}
