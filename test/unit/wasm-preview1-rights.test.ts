import assert from 'node:assert/strict'
import { FLAG } from '../../src/executors/wasm/host/descriptors.ts'
import { ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { APPLICABLE, RIGHT, type RightName } from '../../src/executors/wasm/host/rights.ts'
import { ALL_RIGHTS, AT, OPEN, preview1Guest, rights, ROOT_FD, type Preview1Guest } from '../fixtures/preview1-guest.ts'

interface Needing {
  /** Needed; where there are two, each of them. */
  readonly rights: readonly RightName[]
  readonly what: string
  /** Does it with descriptors of a file and a folder that have these rights and no others; returns its errno. */
  readonly act: (guest: Preview1Guest, given: { readonly file: number; readonly folder: number }) => number
}

const needing = (what: string, names: readonly RightName[], act: Needing['act']): Needing => ({
  rights: names,
  what,
  act,
})
const other = (guest: Preview1Guest): number =>
  guest.open('tmp/other', {
    flags: OPEN.directory,
    rights: APPLICABLE.directory,
    inheriting: ALL_RIGHTS & (APPLICABLE.directory | APPLICABLE.file),
  })

function polled(guest: Preview1Guest, fd: number, type: number): number {
  guest.bytes.fill(0, AT.buffer, AT.buffer + 48)
  guest.bytes[AT.buffer + 8] = type
  guest.view.setUint32(AT.buffer + 16, fd, true)
  guest.must('poll_oneoff', AT.buffer, AT.buffer, 1, AT.result)
  return guest.view.getUint16(AT.buffer + 8, true)
}

/** Every right, and what it is for. */
const NEEDING: readonly Needing[] = [
  needing('fd_datasync', ['fd_datasync'], (guest, { file }) => guest.call('fd_datasync', file)),
  needing('fd_sync', ['fd_sync'], (guest, { file }) => guest.call('fd_sync', file)),
  needing('fd_read', ['fd_read'], (guest, { file }) => guest.call('fd_read', file, ...guest.iovecs(1), AT.result)),
  needing('fd_pread', ['fd_read', 'fd_seek'], (guest, { file }) =>
    guest.call('fd_pread', file, ...guest.iovecs(1), 0n, AT.result),
  ),
  needing('fd_write', ['fd_write'], (guest, { file }) => guest.write(file, 'x')),
  needing('fd_pwrite', ['fd_write', 'fd_seek'], (guest, { file }) =>
    guest.call('fd_pwrite', file, ...guest.iovecs(1), 0n, AT.result),
  ),
  needing('fd_seek', ['fd_seek'], (guest, { file }) => guest.call('fd_seek', file, 1n, 0, AT.result)),
  needing('fd_tell', ['fd_tell'], (guest, { file }) => guest.call('fd_tell', file, AT.result)),
  needing('fd_seek to where it is', ['fd_tell'], (guest, { file }) => guest.call('fd_seek', file, 0n, 1, AT.result)),
  needing('fd_fdstat_set_flags', ['fd_fdstat_set_flags'], (guest, { file }) =>
    guest.call('fd_fdstat_set_flags', file, FLAG.append),
  ),
  needing('fd_advise', ['fd_advise'], (guest, { file }) => guest.call('fd_advise', file, 0n, 0n, 0)),
  needing('fd_allocate', ['fd_allocate'], (guest, { file }) => guest.call('fd_allocate', file, 0n, 1n)),
  needing('fd_filestat_get', ['fd_filestat_get'], (guest, { file }) => guest.call('fd_filestat_get', file, AT.buffer)),
  needing('fd_filestat_set_size', ['fd_filestat_set_size'], (guest, { file }) =>
    guest.call('fd_filestat_set_size', file, 1n),
  ),
  needing('fd_filestat_set_times', ['fd_filestat_set_times'], (guest, { file }) =>
    guest.call('fd_filestat_set_times', file, 0n, 0n, 1),
  ),
  needing('poll for reading', ['poll_fd_readwrite', 'fd_read'], (guest, { file }) => polled(guest, file, 1)),
  needing('poll for writing', ['poll_fd_readwrite', 'fd_write'], (guest, { file }) => polled(guest, file, 2)),
  needing('fd_readdir', ['fd_readdir'], (guest, { folder }) =>
    guest.call('fd_readdir', folder, AT.buffer, 100, 0n, AT.result),
  ),
  needing('path_create_directory', ['path_create_directory'], (guest, { folder }) =>
    guest.call('path_create_directory', folder, ...guest.path('new')),
  ),
  needing('path_open', ['path_open'], (guest, { folder }) =>
    guest.tryOpen('file', { from: folder, rights: 0n, inheriting: 0n }),
  ),
  needing('path_open that makes it', ['path_open', 'path_create_file'], (guest, { folder }) =>
    guest.tryOpen('new', { from: folder, rights: 0n, inheriting: 0n, flags: OPEN.create }),
  ),
  needing('path_open that empties it', ['path_open', 'path_filestat_set_size'], (guest, { folder }) =>
    guest.tryOpen('file', { from: folder, rights: 0n, inheriting: 0n, flags: OPEN.truncate }),
  ),
  needing('path_open for dsync', ['path_open', 'fd_datasync'], (guest, { folder }) =>
    guest.tryOpen('file', { from: folder, rights: 0n, inheriting: 0n, fdFlags: FLAG.dsync }),
  ),
  needing('path_open for sync', ['path_open', 'fd_sync'], (guest, { folder }) =>
    guest.tryOpen('file', { from: folder, rights: 0n, inheriting: 0n, fdFlags: FLAG.sync }),
  ),
  needing('path_open for rsync', ['path_open', 'fd_sync'], (guest, { folder }) =>
    guest.tryOpen('file', { from: folder, rights: 0n, inheriting: 0n, fdFlags: FLAG.rsync }),
  ),
  needing('path_link from', ['path_link_source'], (guest, { folder }) => {
    const to = other(guest)
    return guest.call('path_link', folder, 0, ...guest.path('file'), to, ...guest.path('new', AT.otherPath))
  }),
  needing('path_link to', ['path_link_target'], (guest, { folder }) =>
    guest.call('path_link', ROOT_FD, 0, ...guest.path('tmp/file'), folder, ...guest.path('new', AT.otherPath)),
  ),
  needing('path_readlink', ['path_readlink'], (guest, { folder }) =>
    guest.call('path_readlink', folder, ...guest.path('link'), AT.buffer, 10, AT.result),
  ),
  needing('path_rename from', ['path_rename_source'], (guest, { folder }) =>
    guest.call('path_rename', folder, ...guest.path('file'), ROOT_FD, ...guest.path('tmp/new', AT.otherPath)),
  ),
  needing('path_rename to', ['path_rename_target'], (guest, { folder }) =>
    guest.call('path_rename', ROOT_FD, ...guest.path('tmp/file'), folder, ...guest.path('new', AT.otherPath)),
  ),
  needing('path_filestat_get', ['path_filestat_get'], (guest, { folder }) =>
    guest.call('path_filestat_get', folder, 0, ...guest.path('file'), AT.buffer),
  ),
  needing('path_filestat_set_times', ['path_filestat_set_times'], (guest, { folder }) =>
    guest.call('path_filestat_set_times', folder, 0, ...guest.path('file'), 0n, 0n, 1),
  ),
  needing('path_symlink', ['path_symlink'], (guest, { folder }) =>
    guest.call('path_symlink', ...guest.path('x', AT.otherPath), folder, ...guest.path('new')),
  ),
  needing('path_remove_directory', ['path_remove_directory'], (guest, { folder }) =>
    guest.call('path_remove_directory', folder, ...guest.path('other')),
  ),
  needing('path_unlink_file', ['path_unlink_file'], (guest, { folder }) =>
    guest.call('path_unlink_file', folder, ...guest.path('file')),
  ),
]

function withRights(given: bigint): {
  readonly guest: Preview1Guest
  readonly opened: { file: number; folder: number }
} {
  const guest = preview1Guest()
  guest.must('fd_close', guest.open('tmp/file', { flags: OPEN.create }))
  guest.must('path_create_directory', ROOT_FD, ...guest.path('tmp/other'))
  guest.must('path_symlink', ...guest.path('file', AT.otherPath), ROOT_FD, ...guest.path('tmp/link'))
  const opened = {
    file: guest.open('tmp/file', { rights: given & APPLICABLE.file }),
    folder: guest.open('tmp', { flags: OPEN.directory, rights: given & APPLICABLE.directory, inheriting: 0n }),
  }
  return { guest, opened }
}

describe('WASI preview 1: what each right is for', () => {
  for (const { what, rights: names, act } of NEEDING) {
    it(`${what} takes ${names.join(' and ')}, and nothing else`, () => {
      const enough = withRights(rights(...names))
      assert.equal(act(enough.guest, enough.opened), 0)
      for (const name of names) {
        const { guest, opened } = withRights(
          ALL_RIGHTS &
            ~RIGHT[name] &
            ~(name === 'fd_tell' ? RIGHT.fd_seek : 0n) &
            ~(name === 'fd_datasync' && what.includes('dsync') ? RIGHT.fd_sync : 0n),
        )
        assert.equal(act(guest, opened), ERRNO.notcapable, `without ${name}`)
      }
    })
  }

  it('has a case for every right but those of sockets, which no descriptor has', () => {
    const told = new Set<string>(NEEDING.flatMap(({ rights: names }) => names))
    assert.deepEqual(
      Object.keys(RIGHT).filter((name) => !told.has(name)),
      ['sock_shutdown', 'sock_accept'],
    )
    for (const held of Object.values(APPLICABLE)) assert.equal(held & rights('sock_shutdown', 'sock_accept'), 0n)
  })

  it('the right to seek is also the right to tell, and that to sync data is part of that to sync', () => {
    const seeking = withRights(RIGHT.fd_seek)
    assert.equal(seeking.guest.call('fd_tell', seeking.opened.file, AT.result), 0)
    const syncing = withRights(rights('path_open', 'fd_sync'))
    assert.equal(
      syncing.guest.tryOpen('file', { from: syncing.opened.folder, rights: 0n, inheriting: 0n, fdFlags: FLAG.dsync }),
      0,
    )
  })

  it('a descriptor gets what it asks for of what its folder may pass on, and never more', () => {
    const guest = preview1Guest()
    guest.must('fd_close', guest.open('tmp/file', { flags: OPEN.create }))
    const inheriting = rights('fd_read', 'fd_seek', 'path_open')
    const folder = guest.open('tmp', { flags: OPEN.directory, rights: rights('path_open'), inheriting })
    assert.equal(guest.tryOpen('file', { from: folder, rights: rights('fd_write'), inheriting: 0n }), ERRNO.notcapable)
    assert.equal(guest.tryOpen('.', { from: folder, rights: 0n, inheriting: rights('fd_write') }), ERRNO.notcapable)
    const file = guest.open('file', { from: folder, rights: rights('fd_read', 'fd_readdir'), inheriting: ALL_RIGHTS })
    guest.must('fd_fdstat_get', file, AT.buffer)
    assert.equal(
      guest.view.getBigUint64(AT.buffer + 8, true),
      rights('fd_read'),
      'what means nothing for a file is left out',
    )
    assert.equal(guest.view.getBigUint64(AT.buffer + 16, true), 0n)
  })

  it('rights that are given up are gone', () => {
    const { guest, opened } = withRights(ALL_RIGHTS)
    guest.must('fd_fdstat_set_rights', opened.file, rights('fd_read'), 0n)
    assert.equal(guest.write(opened.file, 'x'), ERRNO.notcapable)
    assert.equal(guest.call('fd_fdstat_set_rights', opened.file, rights('fd_read', 'fd_write'), 0n), ERRNO.notcapable)
  })
})
