import { fail } from './errno.ts'

/** The limits that make a call of the host fail. */
export type HostLimit = 'memory' | 'disk' | 'inodes' | 'openFiles'

export interface QuotaLimits {
  readonly diskBytes: number
  readonly inodes: number
  readonly openFiles: number
  readonly memoryBytes: number
}

/** The memory that is left to the task: one figure that its linear memory, its tables and its files draw on. */
export interface MemoryBudget {
  leftBytes: number
}

/** What the task's file system may take, and which limits it met. */
export class Quota {
  readonly limits: QuotaLimits
  readonly hit = new Set<HostLimit>()
  memoryPeakBytes = 0
  readonly #memory: MemoryBudget
  #diskBytes = 0
  #inodes = 0

  constructor(limits: QuotaLimits, memory: MemoryBudget) {
    this.limits = limits
    this.#memory = memory
    this.noteMemory()
  }

  /** Takes up to `bytes` bytes of disk; returns how many there are. ENOSPC when there are none at all. */
  takeDisk(bytes: number): number {
    const left = Math.min(this.limits.diskBytes - this.#diskBytes, this.#memory.leftBytes)
    if (bytes > left)
      this.hit.add(this.limits.diskBytes - this.#diskBytes <= this.#memory.leftBytes ? 'disk' : 'memory')
    const taken = Math.min(bytes, left)
    if (taken <= 0 && bytes > 0) fail('nospc')
    this.#diskBytes += taken
    this.#memory.leftBytes -= taken
    this.noteMemory()
    return taken
  }

  /** Takes exactly `bytes` bytes of disk, or fails with ENOSPC. */
  takeAllDisk(bytes: number): void {
    const taken = this.takeDisk(bytes)
    if (taken === bytes) return
    this.returnDisk(taken)
    fail('nospc')
  }

  returnDisk(bytes: number): void {
    this.#diskBytes -= bytes
    this.#memory.leftBytes += bytes
  }

  /** Takes memory for names and for what symbolic links hold; ENOSPC when there is too little. */
  takeNames(bytes: number): void {
    if (bytes > this.#memory.leftBytes) {
      this.hit.add('memory')
      fail('nospc')
    }
    this.#memory.leftBytes -= bytes
    this.noteMemory()
  }

  returnNames(bytes: number): void {
    this.#memory.leftBytes += bytes
  }

  takeInode(): void {
    if (this.#inodes >= this.limits.inodes) {
      this.hit.add('inodes')
      fail('nospc')
    }
    this.#inodes += 1
  }

  returnInode(): void {
    this.#inodes -= 1
  }

  /** Called whenever memory may have grown. */
  noteMemory(): void {
    this.memoryPeakBytes = Math.max(this.memoryPeakBytes, this.limits.memoryBytes - this.#memory.leftBytes)
  }
}
