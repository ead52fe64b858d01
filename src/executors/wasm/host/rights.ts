/** Bits of `rights` (preview 1): what an open descriptor may be used for. */
export const RIGHT = {
  fd_datasync: 1n << 0n,
  fd_read: 1n << 1n,
  fd_seek: 1n << 2n,
  fd_fdstat_set_flags: 1n << 3n,
  fd_sync: 1n << 4n,
  fd_tell: 1n << 5n,
  fd_write: 1n << 6n,
  fd_advise: 1n << 7n,
  fd_allocate: 1n << 8n,
  path_create_directory: 1n << 9n,
  path_create_file: 1n << 10n,
  path_link_source: 1n << 11n,
  path_link_target: 1n << 12n,
  path_open: 1n << 13n,
  fd_readdir: 1n << 14n,
  path_readlink: 1n << 15n,
  path_rename_source: 1n << 16n,
  path_rename_target: 1n << 17n,
  path_filestat_get: 1n << 18n,
  path_filestat_set_size: 1n << 19n,
  path_filestat_set_times: 1n << 20n,
  fd_filestat_get: 1n << 21n,
  fd_filestat_set_size: 1n << 22n,
  fd_filestat_set_times: 1n << 23n,
  path_symlink: 1n << 24n,
  path_remove_directory: 1n << 25n,
  path_unlink_file: 1n << 26n,
  poll_fd_readwrite: 1n << 27n,
  sock_shutdown: 1n << 28n,
  sock_accept: 1n << 29n,
} as const
export type RightName = keyof typeof RIGHT

const all = (...names: readonly RightName[]): bigint => names.reduce((rights, name) => rights | RIGHT[name], 0n)

const COMMON = all('fd_datasync', 'fd_sync', 'fd_fdstat_set_flags', 'fd_filestat_get')

/** The rights that mean something for each kind of descriptor. Those for sockets mean nothing here. */
export const APPLICABLE = {
  file:
    COMMON |
    all('fd_read', 'fd_seek', 'fd_tell', 'fd_write', 'fd_advise', 'fd_allocate') |
    all('fd_filestat_set_size', 'fd_filestat_set_times', 'poll_fd_readwrite'),
  directory:
    COMMON |
    all('path_create_directory', 'path_create_file', 'path_link_source', 'path_link_target', 'path_open') |
    all('fd_readdir', 'path_readlink', 'path_rename_source', 'path_rename_target', 'path_filestat_get') |
    all('path_filestat_set_size', 'path_filestat_set_times', 'fd_filestat_set_times', 'path_symlink') |
    all('path_remove_directory', 'path_unlink_file'),
  stdin: COMMON | all('fd_read', 'poll_fd_readwrite'),
  stdout: COMMON | all('fd_write', 'poll_fd_readwrite'),
  stderr: COMMON | all('fd_write', 'poll_fd_readwrite'),
} as const
