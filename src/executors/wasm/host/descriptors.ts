import { fail } from './errno.ts'
import type { DirectoryNode, FileNode } from './nodes.ts'
import type { Quota } from './quota.ts'
import { APPLICABLE, RIGHT, type RightName } from './rights.ts'

/** Bits of `fdflags` (preview 1). */
export const FLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const
export const ALL_FLAGS = 31

interface DescriptorBase {
  rights: bigint
  inheriting: bigint
  flags: number
}

export interface StreamDescriptor extends DescriptorBase {
  readonly kind: 'stdin' | 'stdout' | 'stderr'
}

export interface FileDescriptor extends DescriptorBase {
  readonly kind: 'file'
  readonly node: FileNode
  offset: number
}

export interface DirectoryDescriptor extends DescriptorBase {
  readonly kind: 'directory'
  readonly node: DirectoryNode
  /** The name by which libc finds a preopened folder. */
  readonly preopen?: string
}

export type Descriptor = StreamDescriptor | FileDescriptor | DirectoryDescriptor

/** @throws Errno ENOTCAPABLE when a descriptor lacks a right. */
export function needRight(descriptor: Descriptor, name: RightName): void {
  if ((descriptor.rights & RIGHT[name]) === 0n) fail('notcapable')
}

/** The task's open files, by number: the lowest free one first, as POSIX has it. */
export class Descriptors {
  readonly #open = new Map<number, Descriptor>()
  readonly #quota: Quota
  readonly #onClosed: (descriptor: Descriptor) => void
  #lowestFree = 0
  #counted = 0

  constructor({ quota, onClosed }: { readonly quota: Quota; readonly onClosed: (descriptor: Descriptor) => void }) {
    this.#quota = quota
    this.#onClosed = onClosed
    for (const kind of ['stdin', 'stdout', 'stderr'] as const)
      this.#put({ kind, rights: APPLICABLE[kind], inheriting: 0n, flags: kind === 'stdin' ? 0 : FLAG.append })
    this.#counted = this.#open.size
  }

  /** Opens a folder for the task before it runs; it does not count against the limit on open files. */
  preopen(name: string, node: DirectoryNode): void {
    const inheriting = APPLICABLE.directory | APPLICABLE.file
    this.#put({ kind: 'directory', node, preopen: name, rights: APPLICABLE.directory, inheriting, flags: 0 })
  }

  /** EMFILE when the task has as many descriptors as it may, its three streams included. */
  checkRoom(): void {
    if (this.#counted < this.#quota.limits.openFiles) return
    this.#quota.hit.add('openFiles')
    fail('mfile')
  }

  add(descriptor: FileDescriptor | DirectoryDescriptor): number {
    this.checkRoom()
    this.#counted += 1
    return this.#put(descriptor)
  }

  get(fd: number): Descriptor {
    return this.#open.get(fd >>> 0) ?? fail('badf')
  }

  file(fd: number): FileDescriptor {
    const descriptor = this.get(fd)
    if (descriptor.kind === 'file') return descriptor
    return fail(descriptor.kind === 'directory' ? 'isdir' : 'spipe')
  }

  directory(fd: number): DirectoryDescriptor {
    const descriptor = this.get(fd)
    return descriptor.kind === 'directory' ? descriptor : fail('notdir')
  }

  close(fd: number): void {
    const descriptor = this.get(fd)
    this.#open.delete(fd >>> 0)
    this.#lowestFree = Math.min(this.#lowestFree, fd >>> 0)
    if (descriptor.kind !== 'directory' || descriptor.preopen === undefined) this.#counted -= 1
    this.#onClosed(descriptor)
  }

  /** Moves `from` to the number `to`, which is closed; both are open. */
  renumber(from: number, to: number): void {
    const moved = this.get(from)
    this.get(to)
    if (from === to) return
    this.close(to)
    this.#open.set(to >>> 0, moved)
    this.#open.delete(from >>> 0)
    this.#lowestFree = Math.min(this.#lowestFree, from >>> 0)
  }

  #put(descriptor: Descriptor): number {
    while (this.#open.has(this.#lowestFree)) this.#lowestFree += 1
    this.#open.set(this.#lowestFree, descriptor)
    return this.#lowestFree
  }
}
