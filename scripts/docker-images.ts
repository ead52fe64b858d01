import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { pack, type Pack } from 'tar-stream'
import { findStaticBusybox } from './toolchain.ts'

const run = promisify(execFile)

/** A program that needs no libraries, and where it is in the image. */
export interface ImageProgram {
  readonly source: string
  /** Absolute path inside. */
  readonly path: string
}

export interface ImageContents {
  /** With it a shell and the small tools of Unix, in /bin. */
  readonly busybox?: boolean
  readonly programs?: readonly ImageProgram[]
  /** Text files by absolute path inside. */
  readonly files?: Readonly<Record<string, string>>
  /** Symbolic links by absolute path inside, each with where it points. */
  readonly links?: Readonly<Record<string, string>>
  /** Lines of a Dockerfile that say how it is run: `ENTRYPOINT ["/bin/sh"]`, `VOLUME /data`. */
  readonly changes?: readonly string[]
}

/**
 * Makes an image of what this machine has, without any registry.
 *
 * @returns the engine's id of it, `sha256:…`.
 * @throws Error when there is no static busybox, or the engine does not take it.
 */
export async function makeImage({
  socketPath,
  busybox = false,
  programs = [],
  files = {},
  links = {},
  changes = [],
}: ImageContents & { readonly socketPath: string }): Promise<string> {
  const archive = pack()
  const docker = new Docker({ socketPath })
  const [said] = await Promise.all([
    docker.importImage(Readable.from(archive), { changes }).then(textOf),
    // An archive that comes to no end would keep the engine waiting.
    fillRoot(archive, { busybox, programs, files, links }).catch((error: Error) => {
      archive.destroy(error)
      throw error
    }),
  ])
  const id = /"status":"(sha256:[0-9a-f]{64})"/.exec(said)?.[1]
  if (id === undefined) throw new Error(`the engine did not take the image: ${said.slice(0, 500)}`)
  return id
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += chunk.toString()
  return text
}

/** Writes a root file system to an archive and ends it: an image's, or a native task's. */
export async function fillRoot(
  archive: Pack,
  { busybox, programs, files, links }: Required<Omit<ImageContents, 'changes'>>,
): Promise<void> {
  const folders = new Set(['bin', 'etc', 'tmp', 'root'])
  // Docker takes no archive that has a name twice.
  for (const name of folders) if (links[`/${name}`] === undefined) folder(archive, name)
  if (busybox) {
    const source = findStaticBusybox()
    if (source === undefined) throw new Error('there is no static busybox; on Debian: apt-get install busybox-static')
    program(archive, { name: 'bin/busybox', content: await readFile(source) })
    const { stdout } = await run(source, ['--list'])
    for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox'))
      archive.entry({ ...NEUTRAL, name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' })
  }
  for (const { source, path } of programs) {
    const name = path.slice(1)
    const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')))
    if (parent !== '' && !folders.has(parent)) folder(archive, parent)
    folders.add(parent)
    program(archive, { name, content: await readFile(source) })
  }
  for (const [path, content] of Object.entries(files))
    archive.entry({ ...NEUTRAL, name: path.slice(1), mode: 0o644 }, content)
  for (const [path, linkname] of Object.entries(links))
    archive.entry({ ...NEUTRAL, name: path.slice(1), type: 'symlink', linkname })
  archive.finalize()
}

/** Times and owners are all zero, so that the same contents make the same layer. */
const NEUTRAL = { uid: 0, gid: 0, mtime: new Date(0) }

function folder(archive: Pack, name: string): void {
  archive.entry({ ...NEUTRAL, name, type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 })
}

function program(archive: Pack, { name, content }: { readonly name: string; readonly content: Buffer }): void {
  archive.entry({ ...NEUTRAL, name, mode: 0o755 }, content)
}
