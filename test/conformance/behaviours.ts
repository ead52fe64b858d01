import type { Execution, Outcome, RuntimeName } from '../../src/protocol/execution.ts'
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
  /** Where a runtime differs, and why it does. */
  readonly in?: Readonly<Partial<Record<RuntimeName, Difference>>>
}

/** What a runtime does in another way than the rest; takes the place of the same fields of what is expected. */
export interface Difference extends Partial<Expected> {
  /** For docs/CONFORMANCE.md. */
  readonly why: string
}

export interface Expected {
  readonly outcome: Outcome
  readonly stdout?: string | Uint8Array | RegExp
  /** Nothing where absent, but for programs that flood. */
  readonly stderr?: string | RegExp
  /** Exactly these; none where absent. */
  readonly limitsHit?: readonly LimitName[]
  /** Files of the result by path, or why a folder's are missing. */
  readonly outputs?: Readonly<Record<string, string | { readonly error: string }>>
  /** What else must hold. */
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
const killed = (signal: string): Outcome => ({ kind: 'killed', signal })
const limit = (name: LimitName): Outcome => ({ kind: 'limit', limit: name })
/** Native and Docker both run processes of the host's kernel. */
const inProcesses = (difference: Difference): NonNullable<Behaviour['in']> => ({
  native: difference,
  docker: difference,
})

const FILES_KEPT = 'Files that a task had written when it was ended are handed over.'
const KERNEL_TRAP = 'The processor reports it, and the kernel ends the task by a signal.'
const KERNEL_MEMORY =
  'The kernel kills the whole task where memory.grow of WebAssembly fails and leaves the task to deal with it.'
const UNCOUNTED_OPEN_FILES = 'The kernel makes the call fail and does not count that, so `limitsHit` cannot name it.'
const ENGINE_ENVIRONMENT =
  'The engine adds variables of its own where the task does not set them: PATH, HOME, HOSTNAME.'

/** Everybody on this host may read it, and no engine makes one of its own for containers, as some do with /etc/passwd. */
const HOST_FILE = '/etc/os-release'

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
    in: {
      docker: { why: ENGINE_ENVIRONMENT, stdout: /^GREETING=grüß dich = ok\nEMPTY=\nHOME=\S+\nPATH=\S+\n$/ },
    },
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
    command: [HOST_FILE],
    expected: { outcome: exited(1), stdout: `cannot open ${HOST_FILE}\n` },
  },
  {
    name: 'files of the host cannot be reached by ..',
    program: 'read-file',
    command: [`../../../../../..${HOST_FILE}`],
    expected: { outcome: exited(1), stdout: `cannot open ../../../../../..${HOST_FILE}\n` },
  },
  {
    name: 'wall time ends a task that computes, its output kept',
    program: 'spin',
    command: ['/out/so-far.txt'],
    limits: { wallTimeMs: 500 },
    outputs: ['/out'],
    expected: {
      outcome: limit('wallTime'),
      stdout: 'started\n',
      limitsHit: ['wallTime'],
      outputs: { '/out': { error: 'UNREADABLE' } },
      usage: (usage) => usage.wallTimeMs >= 500,
    },
    in: inProcesses({ why: FILES_KEPT, outputs: { '/out/so-far.txt': 'so far\n' } }),
  },
  {
    name: 'wall time ends a task that sleeps, its output kept',
    program: 'sleep',
    limits: { wallTimeMs: 500 },
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
    limits: { idleTimeMs: 700 },
    expected: { outcome: limit('idleTime'), stdout: 'started\n', limitsHit: ['idleTime'] },
  },
  {
    name: 'idle time does not end a task that computes',
    program: 'spin',
    limits: { idleTimeMs: 900, cpuTimeMs: 1000 },
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
    in: inProcesses({ why: KERNEL_MEMORY, outcome: limit('memory'), stdout: 'started\n' }),
  },
  {
    name: 'deep recursion ends a task, its output kept',
    program: 'recurse',
    expected: { outcome: { kind: 'trapped', trap: 'stackOverflow' }, stdout: 'started\n' },
    in: inProcesses({ why: KERNEL_TRAP, outcome: killed('SIGSEGV') }),
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
    name: 'output: both streams count together, megabytes of them',
    program: 'flood',
    limits: { outputBytes: 3_000_001 },
    expected: { outcome: limit('output'), limitsHit: ['output'], usage: (usage) => usage.outputBytes === 3_000_001 },
  },
  {
    name: 'open files: opening more fails',
    program: 'open-files',
    command: ['/tmp/file', '20'],
    limits: { openFiles: 20 },
    expected: { outcome: exited(0), stdout: 'held\n', limitsHit: ['openFiles'] },
    in: inProcesses({ why: UNCOUNTED_OPEN_FILES, limitsHit: [] }),
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
    in: inProcesses({ why: KERNEL_TRAP, outcome: killed('SIGILL') }),
  },
  {
    name: 'a store through a wild pointer ends a task, its output kept',
    program: 'wild-store',
    expected: { outcome: { kind: 'trapped', trap: 'memoryOutOfBounds' }, stdout: 'started\n' },
    in: inProcesses({ why: KERNEL_TRAP, outcome: killed('SIGSEGV') }),
  },
  {
    name: 'a task that aborts itself, its output kept',
    program: 'abort',
    expected: { outcome: { kind: 'trapped', trap: 'unreachable' }, stdout: 'started\n' },
    in: inProcesses({
      why: 'abort(3) of C raises SIGABRT where there are signals; WebAssembly has none, and its C library traps.',
      outcome: killed('SIGABRT'),
    }),
  },
  {
    name: 'standard input that is closed in the middle',
    program: 'close-input',
    stdin: tenMegabytes,
    expected: { outcome: exited(0), stdout: 'read some\nclosed\n' },
  },
  {
    name: 'closing its output does not free a task of its limits',
    program: 'close-output',
    limits: { wallTimeMs: 500 },
    expected: { outcome: limit('wallTime'), stdout: 'started\n', limitsHit: ['wallTime'] },
  },
  {
    name: 'pids: starting more processes fails',
    program: 'fork-until-refused',
    command: ['16'],
    limits: { pids: 16 },
    expected: { outcome: exited(0), stdout: 'held\n', limitsHit: ['pids'] },
  },
  {
    name: 'a process left behind: the result comes at once, and the process is gone',
    program: 'daemon',
    outputs: ['/out'],
    expected: { outcome: exited(0), stdout: 'daemon started\n', outputs: { '/out/parent.txt': 'parent\n' } },
  },
  {
    name: 'cancelling ends a task that ignores every signal',
    program: 'ignore-signals',
    cancel: true,
    expected: { outcome: { kind: 'cancelled' }, stdout: 'started\n' },
  },
  {
    name: 'wall time ends a task that ignores every signal, and its children',
    program: 'ignore-signals',
    limits: { wallTimeMs: 500 },
    expected: { outcome: limit('wallTime'), stdout: 'started\n', limitsHit: ['wallTime'] },
  },
  {
    name: 'CPU time is that of all processes together',
    program: 'spin-in-children',
    limits: { cpuTimeMs: 400 },
    expected: {
      outcome: limit('cpuTime'),
      stdout: 'started\n',
      limitsHit: ['cpuTime'],
      usage: (usage) => usage.cpuTimeMs >= 400,
    },
  },
  {
    name: 'no network: neither this host, nor the next, nor a name server',
    program: 'network',
    expected: {
      outcome: exited(0),
      stdout:
        'tcp 127.0.0.1 refused\ntcp ::1 refused\ntcp 169.254.169.254 refused\nudp 8.8.8.8 refused\nudp 255.255.255.255 refused\n',
    },
  },
  {
    name: 'results that are not plain files are named, and not followed',
    program: 'odd-results',
    command: ['/out'],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      outputs: {
        '/out/folder-link': { error: 'SYMLINK' },
        '/out/link': { error: 'SYMLINK' },
        '/out/pipe': { error: 'NOT_REGULAR' },
        '/out/plain.txt': 'plain\n',
        '/out/twin-a': { error: 'HARD_LINK' },
        '/out/twin-b': { error: 'HARD_LINK' },
      },
    },
  },
]

/** A behaviour as one runtime has to show it. */
export function behaviourIn(behaviour: Behaviour, runtime: RuntimeName): Behaviour {
  const difference = behaviour.in?.[runtime]
  if (difference === undefined) return behaviour
  const { why: _why, ...expected } = difference
  return { ...behaviour, expected: { ...behaviour.expected, ...expected } }
}
