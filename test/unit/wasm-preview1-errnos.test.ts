import assert from 'node:assert/strict'
import { ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { SIGNATURES, type Preview1Name } from '../../src/executors/wasm/host/signatures.ts'
import {
  ALL_RIGHTS,
  AT,
  FOLLOW,
  OPEN,
  preview1Guest,
  ROOT_FD,
  type GuestOptions,
  type Preview1Guest,
} from '../fixtures/preview1-guest.ts'

interface Failure {
  readonly call: Preview1Name
  readonly gives: keyof typeof ERRNO
  readonly when: string
  readonly made: (guest: Preview1Guest) => number
  readonly options?: GuestOptions
}

const row = (
  call: Preview1Name,
  gives: keyof typeof ERRNO,
  when: string,
  made: (guest: Preview1Guest) => number,
  options: GuestOptions = {},
): Failure => ({ call, gives, when, made, options })
const CREATE = { flags: OPEN.create }
const NOWHERE = 99
const file = (guest: Preview1Guest, path = 'tmp/file'): number => guest.open(path, CREATE)
const folder = (guest: Preview1Guest, path: string): void =>
  guest.must('path_create_directory', ROOT_FD, ...guest.path(path))
const symlink = (guest: Preview1Guest, target: string, path: string): number =>
  guest.call('path_symlink', ...guest.path(target, AT.otherPath), ROOT_FD, ...guest.path(path))
const link = (guest: Preview1Guest, from: string, to: string, flags = 0): number =>
  guest.call('path_link', ROOT_FD, flags, ...guest.path(from), ROOT_FD, ...guest.path(to, AT.otherPath))
const rename = (guest: Preview1Guest, from: string, to: string): number =>
  guest.call('path_rename', ROOT_FD, ...guest.path(from), ROOT_FD, ...guest.path(to, AT.otherPath))
const onPath = (
  guest: Preview1Guest,
  call: 'path_create_directory' | 'path_remove_directory' | 'path_unlink_file',
  path: string,
): number => guest.call(call, ROOT_FD, ...guest.path(path))
const readlink = (guest: Preview1Guest, path: string): number =>
  guest.call('path_readlink', ROOT_FD, ...guest.path(path), AT.buffer, 100, AT.result)
const stat = (guest: Preview1Guest, path: string, flags = 0): number =>
  guest.call('path_filestat_get', ROOT_FD, flags, ...guest.path(path), AT.buffer)
const badText = (guest: Preview1Guest): [number, number] => {
  guest.bytes.set([0x61, 0xff], AT.path)
  return [AT.path, 2]
}
const broken = {
  port: {
    read: () => {
      throw new Error('broken')
    },
    write: () => {
      throw new Error('broken')
    },
  },
}

/** Every errno that each call can give, and when. Those for rights that are missing are in wasm-preview1-rights. */
const FAILURES: readonly Failure[] = [
  row('args_get', 'fault', 'there is no room for the pointers', (guest) =>
    guest.call('args_get', AT.end - 4, AT.buffer),
  ),
  row('args_get', 'fault', 'there is no room for the texts', (guest) => guest.call('args_get', AT.buffer, AT.end - 4)),
  row('args_sizes_get', 'fault', 'there is no memory', (guest) => guest.call('args_sizes_get', AT.result, AT.end)),
  row('environ_get', 'fault', 'there is no memory', (guest) => guest.call('environ_get', AT.end, AT.buffer)),
  row('environ_sizes_get', 'fault', 'there is no memory', (guest) =>
    guest.call('environ_sizes_get', AT.end - 2, AT.buffer),
  ),
  row('random_get', 'fault', 'the buffer ends outside', (guest) => guest.call('random_get', AT.end - 10, 11)),
  row('proc_raise', 'nosys', 'ever', (guest) => guest.call('proc_raise', 9)),
  row('clock_res_get', 'inval', 'there is no such clock', (guest) => guest.call('clock_res_get', 4, AT.result)),
  row('clock_res_get', 'fault', 'there is no memory', (guest) => guest.call('clock_res_get', 0, AT.end - 7)),
  row('clock_time_get', 'inval', 'there is no such clock', (guest) => guest.call('clock_time_get', -1, 0n, AT.result)),
  row('clock_time_get', 'fault', 'there is no memory', (guest) => guest.call('clock_time_get', 0, 0n, AT.end - 7)),
  row('poll_oneoff', 'inval', 'nothing is polled', (guest) =>
    guest.call('poll_oneoff', AT.buffer, AT.buffer, 0, AT.result),
  ),
  row('poll_oneoff', 'inval', 'too much is polled', (guest) =>
    guest.call('poll_oneoff', AT.buffer, AT.buffer, 4097, AT.result),
  ),
  row('poll_oneoff', 'fault', 'the events have no room', (guest) =>
    guest.call('poll_oneoff', AT.buffer, AT.end - 31, 1, AT.result),
  ),
  row('poll_oneoff', 'inval', 'the type of an event is unknown', (guest) => {
    guest.bytes[AT.buffer + 8] = 3
    return guest.call('poll_oneoff', AT.buffer, AT.otherPath, 1, AT.result)
  }),
  ...(['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown'] as const).flatMap((call) => [
    row(call, 'badf', 'it is not open', (guest) => guest.call(call, NOWHERE, 0, 0, 0, 0, 0)),
    row(call, 'notsock', 'it is a stream', (guest) => guest.call(call, 1, 0, 0, 0, 0, 0)),
    row(call, 'notsock', 'it is a folder', (guest) => guest.call(call, ROOT_FD, 0, 0, 0, 0, 0)),
  ]),
  ...(['fd_close', 'fd_datasync', 'fd_sync'] as const).map((call) =>
    row(call, 'badf', 'it is not open', (guest) => guest.call(call, NOWHERE)),
  ),
  row('fd_advise', 'badf', 'it is not open', (guest) => guest.call('fd_advise', NOWHERE, 0n, 0n, 0)),
  row('fd_advise', 'spipe', 'it is a stream', (guest) => guest.call('fd_advise', 1, 0n, 0n, 0)),
  row('fd_advise', 'inval', 'the advice is unknown', (guest) => guest.call('fd_advise', file(guest), 0n, 0n, 6)),
  row('fd_advise', 'inval', 'the offset is negative', (guest) => guest.call('fd_advise', file(guest), -1n, 0n, 0)),
  row('fd_allocate', 'isdir', 'it is a folder', (guest) => guest.call('fd_allocate', ROOT_FD, 0n, 1n)),
  row('fd_allocate', 'inval', 'nothing is allocated', (guest) => guest.call('fd_allocate', file(guest), 0n, 0n)),
  row('fd_allocate', 'inval', 'the end is too far', (guest) =>
    guest.call('fd_allocate', file(guest), 2n ** 52n, 2n ** 52n),
  ),
  row('fd_allocate', 'nospc', 'the disk is full', (guest) => guest.call('fd_allocate', file(guest), 0n, 50_001n)),
  row('fd_allocate', 'rofs', 'it is an input', (guest) =>
    guest.call('fd_allocate', guest.open('in/book', { rights: ALL_RIGHTS & ~(1n << 6n) }), 0n, 100n),
  ),
  row('fd_fdstat_get', 'badf', 'it is not open', (guest) => guest.call('fd_fdstat_get', NOWHERE, AT.buffer)),
  row('fd_fdstat_get', 'fault', 'there is no memory', (guest) => guest.call('fd_fdstat_get', 0, AT.end - 23)),
  row('fd_fdstat_set_flags', 'badf', 'it is not open', (guest) => guest.call('fd_fdstat_set_flags', NOWHERE, 0)),
  row('fd_fdstat_set_flags', 'inval', 'a flag is unknown', (guest) => guest.call('fd_fdstat_set_flags', 1, 32)),
  row('fd_fdstat_set_rights', 'badf', 'it is not open', (guest) => guest.call('fd_fdstat_set_rights', NOWHERE, 0n, 0n)),
  row('fd_fdstat_set_rights', 'notcapable', 'rights are added', (guest) =>
    guest.call('fd_fdstat_set_rights', 0, ALL_RIGHTS, 0n),
  ),
  row('fd_fdstat_set_rights', 'notcapable', 'inherited rights are added', (guest) =>
    guest.call('fd_fdstat_set_rights', file(guest), 0n, 1n),
  ),
  row('fd_filestat_get', 'badf', 'it is not open', (guest) => guest.call('fd_filestat_get', NOWHERE, AT.buffer)),
  row('fd_filestat_get', 'fault', 'there is no memory', (guest) => guest.call('fd_filestat_get', 0, AT.end - 63)),
  row('fd_filestat_set_size', 'isdir', 'it is a folder', (guest) => guest.call('fd_filestat_set_size', ROOT_FD, 0n)),
  row('fd_filestat_set_size', 'spipe', 'it is a stream', (guest) => guest.call('fd_filestat_set_size', 1, 0n)),
  row('fd_filestat_set_size', 'inval', 'the size is negative', (guest) =>
    guest.call('fd_filestat_set_size', file(guest), -1n),
  ),
  row('fd_filestat_set_size', 'nospc', 'the disk is full', (guest) =>
    guest.call('fd_filestat_set_size', file(guest), 50_001n),
  ),
  row('fd_filestat_set_times', 'badf', 'it is not open', (guest) =>
    guest.call('fd_filestat_set_times', NOWHERE, 0n, 0n, 0),
  ),
  row('fd_filestat_set_times', 'inval', 'a time is set twice', (guest) =>
    guest.call('fd_filestat_set_times', file(guest), 0n, 0n, 3),
  ),
  row('fd_filestat_set_times', 'inval', 'a flag is unknown', (guest) =>
    guest.call('fd_filestat_set_times', file(guest), 0n, 0n, 16),
  ),
  row('fd_filestat_set_times', 'rofs', 'it is an input', (guest) =>
    guest.call('fd_filestat_set_times', guest.open('in/book', { rights: ALL_RIGHTS & ~(1n << 6n) }), 0n, 0n, 1),
  ),
  row('fd_pread', 'spipe', 'it is a stream', (guest) => guest.call('fd_pread', 0, ...guest.iovecs(1), 0n, AT.result)),
  row('fd_pread', 'isdir', 'it is a folder', (guest) =>
    guest.call('fd_pread', ROOT_FD, ...guest.iovecs(1), 0n, AT.result),
  ),
  row('fd_pread', 'inval', 'the offset is negative', (guest) =>
    guest.call('fd_pread', file(guest), ...guest.iovecs(1), -1n, AT.result),
  ),
  row('fd_pwrite', 'spipe', 'it is a stream', (guest) => guest.call('fd_pwrite', 1, ...guest.iovecs(1), 0n, AT.result)),
  row('fd_pwrite', 'nospc', 'the offset is past the disk', (guest) =>
    guest.call('fd_pwrite', file(guest), ...guest.iovecs(1), 50_000n, AT.result),
  ),
  row('fd_prestat_get', 'badf', 'it is a stream', (guest) => guest.call('fd_prestat_get', 0, AT.buffer)),
  row('fd_prestat_get', 'badf', 'it was not preopened', (guest) =>
    guest.call('fd_prestat_get', guest.open('tmp', { rights: 0n }), AT.buffer),
  ),
  row('fd_prestat_dir_name', 'nametoolong', 'the name has no room', (guest) =>
    guest.call('fd_prestat_dir_name', ROOT_FD, AT.buffer, 0),
  ),
  row('fd_prestat_dir_name', 'badf', 'it was not preopened', (guest) =>
    guest.call('fd_prestat_dir_name', 1, AT.buffer, 10),
  ),
  row('fd_read', 'badf', 'it is not open', (guest) => guest.call('fd_read', NOWHERE, ...guest.iovecs(1), AT.result)),
  row('fd_read', 'isdir', 'it is a folder', (guest) => guest.call('fd_read', ROOT_FD, ...guest.iovecs(1), AT.result)),
  row('fd_read', 'notcapable', 'it is an output', (guest) => guest.call('fd_read', 1, ...guest.iovecs(1), AT.result)),
  row(
    'fd_read',
    'io',
    'the stream is broken',
    (guest) => guest.call('fd_read', 0, ...guest.iovecs(1), AT.result),
    broken,
  ),
  row('fd_read', 'inval', 'there are too many buffers', (guest) =>
    guest.call('fd_read', 0, AT.iovecs, 1025, AT.result),
  ),
  row('fd_read', 'fault', 'a buffer is outside', (guest) =>
    guest.call('fd_read', 0, ...guest.iovecs(1, AT.end), AT.result),
  ),
  row('fd_read', 'fault', 'the list of buffers is outside', (guest) =>
    guest.call('fd_read', 0, AT.end - 4, 1, AT.result),
  ),
  row('fd_write', 'isdir', 'it is a folder', (guest) => guest.write(ROOT_FD, 'x')),
  row('fd_write', 'notcapable', 'it is the input', (guest) => guest.write(0, 'x')),
  row('fd_write', 'io', 'the stream is broken', (guest) => guest.write(2, 'x'), broken),
  row('fd_write', 'nospc', 'the disk is full', (guest) => guest.write(file(guest), 'x'), { limits: { diskBytes: 0 } }),
  row('fd_write', 'nospc', 'the memory is full', (guest) => guest.write(file(guest, 'f'), 'x'), {
    limits: { memoryBytes: 1 },
  }),
  row('fd_readdir', 'notdir', 'it is a file', (guest) =>
    guest.call('fd_readdir', file(guest), AT.buffer, 100, 0n, AT.result),
  ),
  row('fd_readdir', 'notdir', 'it is a stream', (guest) => guest.call('fd_readdir', 0, AT.buffer, 100, 0n, AT.result)),
  row('fd_readdir', 'fault', 'the buffer ends outside', (guest) =>
    guest.call('fd_readdir', ROOT_FD, AT.end - 10, 100, 0n, AT.result),
  ),
  row('fd_renumber', 'badf', 'what is moved is not open', (guest) => guest.call('fd_renumber', NOWHERE, 0)),
  row('fd_renumber', 'badf', 'what it moves to is not open', (guest) => guest.call('fd_renumber', 0, NOWHERE)),
  row('fd_seek', 'spipe', 'it is a stream', (guest) => guest.call('fd_seek', 0, 0n, 0, AT.result)),
  row('fd_seek', 'isdir', 'it is a folder', (guest) => guest.call('fd_seek', ROOT_FD, 0n, 0, AT.result)),
  row('fd_seek', 'inval', 'it leads before the beginning', (guest) =>
    guest.call('fd_seek', file(guest), -1n, 1, AT.result),
  ),
  row('fd_seek', 'inval', 'it leads too far', (guest) => guest.call('fd_seek', file(guest), 2n ** 53n, 0, AT.result)),
  row('fd_seek', 'inval', 'the origin is unknown', (guest) => guest.call('fd_seek', file(guest), 0n, 3, AT.result)),
  row('fd_tell', 'spipe', 'it is a stream', (guest) => guest.call('fd_tell', 1, AT.result)),
  row('path_create_directory', 'exist', 'it is there', (guest) => onPath(guest, 'path_create_directory', 'tmp')),
  row('path_create_directory', 'rofs', 'it is among inputs', (guest) =>
    onPath(guest, 'path_create_directory', 'in/new'),
  ),
  row('path_create_directory', 'noent', 'its folder is missing', (guest) =>
    onPath(guest, 'path_create_directory', 'a/b'),
  ),
  row('path_create_directory', 'noent', 'the path is empty', (guest) => onPath(guest, 'path_create_directory', '')),
  row('path_create_directory', 'nametoolong', 'the name is', (guest) =>
    onPath(guest, 'path_create_directory', 'n'.repeat(256)),
  ),
  row('path_create_directory', 'nametoolong', 'the path is', (guest) =>
    guest.call('path_create_directory', ROOT_FD, 0, 4097),
  ),
  row('path_create_directory', 'ilseq', 'the path is not UTF-8', (guest) =>
    guest.call('path_create_directory', ROOT_FD, ...badText(guest)),
  ),
  row('path_create_directory', 'inval', 'the path has a NUL', (guest) =>
    onPath(guest, 'path_create_directory', 'a\0b'),
  ),
  row('path_create_directory', 'notcapable', 'the path leads out', (guest) =>
    onPath(guest, 'path_create_directory', 'tmp/../../x'),
  ),
  row('path_create_directory', 'notcapable', 'the path is absolute', (guest) =>
    onPath(guest, 'path_create_directory', '/x'),
  ),
  row('path_create_directory', 'nospc', 'there are no inodes', (guest) => onPath(guest, 'path_create_directory', 'x'), {
    limits: { inodes: 0 },
  }),
  row(
    'path_create_directory',
    'nospc',
    'the name has no memory',
    (guest) => onPath(guest, 'path_create_directory', 'xx'),
    { limits: { memoryBytes: 1 } },
  ),
  row('path_create_directory', 'badf', 'it is not open', (guest) =>
    guest.call('path_create_directory', NOWHERE, ...guest.path('x')),
  ),
  row('path_create_directory', 'notdir', 'it is a stream', (guest) =>
    guest.call('path_create_directory', 0, ...guest.path('x')),
  ),
  row('path_filestat_get', 'noent', 'it is missing', (guest) => stat(guest, 'missing')),
  row(
    'path_filestat_get',
    'noent',
    'the link leads nowhere',
    (guest) => symlink(guest, 'missing', 'link') || stat(guest, 'link', FOLLOW),
  ),
  row('path_filestat_get', 'notdir', 'it is a file and the path has a slash after it', (guest) =>
    stat(guest, 'in/book/'),
  ),
  row('path_filestat_get', 'inval', 'a flag is unknown', (guest) => stat(guest, 'tmp', 2)),
  row(
    'path_filestat_get',
    'loop',
    'links lead round',
    (guest) => symlink(guest, 'link', 'link') || stat(guest, 'link/x'),
  ),
  row(
    'path_filestat_get',
    'notcapable',
    'a link leads out',
    (guest) => symlink(guest, '../../x', 'tmp/link') || stat(guest, 'tmp/link', FOLLOW),
  ),
  row('path_filestat_set_times', 'noent', 'it is missing', (guest) =>
    guest.call('path_filestat_set_times', ROOT_FD, 0, ...guest.path('missing'), 0n, 0n, 1),
  ),
  row('path_filestat_set_times', 'inval', 'a time is set twice', (guest) =>
    guest.call('path_filestat_set_times', ROOT_FD, 0, ...guest.path('tmp'), 0n, 0n, 12),
  ),
  row('path_filestat_set_times', 'rofs', 'it is an input', (guest) =>
    guest.call('path_filestat_set_times', ROOT_FD, 0, ...guest.path('in/book'), 0n, 0n, 4),
  ),
  row('path_link', 'perm', 'it is a folder', (guest) => link(guest, 'tmp', 'other')),
  row('path_link', 'xdev', 'it is an input', (guest) => link(guest, 'in/book', 'tmp/book')),
  row(
    'path_link',
    'exist',
    'the name is there',
    (guest) => (file(guest, 'a'), file(guest, 'b'), link(guest, 'a', 'b')),
  ),
  row('path_link', 'noent', 'it is missing', (guest) => link(guest, 'a', 'b')),
  row('path_link', 'noent', 'the new name has a slash after it', (guest) => (file(guest, 'a'), link(guest, 'a', 'b/'))),
  row('path_link', 'rofs', 'the name would be among inputs', (guest) => (file(guest, 'a'), link(guest, 'a', 'in/a'))),
  row(
    'path_link',
    'nospc',
    'there are no inodes: each name counts',
    (guest) => (file(guest, 'a'), link(guest, 'a', 'b')),
    { limits: { inodes: 1 } },
  ),
  row('path_open', 'noent', 'it is missing', (guest) => guest.tryOpen('missing')),
  row('path_open', 'noent', 'the path goes on after what is missing', (guest) => guest.tryOpen('missing/x', CREATE)),
  row('path_open', 'notdir', 'the path goes on after a file', (guest) => guest.tryOpen('in/book/x')),
  row('path_open', 'notdir', 'a folder is wanted', (guest) => guest.tryOpen('in/book', { flags: OPEN.directory })),
  row('path_open', 'notdir', 'it is not opened below a folder', (guest) => guest.tryOpen('x', { from: file(guest) })),
  row('path_open', 'isdir', 'a folder is to be written', (guest) => guest.tryOpen('tmp', { flags: OPEN.directory })),
  row('path_open', 'isdir', 'a folder is to be emptied', (guest) =>
    guest.tryOpen('tmp', { flags: OPEN.truncate, rights: 0n }),
  ),
  row('path_open', 'isdir', 'a file with a slash after it is made', (guest) => guest.tryOpen('new/', CREATE)),
  row('path_open', 'exist', 'only a new file will do', (guest) =>
    guest.tryOpen('in/book', { flags: OPEN.create | OPEN.exclusive }),
  ),
  row(
    'path_open',
    'exist',
    'only a new file will do, and a link that leads nowhere is there',
    (guest) =>
      symlink(guest, 'x', 'link') || guest.tryOpen('link', { flags: OPEN.create | OPEN.exclusive, lookup: FOLLOW }),
  ),
  row('path_open', 'inval', 'a folder is to be made', (guest) =>
    guest.tryOpen('new', { flags: OPEN.create | OPEN.directory }),
  ),
  row('path_open', 'inval', 'a flag is unknown', (guest) => guest.tryOpen('tmp', { flags: 16 })),
  row('path_open', 'inval', 'a flag of the descriptor is unknown', (guest) => guest.tryOpen('tmp', { fdFlags: 32 })),
  row('path_open', 'inval', 'a flag of the look-up is unknown', (guest) => guest.tryOpen('tmp', { lookup: 2 })),
  row(
    'path_open',
    'loop',
    'it is a link that is not followed',
    (guest) => symlink(guest, 'tmp', 'link') || guest.tryOpen('link'),
  ),
  row(
    'path_open',
    'loop',
    'links lead round',
    (guest) => symlink(guest, 'link', 'link') || guest.tryOpen('link', { lookup: FOLLOW }),
  ),
  row('path_open', 'rofs', 'an input is to be written', (guest) => guest.tryOpen('in/book')),
  row('path_open', 'rofs', 'an input is to be emptied', (guest) =>
    guest.tryOpen('in/book', { flags: OPEN.truncate, rights: 0n }),
  ),
  row('path_open', 'mfile', 'too many are open', (guest) => (file(guest), guest.tryOpen('tmp/file')), {
    limits: { openFiles: 4 },
  }),
  row('path_open', 'nospc', 'there are no inodes', (guest) => guest.tryOpen('new', CREATE), { limits: { inodes: 0 } }),
  row('path_open', 'fault', 'the result has no room', (guest) =>
    guest.call('path_open', ROOT_FD, 0, ...guest.path('tmp'), 0, 0n, 0n, 0, AT.end - 3),
  ),
  row('path_readlink', 'inval', 'it is no link', (guest) => readlink(guest, 'tmp')),
  row('path_readlink', 'noent', 'it is missing', (guest) => readlink(guest, 'missing')),
  row(
    'path_readlink',
    'fault',
    'the buffer ends outside',
    (guest) =>
      symlink(guest, 'x', 'link') ||
      guest.call('path_readlink', ROOT_FD, ...guest.path('link'), AT.end - 1, 2, AT.result),
  ),
  row(
    'path_remove_directory',
    'notempty',
    'it is not empty',
    (guest) => (folder(guest, 'a'), folder(guest, 'a/b'), onPath(guest, 'path_remove_directory', 'a')),
  ),
  row('path_remove_directory', 'busy', 'it is part of the set-up', (guest) =>
    onPath(guest, 'path_remove_directory', 'tmp'),
  ),
  row(
    'path_remove_directory',
    'notdir',
    'it is a file',
    (guest) => (file(guest, 'f'), onPath(guest, 'path_remove_directory', 'f')),
  ),
  row(
    'path_remove_directory',
    'notdir',
    'it is a link to a folder',
    (guest) => symlink(guest, 'tmp', 'link') || onPath(guest, 'path_remove_directory', 'link/'),
  ),
  row('path_remove_directory', 'inval', 'it is the folder itself', (guest) =>
    onPath(guest, 'path_remove_directory', 'tmp/.'),
  ),
  row('path_remove_directory', 'noent', 'it is missing', (guest) => onPath(guest, 'path_remove_directory', 'missing')),
  row('path_rename', 'noent', 'it is missing', (guest) => rename(guest, 'a', 'b')),
  row(
    'path_rename',
    'inval',
    'a folder would be in itself',
    (guest) => (folder(guest, 'a'), rename(guest, 'a', 'a/b')),
  ),
  row('path_rename', 'inval', 'it is the folder itself', (guest) => rename(guest, '.', 'b')),
  row('path_rename', 'busy', 'it is part of the set-up', (guest) => rename(guest, 'tmp', 'b')),
  row('path_rename', 'rofs', 'it is an input', (guest) => rename(guest, 'in/book', 'tmp/book')),
  row(
    'path_rename',
    'isdir',
    'a file would replace a folder',
    (guest) => (file(guest, 'f'), rename(guest, 'f', 'tmp')),
  ),
  row(
    'path_rename',
    'notdir',
    'a folder would replace a file',
    (guest) => (folder(guest, 'a'), file(guest, 'f'), rename(guest, 'a', 'f')),
  ),
  row('path_rename', 'notdir', 'a file gets a slash', (guest) => (file(guest, 'f'), rename(guest, 'f', 'g/'))),
  row(
    'path_rename',
    'notempty',
    'what it would replace is not empty',
    (guest) => (folder(guest, 'a'), folder(guest, 'b'), file(guest, 'b/c'), rename(guest, 'a', 'b')),
  ),
  row(
    'path_rename',
    'nospc',
    'the longer name has no memory',
    (guest) => (file(guest, 'a'), rename(guest, 'a', 'abcdef')),
    { limits: { memoryBytes: 3 } },
  ),
  row('path_symlink', 'exist', 'it is there', (guest) => symlink(guest, 'x', 'tmp')),
  row('path_symlink', 'noent', 'it leads to nothing', (guest) => symlink(guest, '', 'link')),
  row('path_symlink', 'noent', 'it has a slash after it', (guest) => symlink(guest, 'x', 'link/')),
  row(
    'path_symlink',
    'notdir',
    'it is a file and has a slash after it',
    (guest) => (file(guest, 'f'), symlink(guest, 'x', 'f/')),
  ),
  row('path_symlink', 'notcapable', 'it leads to an absolute path', (guest) => symlink(guest, '/tmp', 'link')),
  row('path_symlink', 'rofs', 'it would be among inputs', (guest) => symlink(guest, 'x', 'in/link')),
  row('path_symlink', 'nospc', 'what it leads to has no memory', (guest) => symlink(guest, 'x'.repeat(200), 'link'), {
    limits: { memoryBytes: 100 },
  }),
  row('path_unlink_file', 'isdir', 'it is a folder', (guest) => onPath(guest, 'path_unlink_file', 'tmp')),
  row('path_unlink_file', 'rofs', 'it is an input', (guest) => onPath(guest, 'path_unlink_file', 'in/book')),
  row(
    'path_unlink_file',
    'notdir',
    'it has a slash after it',
    (guest) => (file(guest, 'f'), onPath(guest, 'path_unlink_file', 'f/')),
  ),
  row('path_unlink_file', 'noent', 'it is missing', (guest) => onPath(guest, 'path_unlink_file', 'missing')),
]

describe('WASI preview 1: what each call answers when it fails', () => {
  for (const { call, gives, when, made, options } of FAILURES) {
    it(`${call} is ${gives.toUpperCase()} when ${when}`, () => {
      assert.equal(made(preview1Guest(options)), ERRNO[gives])
    })
  }

  it('has a case for every errno and for every call that can fail', () => {
    // ENOMEM is this process's own want of memory: see wasm-preview1-run.
    const told = new Set<string>([...FAILURES.map(({ gives }) => gives), 'nomem'])
    assert.deepEqual(
      Object.keys(ERRNO).filter((name) => !told.has(name)),
      [],
    )
    const called = new Set<string>(FAILURES.map(({ call }) => call))
    assert.deepEqual(
      Object.keys(SIGNATURES).filter((name) => !called.has(name)),
      ['proc_exit', 'sched_yield'],
    )
  })
})
