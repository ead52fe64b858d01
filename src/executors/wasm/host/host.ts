import type { Clock } from './clocks.ts'
import type { Descriptors } from './descriptors.ts'
import type { FileSystem } from './file-system.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { Random } from './random.ts'
import type { Streams } from './streams.ts'

/** What the calls of a running task work on. */
export interface Host {
  readonly memory: GuestMemory
  readonly fileSystem: FileSystem
  readonly descriptors: Descriptors
  readonly streams: Streams
  readonly clock: Clock
  readonly random: Random
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}
