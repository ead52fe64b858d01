import assert from 'node:assert/strict'
import type { WasmAttack } from './attack.ts'
import { exited, limit, MiB, UNHURT } from './attack.ts'
import { drop, forever, i32, i32Store, i64, i64Store, mustBe, type Code } from './assembler.ts'
import {
  ARGUMENTS,
  AT,
  attempting,
  CALLED,
  calling,
  FILE,
  hostModule,
  MEMORY_BYTES,
  OPEN_FILE,
  replacing,
  ROOT,
  valueOf,
  type Argument,
  type Attempt,
  type Called,
  type Length,
  type Pointer,
} from './host-calls.ts'

const ERRNO = {
  success: 0,
  badf: 8,
  fault: 21,
  inval: 28,
  nametoolong: 37,
  notdir: 54,
  notsock: 57,
  notsup: 58,
} as const
const isPointer = (argument: Argument): argument is Pointer => typeof argument === 'object' && 'pointer' in argument
const isLength = (argument: Argument): argument is Length => typeof argument === 'object' && 'length' in argument
const isDescriptor = (argument: Argument): argument is { readonly fd: number } =>
  typeof argument === 'object' && 'fd' in argument
const isSocketCall = (name: Called): boolean => name.startsWith('sock_')
const SOCKET_ANSWERS = [ERRNO.badf, ERRNO.notsock, ERRNO.notsup]
/** What a call may answer to numbers that are wrong in one way; those that this host has not got look at none. */
const wrong =
  (...errors: readonly number[]) =>
  (name: Called): readonly number[] => {
    if (isSocketCall(name)) return SOCKET_ANSWERS
    if (name === 'path_readlink') return [...errors, ERRNO.inval]
    return name === 'path_link' || name === 'path_symlink' ? [...errors, ERRNO.notsup] : errors
  }

/** All attempts in one process: what each was answered is held against what it may be. */
function attemptsOf(name: string, attempts: readonly Attempt[], rest: Partial<WasmAttack> = {}): WasmAttack {
  return {
    name,
    holds: attempts.length,
    tries: () => attempting(attempts),
    comesTo: { outcome: exited() },
    env: { ONE: 'variable' },
    verify({ stdout }) {
      assert.equal(stdout.length, attempts.length * 4)
      const unexpected = attempts.flatMap(({ call, values, allowed }, index) => {
        const answer = stdout.readUInt32LE(index * 4)
        return allowed.includes(answer) ? [] : [`${call}(${values.join(', ')}) = ${answer}`]
      })
      assert.deepEqual(unexpected, [])
    },
    ...rest,
  }
}

/** Each call with pointers that overlap: where results go there are names, lists and subscriptions. */
const OVERLAPPING: readonly (readonly [Called, readonly (number | bigint)[], ...number[]])[] = [
  ['path_open', [ROOT, 0, AT.path, 1, 0, 0n, 0n, 0, AT.path - 3], ERRNO.success, ERRNO.inval],
  ['fd_read', [FILE, AT.iovec, 1, AT.iovec], ERRNO.success],
  ['fd_pread', [FILE, AT.iovec, 1, 0n, AT.iovec + 4], ERRNO.success, ERRNO.fault],
  ['fd_readdir', [ROOT, AT.buffer, 64, 0n, AT.buffer + 8], ERRNO.success],
  ['fd_filestat_get', [FILE, AT.iovec], ERRNO.success],
  ['poll_oneoff', [AT.subscription, AT.subscription, 1, AT.subscription], ERRNO.success],
  ['args_sizes_get', [AT.out, AT.out], ERRNO.success],
  ['environ_get', [AT.out, AT.out], ERRNO.success],
  ['path_rename', [ROOT, AT.name, 0, ROOT, AT.name, 0], 44],
  ['random_get', [AT.out, 64], ERRNO.success],
]

/** Writes a subscription to a clock. */
const subscribed = (clock: number, timeoutNs: bigint, flags: number): Code => [
  ...i32(AT.subscription),
  ...i64(7n),
  ...i64Store(0),
  ...i32(AT.subscription),
  ...i32(0),
  ...i32Store(8),
  ...i32(AT.subscription),
  ...i32(clock),
  ...i32Store(16),
  ...i32(AT.subscription),
  ...i64(timeoutNs),
  ...i64Store(24),
  ...i32(AT.subscription),
  ...i32(flags),
  ...i32Store(40),
]
const POLL = calling('poll_oneoff', [AT.subscription, AT.events, 1, AT.out])
const MONOTONIC = 1
const ABSOLUTE = 1
const FOREVER = 2n ** 64n - 1n
/** 1024 lists of one megabyte each, where there is one megabyte. */
const SAME_MEGABYTE = Array.from({ length: 1024 }, () => [0, 0, 0, 0, 0, 0, 0x10, 0]).flat()

/** Numbers that no program would pass, to every call there is. */
export const ATTACKS_ON_CALLS: readonly WasmAttack[] = [
  attemptsOf(
    'every pointer of every call far out of bounds',
    replacing(isPointer, () => [-1, -16, 0x7fff_ffff, -0x8000_0000], wrong(ERRNO.fault)),
  ),
  attemptsOf(
    'every pointer of every call just beyond the end of memory, and over it',
    replacing(
      isPointer,
      ({ bytes }) => [MEMORY_BYTES, ...(bytes > 1 ? [MEMORY_BYTES - bytes + 1, MEMORY_BYTES - 1] : [])],
      wrong(ERRNO.fault),
    ),
  ),
  attemptsOf(
    'every count and length of every call more than there is, and so much that it wraps',
    replacing(
      isLength,
      (_, name) => [
        ...(name.startsWith('path_') ? [] : [MEMORY_BYTES]),
        0x2000_0001,
        0x1000_0001,
        0x0555_5556,
        0x0800_0001,
        -0x8000_0000,
        -1,
      ],
      // The name of a folder fits into any length that is enough.
      (name) =>
        name === 'fd_prestat_dir_name'
          ? [ERRNO.success, ERRNO.fault]
          : wrong(ERRNO.fault, ERRNO.inval, ERRNO.nametoolong)(name),
    ),
  ),
  attemptsOf(
    'every descriptor of every call one that there is not',
    replacing(isDescriptor, () => [5, 99, 1_000_000, 0x7fff_ffff, -0x8000_0000, -1], wrong(ERRNO.badf)),
  ),
  attemptsOf(
    'every path below what is no folder: a stream and a file',
    replacing(
      isDescriptor,
      (_, name) => (name.startsWith('path_') ? [0, 1, FILE] : []),
      () => [ERRNO.badf, ERRNO.notdir, ERRNO.notsup],
    ),
  ),
  attemptsOf(
    'results where names, lists and subscriptions are',
    OVERLAPPING.map(([call, values, ...allowed]) => ({ call, values, allowed })),
  ),
  attemptsOf(
    'flags, advice, clocks and ways to seek that nobody knows',
    (
      [
        ['fd_advise', 3, 6],
        ['fd_fdstat_set_flags', 1, 32],
        ['fd_fdstat_set_flags', 1, -1],
        ['fd_seek', 2, 3],
        ['fd_seek', 2, -1],
        ['clock_time_get', 0, 77],
        ['clock_time_get', 0, -1],
        ['clock_res_get', 0, 4],
        ['fd_filestat_set_times', 3, 3],
        ['fd_filestat_set_times', 3, 12],
        ['fd_filestat_set_times', 3, 16],
        ['fd_filestat_set_times', 3, -0x7fff_ffff],
        ['path_filestat_set_times', 6, -0x7fff_ffff],
        ['path_open', 4, 16],
        ['path_open', 4, -1],
        ['path_open', 7, 32],
        ['path_open', 7, -0x8000_0000],
      ] as const
    ).map(([call, position, value]) => ({
      call,
      values: ARGUMENTS[call].map((each, index) => (index === position ? value : valueOf(each))),
      allowed: [ERRNO.inval],
    })),
  ),
  attemptsOf(
    'every call at the very end of memory, which is still its own',
    CALLED.filter(
      (name) => !isSocketCall(name) && ARGUMENTS[name].filter(isPointer).length === 1 && !name.startsWith('path_'),
    ).map((call) => ({
      call,
      values: ARGUMENTS[call].map((each) => (isPointer(each) ? MEMORY_BYTES - each.bytes : valueOf(each))),
      allowed: [ERRNO.success],
    })),
  ),
  {
    name: 'random numbers for all of its memory, and for four gigabytes',
    tries: () =>
      hostModule(
        [
          [
            ...calling('random_get', [0, 64 * MiB]),
            ...mustBe(0),
            ...calling('random_get', [0, -1]),
            ...mustBe(ERRNO.fault),
          ],
        ],
        {
          memories: [[0, 0x80, 0x08]],
        },
      ),
    limits: { memoryBytes: 64 * MiB },
    comesTo: UNHURT,
  },
  {
    name: 'one megabyte written a thousand times by one call: no more arrives than may',
    tries: () =>
      hostModule([[...calling('fd_write', [1, AT.answers, 1024, AT.out]), ...drop]], {
        memories: [[0, 17]],
        data: [[AT.answers, SAME_MEGABYTE]],
      }),
    limits: { outputBytes: 3 * MiB + 1 },
    comesTo: {
      outcome: limit('output'),
      limitsHit: ['output'],
      usage: ({ outputBytes }) => outputBytes === 3 * MiB + 1,
    },
  },
  {
    name: 'one megabyte put into a file a thousand times by one call: no more is kept than may',
    tries: () =>
      hostModule(
        [
          OPEN_FILE,
          [...calling('fd_write', [FILE, AT.answers, 1024, AT.out]), ...mustBe(0)],
          [...i32(AT.out), 0x28, 2, 0, ...mustBe(3 * MiB + 1)],
          [...calling('fd_write', [FILE, AT.answers, 1024, AT.out]), ...mustBe(51)],
        ],
        { memories: [[0, 17]], data: [[AT.answers, SAME_MEGABYTE]] },
      ),
    limits: { diskBytes: 3 * MiB + 1 },
    comesTo: { outcome: exited(), limitsHit: ['disk'] },
  },
  {
    name: 'a wait for a time that has passed long ago, and for none at all',
    tries: () =>
      hostModule([
        [...subscribed(MONOTONIC, 0n, ABSOLUTE), ...POLL, ...mustBe(0)],
        [...subscribed(0, 1n, ABSOLUTE), ...POLL, ...mustBe(0)],
        [...subscribed(MONOTONIC, 0n, 0), ...POLL, ...mustBe(0)],
        [...calling('poll_oneoff', [AT.subscription, AT.events, 0, AT.out]), ...mustBe(ERRNO.inval)],
      ]),
    comesTo: UNHURT,
  },
  ...(
    [
      ['a wait for the last time that there is', subscribed(MONOTONIC, FOREVER, ABSOLUTE)],
      ['a wait for the last second of the calendar', subscribed(0, FOREVER, ABSOLUTE)],
      ['a wait for as long as can be said', subscribed(MONOTONIC, FOREVER, 0)],
    ] as const
  ).map(([name, code]): WasmAttack => ({
    name,
    tries: () => hostModule([[...code, ...POLL, ...drop]]),
    limits: { idleTimeMs: 100 },
    comesTo: { outcome: limit('idleTime'), limitsHit: ['idleTime'] },
  })),
  {
    name: 'a wait for 4096 things in one place, again and again',
    tries: () =>
      hostModule([[...subscribed(MONOTONIC, 0n, 0)], forever(calling('poll_oneoff', [0, 0, 4096, AT.out]), drop)], {
        memories: [[0, ...[4]]],
      }),
    limits: { cpuTimeMs: 100 },
    comesTo: { outcome: limit('cpuTime'), limitsHit: ['cpuTime'] },
  },
  {
    name: 'its own end, told by every way that there is',
    tries: () => hostModule([[...calling('proc_raise', [9]), ...mustBe(52)], calling('proc_exit', [-1])]),
    comesTo: { outcome: exited(2 ** 32 - 1) },
  },
]
