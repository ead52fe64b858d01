import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { extractVmlinux } from './vmlinux.ts'

const run = promisify(execFile)

/** Its dependency is the newest kernel for virtual machines: a package of its own for each version. */
const META_PACKAGE = 'linux-image-cloud-amd64'
/** To reach the host's files; in an order in which each finds what it needs. What the kernel has built in is not among its files. */
const MODULES: readonly string[] = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'fuse',
  'virtiofs',
  'overlay',
]
const CACHE = fileURLToPath(new URL('../../.cache/vm', import.meta.url))
const DOWNLOAD_TIMEOUT_MS = 5 * 60_000

export interface GuestKernel {
  /** An ELF file. */
  readonly vmlinux: string
  /** Files, in the order in which they are to be loaded. */
  readonly modules: readonly string[]
}

/**
 * Debian's kernel for virtual machines, unpacked into .cache and never installed. It is downloaded once.
 *
 * @throws Error when it cannot be downloaded or taken apart.
 */
export async function ensureKernel(signal: AbortSignal): Promise<GuestKernel> {
  const folder = join(CACHE, 'kernel')
  const cached = await kernelIn(folder)
  if (cached !== undefined) return cached
  await mkdir(CACHE, { recursive: true })
  const partial = await mkdtemp(join(CACHE, 'partial-'))
  try {
    await fillFolder(partial, signal)
    await rm(folder, { recursive: true, force: true })
    // Another process may have been quicker.
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  const kernel = await kernelIn(folder)
  if (kernel === undefined) throw new Error(`there is no kernel in ${folder}`)
  return kernel
}

async function kernelIn(folder: string): Promise<GuestKernel | undefined> {
  const names = new Set(await readdir(folder).catch(() => []))
  if (!names.has('vmlinux')) return undefined
  const modules = MODULES.map((name) => `${name}.ko`).filter((name) => names.has(name))
  return { vmlinux: join(folder, 'vmlinux'), modules: modules.map((name) => join(folder, name)) }
}

async function fillFolder(folder: string, signal: AbortSignal): Promise<void> {
  const content = join(folder, 'content')
  const debianPackage = await download(folder, signal)
  await run('dpkg', ['-x', debianPackage, content], { signal })
  await rm(debianPackage)
  const files = await readdir(content, { recursive: true })
  const bzImage = files.find((file) => basename(file).startsWith('vmlinuz-'))
  if (bzImage === undefined) throw new Error('there is no kernel in its package')
  for (const file of files)
    if (MODULES.some((name) => basename(file) === `${name}.ko`))
      await copyFile(join(content, file), join(folder, basename(file)))
  const vmlinux = await extractVmlinux({ bzImage: join(content, bzImage), scratch: join(folder, 'payload') })
  await writeFile(join(folder, 'vmlinux'), vmlinux)
  await rm(content, { recursive: true })
}

/** @returns the path of the package's file. */
async function download(folder: string, signal: AbortSignal): Promise<string> {
  const options = { cwd: folder, signal, timeout: DOWNLOAD_TIMEOUT_MS }
  const fetch = async (): Promise<void> => {
    const { stdout } = await run('apt-cache', ['depends', '--important', META_PACKAGE], options)
    const name = /Depends: (linux-image-\S+)/.exec(stdout)?.[1]
    if (name === undefined) throw new Error(`apt knows of no package ${META_PACKAGE}`)
    console.error(`Downloading what the tests boot: ${name}`)
    await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], options)
  }
  await fetch().catch(async () => {
    console.error('That did not work with the package lists as they are; fetching newer ones.')
    await run('apt-get', ['update'], options)
    await fetch()
  })
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error('apt has downloaded nothing')
  return join(folder, file)
}
