import assert from 'node:assert/strict'
import { answers, exited, MiB, type WasmAttack } from './attack.ts'

const OK = 0
const E = { badf: 8, exist: 20, ilseq: 25, inval: 28, isdir: 31, mfile: 33, nametoolong: 37, noent: 44, nospc: 51, notdir: 54, notempty: 55, busy: 10, rofs: 69, spipe: 70, notcapable: 76 } as const
const REFUSED_BY_HAND = 0

/** What can be done with paths, names, numbers and sizes of files, each program one process with many attempts. */
export const ATTACKS_BY_FILES: readonly WasmAttack[] = [
  {
    name: 'folders and files that are kept open while they are moved, replaced and removed',
    ...answers('kept-folders', {}),
    comesTo: { outcome: exited() },
  },
  {
    name: 'inputs, their folders and those of the results, by every call that changes anything',
    inputs: [
      { target: '/in/book.txt', content: 'a book' },
      { target: '/in/deep/other.txt', content: 'x' },
    ],
    outputs: ['/out'],
    ...answers('read-only', {}),
    comesTo: { outcome: exited(), outputs: {} },
  },
  {
    name: 'names that are something else in JavaScript, in C, in UTF-8 or on the way out',
    outputs: ['/out'],
    ...answers('raw-names', {}),
    comesTo: { outcome: exited() },
  },
  {
    name: 'folders listed from where nobody said, while they change',
    ...answers('cookies', {}),
    comesTo: { outcome: exited() },
  },
  {
    name: 'sizes and offsets at the edges of 64 bits, 53 bits and a file',
    ...answers('offsets', {}),
    comesTo: { outcome: exited(), limitsHit: ['disk'] },
  },
  {
    name: 'descriptors run out of, moved over each other and closed, those included that it was given',
    ...answers('numbers', {}),
    comesTo: { outcome: exited(), limitsHit: ['openFiles'] },
  },
  {
    name: 'memory of the host by way of 100,000 names, folders, files of a byte and open descriptors',
    tries: 'hoard',
    command: ['100000'],
    limits: { inodes: 100_000, openFiles: 65_536, memoryBytes: 64 * MiB },
    comesTo: { outcome: exited() },
  },
]
void [assert, OK, E, REFUSED_BY_HAND]
