import type { Descriptors } from './descriptors.ts'
import type { FileSystem } from './file-system.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { Streams } from './streams.ts'

/** What the calls of a running task work on. */
export interface Host {
  readonly memory: GuestMemory
  readonly fileSystem: FileSystem
  readonly descriptors: Descriptors
  readonly streams: Streams
}
