import type { Execution, Outcome } from '../../src/protocol/execution.ts'
import type { LimitName, RequestedLimits } from '../../src/protocol/limits.ts'

const MiB = 1024 * 1024

/** One thing that every runtime does the same, shown by one small program. */
export interface Behaviour {
  readonly name: string
  /** The C source in test/fixtures/programs, without `.c`. */
  readonly program: string
  readonly command?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly workdir?: string
  readonly inputs?: readonly { readonly target: string; readonly content: string }[]
  readonly outputs?: readonly string[]
  readonly stdin?: Uint8Array
  readonly limits?: RequestedLimits
  /** Cancels as soon as the task has said something. */
  readonly cancel?: true
  readonly expected: Expected
}

export interface Expected {
  readonly outcome: Outcome
  readonly stdout?: string | Uint8Array
  readonly stderr?: string
  /** Exactly these; none where absent. */
  readonly limitsHit?: readonly LimitName[]
  /** Files of the result by path, or why a folder's are missing. */
  readonly outputs?: Readonly<Record<string, string | { readonly error: string }>>
  /** What else must hold; throws where it does not. */
  readonly usage?: (usage: Execution['usage']) => boolean
}

/** Ten megabytes in which every byte value occurs, and no block repeats another. */
function binary(bytes: number): Uint8Array {
  const content = new Uint8Array(bytes)
  for (let index = 0, state = 1; index < bytes; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    content[index] = state >>> 16
  }
  return content
}
const tenMegabytes = binary(10 * 1000 * 1000)
const exited = (code: number): Outcome => ({ kind: 'exited', code })
const limit = (name: LimitName): Outcome => ({ kind: 'limit', limit: name })

export const ROOMY_LIMITS = {
  cpuCores: 1,
  wallTimeMs: 60_000,
  memoryBytes: 64 * MiB,
  diskBytes: MiB,
  inodes: 100,
  outputBytes: 16 * MiB,
  openFiles: 64,
} as const

export const BEHAVIOURS: readonly Behaviour[] = [
  { name: 'exit code 0', program: 'exit-code', expected: { outcome: exited(0) } },
  { name: 'any other exit code', program: 'exit-code', command: ['42'], expected: { outcome: exited(42) } },
  {
    name: 'standard output and error, apart and counted',
    program: 'streams',
    expected: {
      outcome: exited(0),
      stdout: 'to stdout\n',
      stderr: 'to stderr\n',
      usage: (usage) => usage.outputBytes === 20,
    },
  },
  { name: 'no standard input', program: 'cat', expected: { outcome: exited(0), stdout: '' } },
  {
    name: '10 MB of binary standard input, there and back',
    program: 'cat',
    stdin: tenMegabytes,
    expected: { outcome: exited(0), stdout: tenMegabytes },
  },
  {
    name: 'standard input that is not read',
    program: 'exit-code',
    stdin: tenMegabytes,
    expected: { outcome: exited(0) },
  },
  {
    name: 'environment: what the task says, and nothing of the host',
    program: 'env',
    command: ['GREETING', 'EMPTY', 'HOME', 'PATH'],
    env: { GREETING: 'grüß dich = ok', EMPTY: '' },
    expected: { outcome: exited(0), stdout: 'GREETING=grüß dich = ok\nEMPTY=\nHOME=(unset)\nPATH=(unset)\n' },
  },
  {
    name: 'arguments with spaces, quotes, unicode and nothing in them',
    program: 'args',
    command: ['a b', '"q" \'r\' $X \\', 'żółć 🎉', '', '-l'],
    expected: { outcome: exited(0), stdout: '[a b]\n["q" \'r\' $X \\]\n[żółć 🎉]\n[]\n[-l]\n' },
  },
  {
    name: 'inputs, at absolute paths whose folders exist',
    program: 'read-file',
    command: ['/in/book.txt', '/in/deep/er/two.txt'],
    inputs: [
      { target: '/in/book.txt', content: 'one\n' },
      { target: '/in/deep/er/two.txt', content: 'two\n' },
    ],
    expected: { outcome: exited(0), stdout: 'one\ntwo\n' },
  },
  {
    name: 'an input of nothing',
    program: 'read-file',
    command: ['/in/empty'],
    inputs: [{ target: '/in/empty', content: '' }],
    expected: { outcome: exited(0), stdout: '' },
  },
  {
    name: 'inputs cannot be changed',
    program: 'change-input',
    command: ['/in/book.txt'],
    inputs: [{ target: '/in/book.txt', content: 'as it was\n' }],
    expected: {
      outcome: exited(0),
      stdout: 'write refused\nappend refused\ntruncate refused\nrename refused\nunlink refused\nas it was\n',
    },
  },
  {
    name: 'relative paths, from the working folder',
    program: 'workdir',
    workdir: '/data/work',
    inputs: [{ target: '/data/work/in.txt', content: 'beside\n' }],
    expected: { outcome: exited(0), stdout: 'beside\n' },
  },
  {
    name: 'a working folder that is an output',
    program: 'workdir',
    workdir: '/out',
    inputs: [{ target: '/out/in.txt', content: 'beside\n' }],
    outputs: ['/out'],
    expected: { outcome: exited(0), stdout: 'beside\n', outputs: { '/out/out.txt': 'beside\n' } },
  },
  {
    name: 'outputs: files at any depth, renamed ones, empty ones',
    program: 'write-outputs',
    command: ['/out'],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      outputs: {
        '/out/nested/deep.txt': 'deep\n',
        '/out/nothing': '',
        '/out/plain.txt': 'plain\n',
        '/out/report': 'renamed\n',
      },
    },
  },
  {
    name: 'outputs of a task that fails',
    program: 'write-outputs',
    command: ['/out/missing'],
    outputs: ['/out', '/other'],
    expected: { outcome: exited(3), outputs: {} },
  },
  { name: '/tmp is writable', program: 'write-outputs', command: ['/tmp'], expected: { outcome: exited(0) } },
  {
    name: 'files of the host cannot be read',
    program: 'read-file',
    command: ['/etc/passwd'],
    expected: { outcome: exited(1), stdout: 'cannot open /etc/passwd\n' },
  },
  {
    name: 'files of the host cannot be reached by ..',
    program: 'read-file',
    command: ['../../../../../../etc/passwd'],
    expected: { outcome: exited(1), stdout: 'cannot open ../../../../../../etc/passwd\n' },
  },
  {
    name: 'wall time ends a task that computes, its output kept',
    program: 'spin',
    limits: { wallTimeMs: 200 },
    outputs: ['/out'],
    expected: {
      outcome: limit('wallTime'),
      stdout: 'started\n',
      limitsHit: ['wallTime'],
      outputs: { '/out': { error: 'UNREADABLE' } },
      usage: (usage) => usage.wallTimeMs >= 200,
    },
  },
  {
    name: 'wall time ends a task that sleeps, its output kept',
    program: 'sleep',
    limits: { wallTimeMs: 200 },
    expected: { outcome: limit('wallTime'), stdout: 'started\n', limitsHit: ['wallTime'] },
  },
  {
    name: 'CPU time ends a task, its output kept',
    program: 'spin',
    limits: { cpuTimeMs: 150 },
    expected: {
      outcome: limit('cpuTime'),
      stdout: 'started\n',
      limitsHit: ['cpuTime'],
      usage: (usage) => usage.cpuTimeMs >= 150,
    },
  },
  {
    name: 'idle time ends a task that sleeps, its output kept',
    program: 'sleep',
    limits: { idleTimeMs: 200 },
    expected: { outcome: limit('idleTime'), stdout: 'started\n', limitsHit: ['idleTime'] },
  },
  {
    name: 'idle time does not end a task that computes',
    program: 'spin',
    limits: { idleTimeMs: 400, cpuTimeMs: 1000 },
    expected: { outcome: limit('cpuTime'), stdout: 'started\n', limitsHit: ['cpuTime'] },
  },
  {
    name: 'memory: no more than the limit, its output kept',
    program: 'memory',
    limits: { memoryBytes: 32 * MiB },
    expected: {
      outcome: exited(7),
      stdout: 'started\nno more memory\n',
      limitsHit: ['memory'],
      usage: (usage) => usage.memoryPeakBytes > 24 * MiB && usage.memoryPeakBytes <= 32 * MiB,
    },
  },
  {
    name: 'deep recursion ends a task, its output kept',
    program: 'recurse',
    expected: { outcome: { kind: 'trapped', trap: 'stackOverflow' }, stdout: 'started\n' },
  },
  {
    name: 'disk: writing past the limit fails, sparse files too',
    program: 'fill-disk',
    command: ['/tmp/big'],
    limits: { diskBytes: 100_000 },
    expected: { outcome: exited(0), stdout: 'full at 100000\nsparse refused\n', limitsHit: ['disk'] },
  },
  {
    name: 'inodes: making files past the limit fails',
    program: 'many-files',
    command: ['/tmp'],
    limits: { inodes: 20 },
    expected: { outcome: exited(0), stdout: 'made 20\n', limitsHit: ['inodes'] },
  },
  {
    name: 'output: exactly the limit is kept, and the task ends',
    program: 'flood',
    limits: { outputBytes: 12_345 },
    expected: { outcome: limit('output'), limitsHit: ['output'], usage: (usage) => usage.outputBytes === 12_345 },
  },
  {
    name: 'open files: opening more fails',
    program: 'open-files',
    command: ['/tmp/file', '20'],
    limits: { openFiles: 20 },
    expected: { outcome: exited(0), stdout: 'held\n', limitsHit: ['openFiles'] },
  },
  {
    name: 'cancelling ends a task that computes, its output kept',
    program: 'spin',
    cancel: true,
    expected: { outcome: { kind: 'cancelled' }, stdout: 'started\n' },
  },
  {
    name: 'cancelling ends a task that sleeps, its output kept',
    program: 'sleep',
    cancel: true,
    expected: { outcome: { kind: 'cancelled' }, stdout: 'started\n' },
  },
  {
    name: 'a trap is named, output before it kept',
    program: 'trap',
    expected: { outcome: { kind: 'trapped', trap: 'unreachable' }, stdout: 'started\n' },
  },
]
