import type { WasmExecutorOptions } from '../../../src/executors/wasm/executor.ts'
import type { WasmAttack } from './attack.ts'
import { ATTACKS_BY_FEATURES } from './attacks-by-features.ts'
import { ATTACKS_BY_FILES } from './attacks-by-files.ts'
import { ATTACKS_BY_MODULES, INVALID_MODULES } from './attacks-by-modules.ts'
import { ATTACKS_ON_CALLS } from './attacks-on-calls.ts'
import { ATTACKS_BY_INDEX, ATTACKS_ON_GROWTH } from './attacks-on-growth.ts'
import { ATTACKS_ON_LIMITS } from './attacks-on-limits.ts'
import { ATTACKS_ON_SAMENESS } from './attacks-on-sameness.ts'

/** Attacks that are tried on one runtime after each other, before the host is looked at for what is left of them. */
export interface AttackGroup {
  readonly name: string
  readonly attacks: readonly WasmAttack[]
  /** How that runtime differs from a provider's. */
  readonly options?: Partial<Omit<WasmExecutorOptions, 'instanceDir' | 'confinement'>>
}

export const GROUPS: readonly AttackGroup[] = [
  { name: 'modules that are none, or too much', attacks: ATTACKS_BY_MODULES },
  { name: 'modules that are not valid', attacks: INVALID_MODULES },
  { name: 'what a module may not have', attacks: ATTACKS_BY_FEATURES },
  { name: 'growth', attacks: ATTACKS_ON_GROWTH },
  { name: 'indices', attacks: ATTACKS_BY_INDEX },
  { name: 'calls of the host', attacks: ATTACKS_ON_CALLS },
  { name: 'files', attacks: ATTACKS_BY_FILES },
  { name: 'limits', attacks: ATTACKS_ON_LIMITS },
  { name: 'sameness', attacks: ATTACKS_ON_SAMENESS },
]

/** The classes of attack that the WebAssembly runtime has to survive, and what stands for each: attacks, and tests elsewhere. */
export const CATALOGUE: Readonly<Record<string, readonly (string | readonly [file: string, title: string])[]>> = {
  'infinite loop': [
    'a loop without end',
    'with a limit on fuel: a loop without end',
    'with a limit on fuel: a jump table without end',
  ],
  'memory.grow bomb': ['memory.grow without end', 'memory.grow in a start function, and again in _start'],
  'deep recursion': ['recursion without end', 'recursion in a start function'],
  'table.grow bomb': ['table.grow without end', 'table.grow of two tables in turn, and memory between them'],
  'path_open of .. and of absolute paths': [
    'names that are something else in JavaScript, in C, in UTF-8 or on the way out',
    'folders and files that are kept open while they are moved, replaced and removed',
    ['test/escape/wasm/host.test.ts', 'paths that lead out of a folder are ENOTCAPABLE'],
  ],
  'symlink out of a preopened folder': ['links out of its folders, in circles, to inputs and from results'],
  'read-only folder': ['inputs, their folders and those of the results, by every call that changes anything'],
  'poll_oneoff for ever': [
    'a wait for as long as can be said',
    ['test/escape/wasm/host.test.ts', 'a wait without end meets the idle limit'],
  ],
  'random_get of 4 GB': ['random numbers for all of its memory, and for four gigabytes'],
  'iovecs that overlap or lie out of bounds': [
    'every pointer of every call far out of bounds',
    'every pointer of every call just beyond the end of memory, and over it',
    'results where names, lists and subscriptions are',
  ],
  'a million locals': ['a million local variables', 'local variables in groups that add up to 2^32 and over'],
  'a huge data segment': ['a data segment of megabytes where it fits', 'data that lies outside memory'],
  'compile time': [
    'for the compiler: 1000 loops in each other around 49,000 locals that all change',
    ['test/escape/wasm/modules.test.ts', 'refuses a module that takes too long to compile'],
  ],
  'unknown import': ['refused by name: an import of a function that no WASI has'],
  'a component that asks for sockets or HTTP': [
    'refused by name: a component that imports sockets',
    'refused by name: a component that imports HTTP',
  ],
  memory64: ['refused by name: a 64-bit memory', 'refused by name: a 64-bit table'],
  'CPU spin': ['a start function without end', 'memory filled and copied in bulk, without end'],
  'sleep for ever': ['a wait for the last time that there is'],
  'stdout closed, and running on': [
    ['test/escape/wasm/host.test.ts', 'closing its streams does not free a task of its limits'],
  ],
  'stdout flood': [
    'one megabyte written a thousand times by one call: no more arrives than may',
    'output by the byte on both streams in turn: exactly the limit arrives',
  ],
  'huge and sparse files': [
    'sizes and offsets at the edges of 64 bits, 53 bits and a file',
    'one megabyte put into a file a thousand times by one call: no more is kept than may',
  ],
  'inode bomb': ['memory of the host by way of 100,000 names, folders, files of a byte and open descriptors'],
  'folders 100,000 deep': [
    ['test/escape/wasm/host.test.ts', 'folders 100,000 deep are handed over, or refused, in the end'],
  ],
  'descriptors exhausted': [
    'descriptors run out of, moved over each other and closed, those included that it was given',
  ],
  'the node’s secrets in the environment': [
    ['test/escape/wasm/host.test.ts', 'the environment of the node is not there'],
    ['test/escape/wasm/process.test.ts', 'has an empty environment and the root for its folder'],
  ],
  'result that is a symlink': ['links out of its folders, in circles, to inputs and from results'],
  'what the rewriter adds, named by the module': [
    'an index of what is added, or of nothing: a global is set',
    'an index of what is added, or of nothing: a function is called',
    'globals of its own by the names of those that meter it, set to as much as there is',
  ],
  'one run told from another': [
    'what could tell one run from another: clocks, random numbers, the time that work takes, the bits of no number',
    'deterministic recursion: of frames with 40,000 vectors',
  ],
  'a call of the host that overflows the stack': [
    'recursion without end, and at its end a call of the host: making and removing',
  ],
  'an engine that has been taken over': [
    [
      'test/escape/wasm/confined.test.ts',
      'is in an empty room: nothing of the host to read, to reach, to signal or to write',
    ],
    [
      'test/unit/wasm-hostile-child.test.ts',
      'does not make a run free by crashing, and what was not its doing stays the provider’s fault',
    ],
  ],
  'a node that is killed': [
    ['test/escape/wasm/node-death.test.ts', 'end with it, the running ones and those kept ready'],
  ],
}
