import { section, u32 } from '../../../src/executors/wasm/module/writer.ts'
import { PREVIEW1, PREVIEW1_NAMES, SIGNATURES, type Preview1Name } from '../../../src/executors/wasm/host/signatures.ts'
import { wasmModule } from '../../fixtures/wasm-module.ts'
import { call, drop, I32, i32, i32Store, I64, i64, plain, type Code } from './assembler.ts'

/**
 * Modules that make many calls of the host, one after the other, and write every answer to standard output: 32 bits
 * each, little-endian. Descriptor 3 is the root, 4 a file in it named `f`.
 */

export const MEMORY_BYTES = 2 * 65_536
export const FILE = 4
export const ROOT = 3

/** Where in memory things are. */
export const AT = {
  path: 16,
  name: 24,
  iovec: 64,
  out: 256,
  subscription: 512,
  events: 640,
  flag: 896,
  buffer: 1024,
  answers: 65_536,
} as const
const PATH_LENGTH = 1

/** An address, and how many bytes from it on the call reads or writes at the least. */
export interface Pointer {
  readonly pointer: number
  readonly bytes: number
}
/** How many bytes or things there are at an address. */
export interface Length {
  readonly length: number
}
export type Argument = number | bigint | Pointer | Length | { readonly fd: number }

const at = (pointer: number, bytes: number): Pointer => ({ pointer, bytes })
const out = (bytes: number): Pointer => at(AT.out, bytes)
const length = (value: number): Length => ({ length: value })
const iovecs = [at(AT.iovec, 8), length(1)] as const
const path = [at(AT.path, 1), length(PATH_LENGTH)] as const
const file = { fd: FILE }
const root = { fd: ROOT }

/** Arguments with which each call works, or fails for no reason that lies in them. */
export const ARGUMENTS: Readonly<Record<Exclude<Preview1Name, 'proc_exit'>, readonly Argument[]>> = {
  args_get: [out(4), at(AT.buffer, 1)],
  args_sizes_get: [out(4), at(AT.buffer, 4)],
  clock_res_get: [1, out(8)],
  clock_time_get: [1, 0n, out(8)],
  environ_get: [out(4), at(AT.buffer, 1)],
  environ_sizes_get: [out(4), at(AT.buffer, 4)],
  fd_advise: [file, 0n, 0n, 0],
  fd_allocate: [file, 0n, 1n],
  fd_close: [file],
  fd_datasync: [file],
  fd_fdstat_get: [file, out(24)],
  fd_fdstat_set_flags: [file, 0],
  fd_fdstat_set_rights: [file, 0n, 0n],
  fd_filestat_get: [file, out(64)],
  fd_filestat_set_size: [file, 0n],
  fd_filestat_set_times: [file, 0n, 0n, 0],
  fd_pread: [file, ...iovecs, 0n, out(4)],
  fd_prestat_dir_name: [root, at(AT.buffer, 1), length(1)],
  fd_prestat_get: [root, out(8)],
  fd_pwrite: [file, ...iovecs, 0n, out(4)],
  fd_read: [file, ...iovecs, out(4)],
  fd_readdir: [root, at(AT.buffer, 64), length(64), 0n, out(4)],
  fd_renumber: [file, file],
  fd_seek: [file, 0n, 0, out(8)],
  fd_sync: [file],
  fd_tell: [file, out(8)],
  fd_write: [file, ...iovecs, out(4)],
  path_create_directory: [root, ...path],
  path_filestat_get: [root, 0, ...path, out(64)],
  path_filestat_set_times: [root, 0, ...path, 0n, 0n, 0],
  path_link: [root, 0, ...path, root, at(AT.name, 1), length(PATH_LENGTH)],
  path_open: [root, 0, ...path, 0, 0n, 0n, 0, out(4)],
  path_readlink: [root, ...path, at(AT.buffer, 64), length(64), out(4)],
  path_remove_directory: [root, ...path],
  path_rename: [root, ...path, root, at(AT.name, 1), length(PATH_LENGTH)],
  path_symlink: [...path, root, at(AT.name, 1), length(PATH_LENGTH)],
  path_unlink_file: [root, ...path],
  poll_oneoff: [at(AT.subscription, 48), at(AT.events, 32), length(1), out(4)],
  proc_raise: [0],
  random_get: [at(AT.buffer, 16), length(16)],
  sched_yield: [],
  sock_accept: [file, 0, out(4)],
  sock_recv: [file, ...iovecs, 0, out(4), at(AT.buffer, 2)],
  sock_send: [file, ...iovecs, 0, out(4)],
  sock_shutdown: [file, 0],
}
export type Called = keyof typeof ARGUMENTS
export const CALLED = Object.keys(ARGUMENTS) as Called[]

/** One call, what of it is other than in {@link ARGUMENTS}, and which answers it may get. */
export interface Attempt {
  readonly call: Called
  readonly values: readonly (number | bigint)[]
  readonly allowed: readonly number[]
}

export const valueOf = (argument: Argument): number | bigint => {
  if (typeof argument !== 'object') return argument
  if ('pointer' in argument) return argument.pointer
  return 'fd' in argument ? argument.fd : argument.length
}

/** For each call every argument that is `wanted`, in turn, replaced by each of what `others` gives for it. */
export function replacing<A extends Argument>(
  wanted: (argument: Argument) => argument is A,
  others: (argument: A, name: Called) => readonly number[],
  allowed: (name: Called) => readonly number[],
): readonly Attempt[] {
  return CALLED.flatMap((name) =>
    ARGUMENTS[name].flatMap((argument, index) =>
      wanted(argument)
        ? others(argument, name).map((other) => ({
            call: name,
            values: ARGUMENTS[name].map((each, position) => (position === index ? other : valueOf(each))),
            allowed: allowed(name),
          }))
        : [],
    ),
  )
}

const index = (name: Preview1Name): number => PREVIEW1_NAMES.indexOf(name)
const codes = (letters: string): number[] => Array.from(letters, (letter) => (letter === 'I' ? I64 : I32))
export const calling = (name: Preview1Name, values: readonly (number | bigint)[]): Code => [
  ...values.flatMap((value) => (typeof value === 'bigint' ? i64(value) : i32(value))),
  ...call(index(name)),
]

/** A command that may make every call of preview 1; {@link calling} calls. `data` is placed in memory before. */
export function hostModule(
  code: readonly Code[],
  {
    data = [],
    memories,
  }: { readonly data?: readonly (readonly [at: number, bytes: Code])[]; readonly memories?: readonly Code[] } = {},
): Uint8Array {
  const signatures = PREVIEW1_NAMES.map((name) => SIGNATURES[name] ?? { parameters: '', results: '' })
  const segments = [
    [AT.path, [0x66, 0]],
    [AT.name, [0x67, 0]],
    [AT.iovec, [0, AT.buffer >> 8, 0, 0, 16, 0, 0, 0]],
    ...data,
  ] as const
  return wasmModule({
    types: signatures.map(({ parameters, results }) => [codes(parameters), codes(results)] as const),
    imports: PREVIEW1_NAMES.map((name, position) => ({
      module: PREVIEW1,
      name,
      description: [0, ...u32(position + 1)],
    })),
    memories: memories ?? [[0, 2]],
    bodies: [plain(...code)],
    extra: [
      section(11, [
        u32(segments.length),
        ...segments.map(([place, bytes]) => [0, ...i32(place), 0x0b, ...u32(bytes.length), ...bytes]),
      ]),
    ],
  })
}

/** Opens the file `f` of the root, made anew, as descriptor 4. */
export const OPEN_FILE: Code = [
  ...calling('path_open', [ROOT, 0, AT.path, PATH_LENGTH, 1, 0x1fff_ffffn, 0n, 0, AT.out]),
  ...drop,
]

/** The module that makes these attempts and tells of their answers. */
export function attempting(attempts: readonly Attempt[]): Uint8Array {
  const iovec = 128
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setUint32(0, AT.answers, true)
  bytes.setUint32(4, attempts.length * 4, true)
  return hostModule(
    [
      OPEN_FILE,
      ...attempts.map(({ call: name, values }, position) => [
        ...i32(AT.answers + position * 4),
        ...calling(name, values),
        ...i32Store(0),
      ]),
      [...calling('fd_write', [1, iovec, 1, AT.out]), ...drop],
    ],
    { data: [[iovec, [...new Uint8Array(bytes.buffer)]]] },
  )
}
