import { constants, statSync } from 'node:fs'
import { chmod, copyFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { unpackTar } from '../artifacts/unpack-tar.ts'
import type { NativeTask } from '../executors/executor.ts'
import { rootRefused } from './failures.ts'
import { taskInImage } from './image-task.ts'
import { leaseImage, type NativeImages } from './images.ts'
import type { ResolvedRoot } from './request.ts'

/** A root file system that the operator offers, under a name. */
export interface NamedRoot {
  /** What he declared for it; a task names it. */
  readonly sha256: string
  /** A folder of this host; the host's own /usr where absent. */
  readonly path?: string
}

export interface RootOptions {
  readonly roots: ReadonlyMap<string, NamedRoot>
  /** Content of an archive's files, together. */
  readonly maxRootBytes: number
  readonly maxRootEntries: number
  /** None are run where it is undefined. */
  readonly images?: NativeImages | undefined
}

/** A root file system, and the task as it runs in it. */
export interface PreparedRoot {
  readonly root: ResolvedRoot
  readonly task: NativeTask
  /** The run is over. */
  release(): void
}

const EXECUTABLE_BY_OTHERS = 0o001

interface PrepareRoot extends RootOptions {
  readonly task: NativeTask
  readonly dir: string
  readonly signal: AbortSignal
}

/**
 * Finds or makes the root file system of a task. What is made for it alone lies in `dir`; an unpacked image is shared.
 *
 * @throws SoukError IMAGE_REFUSED, STORAGE_FULL, INVALID_INPUT for an archive or an image that says nothing of what to run,
 *   the errors of the file system, or the signal's reason.
 */
export async function prepareRoot(options: PrepareRoot): Promise<PreparedRoot> {
  const { task } = options
  const { root } = task
  if (root.kind !== 'image') return { root: await ownRoot(root, options), task, release: () => {} }
  const leased = await leaseImage({ ...options, root, images: options.images })
  try {
    return {
      root: { kind: 'folder', path: leased.root, writable: task.writable ?? false },
      task: taskInImage(task, leased.config),
      release: () => leased.release(),
    }
  } catch (error) {
    leased.release()
    throw error
  }
}

type OwnRoot = Exclude<NativeTask['root'], { kind: 'image' }>

async function ownRoot(
  root: OwnRoot,
  { task, dir, signal, roots, maxRootBytes, maxRootEntries }: PrepareRoot,
): Promise<ResolvedRoot> {
  const { writable = false } = task
  switch (root.kind) {
    case 'program':
      return { kind: 'program', source: await executable(root.source, dir) }
    case 'tar': {
      const into = join(dir, 'root')
      await mkdir(into)
      await unpackTar({ source: root.source, into, maxBytes: maxRootBytes, maxEntries: maxRootEntries, signal })
      return { kind: 'folder', path: resolve(into), writable }
    }
    case 'named': {
      const { path } = offered(root, roots)
      if (path !== undefined) return { kind: 'folder', path: resolve(path), writable }
      if (writable)
        throw rootRefused(
          `${root.name}@${root.sha256}`,
          'it is the /usr of this host, and no task can be let to change it',
        )
      return { kind: 'usr' }
    }
  }
}

/** The file itself, or where the task's user may not execute it a copy that he may. */
async function executable(source: string, dir: string): Promise<string> {
  // Of a file that has just been stored, where it takes a tenth of what a thread to wait for it would.
  const { mode } = statSync(source)
  if ((mode & EXECUTABLE_BY_OTHERS) !== 0) return resolve(source)
  const copy = join(dir, 'program')
  await copyFile(source, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  await chmod(copy, 0o555)
  return resolve(copy)
}

function offered(
  { name, sha256 }: { readonly name: string; readonly sha256: string },
  roots: ReadonlyMap<string, NamedRoot>,
): NamedRoot {
  const root = roots.get(name)
  if (root?.sha256 === sha256) return root
  const offers = [...roots].map(([each, { sha256: digest }]) => `${each}@${digest}`)
  const offer = offers.length === 0 ? 'none' : offers.join(', ')
  throw rootRefused(
    `${name}@${sha256}`,
    root === undefined ? `this provider offers ${offer}` : `it is another one here; this provider offers ${offer}`,
  )
}
