import { ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { table } from './markdown.ts'

/** What @wasmer/wasi 1.2.2 does where preview 1 says otherwise, as measured, and why souk does not let it. */
const WASMER_GAPS: readonly (readonly [string, string])[] = [
  ['`path_rename`', 'the file is lost'],
  ['`fd_pwrite`', 'appends, whatever the offset'],
  ['`fd_seek` past the end, then `fd_write`', 'the data moves to the end of the file'],
  ['`path_create_directory` of what exists', 'succeeds'],
  ['`clock_time_get` of the monotonic clock', 'is the wall clock'],
  ['an unknown clock, `poll_oneoff`, opening a symbolic link', 'panics, and takes the instance with it'],
  ['`sock_accept`', 'is missing: a module that imports it cannot be linked'],
  ['`fd_write` to stdout and stderr', 'is buffered in memory without a bound'],
]

/** Of docs/CONFORMANCE.md: what is known of WASI preview 1. */
export function preview1Sections(): string[] {
  const errnos = Object.keys(ERRNO).map((name) => `\`${name.toUpperCase()}\``)
  return [
    '## WASI preview 1',
    [
      'Of the 72 programs for preview 1 in [WebAssembly/wasi-testsuite](https://github.com/WebAssembly/wasi-testsuite) (C, Rust and AssemblyScript) **72 pass**: on our own host (`sandbox.wasm.host: souk`) and where it is joined with `@wasmer/wasi` (`wasmer`), and as well with `ERRNO_MODE_UNIX` set, which has the Rust programs insist on the errno of POSIX.',
      'The suite is not part of souk; this fetches it and measures:',
    ].join(' '),
    [
      '```sh',
      'git clone --branch prod/testsuite-base https://github.com/WebAssembly/wasi-testsuite',
      'npm run -s wasi-testsuite -- ./wasi-testsuite [--host wasmer]',
      '```',
    ].join('\n'),
    [
      "Each program is a task of the executor, in a sandbox process of its own; the files of its root are the task's inputs, which are read-only, and the one folder that programs write to beside the root is an output.",
      'One program cannot be said as a task: `sock_shutdown-invalid_fd` takes descriptor 3 for one that is not open. Preview 1 says nowhere that it is not (preopened folders begin there, and each task of souk has its `/`), so that answering `ENOTSOCK` for it is right; the program is run on the same host with no folder preopened, where it gets the `EBADF` that it wants.',
    ].join(' '),
    [
      `Every errno that the host gives (${errnos.join(', ')}) and every right has a test of ours in \`npm test\`: test/unit/wasm-preview1-errnos.test.ts, wasm-preview1-rights.test.ts, wasm-preview1-calls.test.ts.`,
      'Where preview 1 leaves a choice, this is what was chosen:',
    ].join(' '),
    [
      '- A call on a descriptor of the wrong kind says so (`EISDIR`, `ESPIPE`, `ENOTDIR`, `ENOTSOCK`) before it says that a right is missing (`ENOTCAPABLE`).',
      '- `path_open` gives the rights that are asked for and mean something for what was opened, and is `ENOTCAPABLE` where one of them is not among those that the folder passes on. Asked to write, a folder is `EISDIR`.',
      '- A symbolic link is followed only inside the descriptor that the path started from: one that leads above it, and every absolute path, is `ENOTCAPABLE`. Forty links are followed in one path, as on Linux; more are `ELOOP`.',
      '- An input cannot be linked to (`EXDEV`, as if it were on another disk), changed, renamed or removed (`EROFS`). Folders of the set-up stay where they are (`EBUSY`).',
      '- A file may have several names; each counts as an inode. Bytes of names and of what symbolic links hold count as memory. As a result, a symbolic link and a file of several names are errors, as on the other runtimes (`SYMLINK`, `HARD_LINK`).',
      '- Cookies of `fd_readdir` stay with their names: entries that come and go between two calls move no others. `.` and `..` are listed, both with the inode of the folder itself.',
      '- Standard streams have the file type `unknown`, which is that of a pipe. `poll_oneoff` takes them, and files, for ready; a read then waits.',
      '- There are no sockets (`ENOTSOCK`) and no signals: `proc_raise` is `ENOSYS`.',
    ].join('\n'),
    '### What `@wasmer/wasi` lacks',
    'With `sandbox.wasm.host: wasmer` it answers `args_get`, `args_sizes_get`, `environ_get`, `environ_sizes_get`, `random_get` and `sched_yield`, with every pointer checked before and a panic turned into `EFAULT`. It never sees the module: it gets one of ours that imports those six and the memory. All else is answered by our own host, because in `@wasmer/wasi` 1.2.2',
    table({ head: ['Call', 'What it does'], rows: WASMER_GAPS.map((gap) => [...gap]) }),
  ]
}
