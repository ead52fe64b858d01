/**
 * The interfaces of WASI 0.2 (https://github.com/WebAssembly/WASI, release 0.2.12) that a component may import:
 * every function with its type, and the resources that each defines. Later releases of 0.2 only add functions.
 */
const DATE_TIME = 'record{seconds: u64, nanoseconds: u32}'
const STREAM_ERROR = 'variant{last-operation-failed(own<error>), closed}'
const ERROR_CODES = [
  'access',
  'would-block',
  'already',
  'bad-descriptor',
  'busy',
  'deadlock',
  'quota',
  'exist',
  'file-too-large',
  'illegal-byte-sequence',
  'in-progress',
  'interrupted',
  'invalid',
  'io',
  'is-directory',
  'loop',
  'too-many-links',
  'message-size',
  'name-too-long',
  'no-device',
  'no-entry',
  'no-lock',
  'insufficient-memory',
  'insufficient-space',
  'not-directory',
  'not-empty',
  'not-recoverable',
  'unsupported',
  'no-tty',
  'no-such-device',
  'overflow',
  'not-permitted',
  'pipe',
  'read-only',
  'invalid-seek',
  'text-file-busy',
  'cross-device',
] as const
/** `error-code` of wasi:filesystem. */
export type ErrorCode = (typeof ERROR_CODES)[number]

const ERROR_CODE = `enum{${ERROR_CODES.join(', ')}}`
const FILE_TYPE = 'enum{unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, socket}'
const DESCRIPTOR_FLAGS =
  'flags{read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory}'
const PATH_FLAGS = 'flags{symlink-follow}'
const OPEN_FLAGS = 'flags{create, directory, exclusive, truncate}'
const ADVICE = 'enum{normal, sequential, random, will-need, dont-need, no-reuse}'
const TIMESTAMP = `variant{no-change, now, timestamp(${DATE_TIME})}`
const STAT = `record{type: ${FILE_TYPE}, link-count: u64, size: u64, ${[
  'data-access',
  'data-modification',
  'status-change',
]
  .map((what) => `${what}-timestamp: option<${DATE_TIME}>`)
  .join(', ')}}`
const HASH = 'record{lower: u64, upper: u64}'
const ENTRY = `record{type: ${FILE_TYPE}, name: string}`

type Functions = Readonly<Record<string, string>>

/** Methods of a resource, each with its parameters after `self` and its result. */
function methods(resource: string, types: Functions): Functions {
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => [
      `[method]${resource}.${name}`,
      type.replace(/^\(/, `(borrow<${resource}>${type.startsWith('()') ? '' : ', '}`),
    ]),
  )
}

const streamed = (type: string, result: string): string => `${type} -> result<${result}, ${STREAM_ERROR}>`
const fallible = (type: string, result = '_'): string => `${type} -> result<${result}, ${ERROR_CODE}>`

const INPUT_STREAM = methods('input-stream', {
  read: streamed('(u64)', 'list<u8>'),
  'blocking-read': streamed('(u64)', 'list<u8>'),
  skip: streamed('(u64)', 'u64'),
  'blocking-skip': streamed('(u64)', 'u64'),
  subscribe: '() -> own<pollable>',
})
const OUTPUT_STREAM = methods('output-stream', {
  'check-write': streamed('()', 'u64'),
  write: streamed('(list<u8>)', '_'),
  'blocking-write-and-flush': streamed('(list<u8>)', '_'),
  flush: streamed('()', '_'),
  'blocking-flush': streamed('()', '_'),
  subscribe: '() -> own<pollable>',
  'write-zeroes': streamed('(u64)', '_'),
  'blocking-write-zeroes-and-flush': streamed('(u64)', '_'),
  splice: streamed('(borrow<input-stream>, u64)', 'u64'),
  'blocking-splice': streamed('(borrow<input-stream>, u64)', 'u64'),
})
const DESCRIPTOR = methods('descriptor', {
  'read-via-stream': fallible('(u64)', 'own<input-stream>'),
  'write-via-stream': fallible('(u64)', 'own<output-stream>'),
  'append-via-stream': fallible('()', 'own<output-stream>'),
  advise: fallible(`(u64, u64, ${ADVICE})`),
  'sync-data': fallible('()'),
  'get-flags': fallible('()', DESCRIPTOR_FLAGS),
  'get-type': fallible('()', FILE_TYPE),
  'set-size': fallible('(u64)'),
  'set-times': fallible(`(${TIMESTAMP}, ${TIMESTAMP})`),
  read: fallible('(u64, u64)', 'tuple<list<u8>, bool>'),
  write: fallible('(list<u8>, u64)', 'u64'),
  'read-directory': fallible('()', 'own<directory-entry-stream>'),
  sync: fallible('()'),
  'create-directory-at': fallible('(string)'),
  stat: fallible('()', STAT),
  'stat-at': fallible(`(${PATH_FLAGS}, string)`, STAT),
  'set-times-at': fallible(`(${PATH_FLAGS}, string, ${TIMESTAMP}, ${TIMESTAMP})`),
  'link-at': fallible(`(${PATH_FLAGS}, string, borrow<descriptor>, string)`),
  'open-at': fallible(`(${PATH_FLAGS}, string, ${OPEN_FLAGS}, ${DESCRIPTOR_FLAGS})`, 'own<descriptor>'),
  'readlink-at': fallible('(string)', 'string'),
  'remove-directory-at': fallible('(string)'),
  'rename-at': fallible('(string, borrow<descriptor>, string)'),
  'symlink-at': fallible('(string, string)'),
  'unlink-file-at': fallible('(string)'),
  'is-same-object': '(borrow<descriptor>) -> bool',
  'metadata-hash': fallible('()', HASH),
  'metadata-hash-at': fallible(`(${PATH_FLAGS}, string)`, HASH),
})

export interface WasiInterface {
  /** Resources that are defined here; others come from the interface that defines them. */
  readonly resources: readonly string[]
  readonly functions: Functions
}

const only = (functions: Functions): WasiInterface => ({ resources: [], functions })

export const WASI_INTERFACES: ReadonlyMap<string, WasiInterface> = new Map<string, WasiInterface>([
  [
    'wasi:cli/environment',
    only({
      'get-environment': '() -> list<tuple<string, string>>',
      'get-arguments': '() -> list<string>',
      'initial-cwd': '() -> option<string>',
    }),
  ],
  ['wasi:cli/exit', only({ exit: '(result<_, _>)', 'exit-with-code': '(u8)' })],
  ['wasi:cli/stdin', only({ 'get-stdin': '() -> own<input-stream>' })],
  ['wasi:cli/stdout', only({ 'get-stdout': '() -> own<output-stream>' })],
  ['wasi:cli/stderr', only({ 'get-stderr': '() -> own<output-stream>' })],
  ['wasi:cli/terminal-input', { resources: ['terminal-input'], functions: {} }],
  ['wasi:cli/terminal-output', { resources: ['terminal-output'], functions: {} }],
  ['wasi:cli/terminal-stdin', only({ 'get-terminal-stdin': '() -> option<own<terminal-input>>' })],
  ['wasi:cli/terminal-stdout', only({ 'get-terminal-stdout': '() -> option<own<terminal-output>>' })],
  ['wasi:cli/terminal-stderr', only({ 'get-terminal-stderr': '() -> option<own<terminal-output>>' })],
  [
    'wasi:io/error',
    { resources: ['error'], functions: { '[method]error.to-debug-string': '(borrow<error>) -> string' } },
  ],
  [
    'wasi:io/poll',
    {
      resources: ['pollable'],
      functions: {
        '[method]pollable.ready': '(borrow<pollable>) -> bool',
        '[method]pollable.block': '(borrow<pollable>)',
        poll: '(list<borrow<pollable>>) -> list<u32>',
      },
    },
  ],
  [
    'wasi:io/streams',
    { resources: ['input-stream', 'output-stream'], functions: { ...INPUT_STREAM, ...OUTPUT_STREAM } },
  ],
  [
    'wasi:clocks/monotonic-clock',
    only({
      now: '() -> u64',
      resolution: '() -> u64',
      'subscribe-instant': '(u64) -> own<pollable>',
      'subscribe-duration': '(u64) -> own<pollable>',
    }),
  ],
  ['wasi:clocks/wall-clock', only({ now: `() -> ${DATE_TIME}`, resolution: `() -> ${DATE_TIME}` })],
  [
    'wasi:filesystem/types',
    {
      resources: ['descriptor', 'directory-entry-stream'],
      functions: {
        ...DESCRIPTOR,
        '[method]directory-entry-stream.read-directory-entry': fallible(
          '(borrow<directory-entry-stream>)',
          `option<${ENTRY}>`,
        ),
        'filesystem-error-code': `(borrow<error>) -> option<${ERROR_CODE}>`,
      },
    },
  ],
  ['wasi:filesystem/preopens', only({ 'get-directories': '() -> list<tuple<own<descriptor>, string>>' })],
  ['wasi:random/random', only({ 'get-random-bytes': '(u64) -> list<u8>', 'get-random-u64': '() -> u64' })],
  [
    'wasi:random/insecure',
    only({ 'get-insecure-random-bytes': '(u64) -> list<u8>', 'get-insecure-random-u64': '() -> u64' }),
  ],
  ['wasi:random/insecure-seed', only({ 'insecure-seed': '() -> tuple<u64, u64>' })],
])
