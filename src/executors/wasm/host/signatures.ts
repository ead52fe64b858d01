/**
 * Every function of WASI preview 1 (https://github.com/WebAssembly/WASI, phases/snapshot/witx), by its parameters:
 * `i` is i32, `I` is i64. All but `proc_exit` return an errno.
 */
const PARAMETERS = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
} as const

export type Preview1Name = keyof typeof PARAMETERS
/** Parameters of a call: a number for each i32 (signed, as the engine passes it), a bigint for each i64. */
type Values<S extends string> = S extends `${infer First}${infer Rest}`
  ? [First extends 'I' ? bigint : number, ...Values<Rest>]
  : []
/** A call that returns when it worked and throws an Errno when it did not. */
export type Preview1Calls = { readonly [N in Preview1Name]: (...values: Values<(typeof PARAMETERS)[N]>) => void }

export const PREVIEW1 = 'wasi_snapshot_preview1'
export const PREVIEW1_NAMES = Object.keys(PARAMETERS) as Preview1Name[]
export const SIGNATURES: Readonly<Record<string, { readonly parameters: string; readonly results: string }>> =
  Object.fromEntries(
    Object.entries(PARAMETERS).map(([name, parameters]) => [
      name,
      { parameters, results: name === 'proc_exit' ? '' : 'i' },
    ]),
  )
