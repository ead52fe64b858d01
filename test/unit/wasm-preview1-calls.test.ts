import assert from 'node:assert/strict'
import { VIRTUAL_START_NS, VIRTUAL_STEP_NS, realClock, virtualClock } from '../../src/executors/wasm/host/clocks.ts'
import { FLAG } from '../../src/executors/wasm/host/descriptors.ts'
import { ERRNO } from '../../src/executors/wasm/host/errno.ts'
import { GuestExit } from '../../src/executors/wasm/host/guest-exit.ts'
import { seededRandom, systemRandom } from '../../src/executors/wasm/host/random.ts'
import type { StreamPort } from '../../src/executors/wasm/host/streams.ts'
import { ALL_RIGHTS, AT, FOLLOW, OPEN, preview1Guest, ROOT_FD, type Preview1Guest } from '../fixtures/preview1-guest.ts'

const CREATE = { flags: OPEN.create }
const FILE_TYPE = { directory: 3, file: 4, symlink: 7 } as const

interface Entry {
  readonly name: string
  readonly cookie: bigint
  readonly type: number
}

/** What `fd_readdir` gives from a cookie on; entries that are cut off are left out. */
function list(
  guest: Preview1Guest,
  fd: number,
  { cookie = 0n, bytes = 4000 }: { cookie?: bigint; bytes?: number } = {},
): Entry[] {
  guest.must('fd_readdir', fd, AT.buffer, bytes, cookie, AT.result)
  const end = AT.buffer + guest.result()
  const entries: Entry[] = []
  for (let at: number = AT.buffer; at + 24 <= end;) {
    const length = guest.view.getUint32(at + 16, true)
    if (at + 24 + length > end) break
    const name = Buffer.from(guest.bytes.slice(at + 24, at + 24 + length)).toString()
    entries.push({ name, cookie: guest.view.getBigUint64(at, true), type: guest.view.getUint8(at + 20) })
    at += 24 + length
  }
  return entries
}

const symlink = (guest: Preview1Guest, target: string, path: string): void =>
  guest.must('path_symlink', ...guest.path(target, AT.otherPath), ROOT_FD, ...guest.path(path))
const link = (guest: Preview1Guest, from: string, to: string): void =>
  guest.must('path_link', ROOT_FD, 0, ...guest.path(from), ROOT_FD, ...guest.path(to, AT.otherPath))
const unlink = (guest: Preview1Guest, path: string): void =>
  guest.must('path_unlink_file', ROOT_FD, ...guest.path(path))

function read(guest: Preview1Guest, fd: number): string {
  guest.must('fd_read', fd, ...guest.iovecs(100), AT.result)
  return Buffer.from(guest.bytes.slice(AT.buffer, AT.buffer + guest.result())).toString()
}

interface Stat {
  readonly inode: bigint
  readonly type: number
  readonly links: bigint
  readonly size: bigint
  readonly modifiedNs: bigint
}
function stat(guest: Preview1Guest, path: string, flags = 0): Stat {
  guest.must('path_filestat_get', ROOT_FD, flags, ...guest.path(path), AT.buffer)
  const { view } = guest
  return {
    inode: view.getBigUint64(AT.buffer + 8, true),
    type: view.getUint8(AT.buffer + 16),
    links: view.getBigUint64(AT.buffer + 24, true),
    size: view.getBigUint64(AT.buffer + 32, true),
    modifiedNs: view.getBigUint64(AT.buffer + 48, true),
  }
}

/** A standard input that gives these pieces, one at a time. */
function pieces(...texts: readonly string[]): StreamPort {
  const left = texts.map((text) => Buffer.from(text))
  return {
    read(target) {
      const piece = left.shift() ?? Buffer.alloc(0)
      piece.copy(target)
      if (piece.length > target.length) left.unshift(piece.subarray(target.length))
      return Math.min(piece.length, target.length)
    },
    write() {},
  }
}

describe('WASI preview 1: what each call does', () => {
  it('follows symbolic links to files and folders, and reads where they lead', () => {
    const guest = preview1Guest()
    const fd = guest.open('tmp/file', CREATE)
    guest.write(fd, 'content')
    symlink(guest, 'file', 'tmp/link')
    symlink(guest, 'tmp', 'folder')
    symlink(guest, '../tmp/./link', 'tmp/again')
    for (const path of ['tmp/link', 'folder/file', 'folder/link', 'tmp/again', 'folder/again'])
      assert.equal(read(guest, guest.open(path, { lookup: FOLLOW })), 'content', path)
    assert.equal(stat(guest, 'tmp/link').type, FILE_TYPE.symlink)
    assert.equal(stat(guest, 'tmp/link').size, 4n)
    assert.equal(stat(guest, 'tmp/link', FOLLOW).type, FILE_TYPE.file)
    assert.equal(stat(guest, 'folder/').type, FILE_TYPE.directory, 'a slash goes through a link')
    guest.must('path_readlink', ROOT_FD, ...guest.path('tmp/again'), AT.buffer, 6, AT.result)
    assert.equal(Buffer.from(guest.bytes.slice(AT.buffer, AT.buffer + guest.result())).toString(), '../tmp')
  })

  it('makes what a link that leads nowhere points to, and goes through forty links and no more', () => {
    const guest = preview1Guest()
    symlink(guest, 'made', 'tmp/dangling')
    guest.open('tmp/dangling', { ...CREATE, lookup: FOLLOW })
    assert.equal(stat(guest, 'tmp/made').type, FILE_TYPE.file)
    let last = 'made'
    for (let index = 1; index <= 41; index += 1) {
      symlink(guest, last, `tmp/${index}`)
      last = String(index)
    }
    assert.equal(guest.tryOpen('tmp/40', { lookup: FOLLOW }), 0)
    assert.equal(guest.tryOpen('tmp/41', { lookup: FOLLOW }), ERRNO.loop)
  })

  it('never goes above the folder that a path starts from, by no link and no folder that was moved', () => {
    const guest = preview1Guest()
    for (const name of ['a', 'a/b', 'a/b/c']) guest.must('path_create_directory', ROOT_FD, ...guest.path(name))
    symlink(guest, '../..', 'a/b/up')
    const inner = guest.open('a/b', { flags: OPEN.directory, rights: ALL_RIGHTS & ~(1n << 6n) })
    assert.equal(guest.tryOpen('up', { from: inner, lookup: FOLLOW }), ERRNO.notcapable)
    assert.equal(guest.tryOpen('c/../../b', { from: inner }), ERRNO.notcapable)
    assert.equal(guest.tryOpen('a/b/up/in/book', { rights: 2n, lookup: FOLLOW }), 0, 'from the root it stays inside')
    guest.must('path_rename', ROOT_FD, ...guest.path('a/b'), ROOT_FD, ...guest.path('tmp/b', AT.otherPath))
    assert.equal(guest.tryOpen('..', { from: inner }), ERRNO.notcapable)
    assert.equal(guest.tryOpen('c', { from: inner, rights: 0n }), 0)
  })

  it('gives a file several names, and frees it with the last and the last descriptor', () => {
    const guest = preview1Guest()
    const free = guest.budget.leftBytes
    const fd = guest.open('tmp/a', CREATE)
    guest.write(fd, 'shared')
    link(guest, 'tmp/a', 'tmp/b')
    assert.equal(stat(guest, 'tmp/b').links, 2n)
    assert.equal(stat(guest, 'tmp/b').inode, stat(guest, 'tmp/a').inode)
    guest.must('path_rename', ROOT_FD, ...guest.path('tmp/a'), ROOT_FD, ...guest.path('tmp/b', AT.otherPath))
    assert.equal(stat(guest, 'tmp/a').links, 2n, 'two names of one file both stay')
    unlink(guest, 'tmp/a')
    assert.equal(read(guest, guest.open('tmp/b')), 'shared')
    unlink(guest, 'tmp/b')
    assert.equal(guest.budget.leftBytes, free - 'shared'.length)
    guest.must('fd_close', fd)
    guest.must('fd_close', fd + 1)
    assert.equal(guest.budget.leftBytes, free)
  })

  it('counts what links hold, and each name, and gives all of it back', () => {
    const guest = preview1Guest({ limits: { inodes: 3 } })
    const free = guest.budget.leftBytes
    symlink(guest, 'four', 'tmp/l')
    assert.equal(guest.budget.leftBytes, free - 5)
    link(guest, 'tmp/l', 'tmp/m')
    link(guest, 'tmp/l', 'tmp/n')
    assert.equal(guest.tryOpen('tmp/o', CREATE), ERRNO.nospc)
    assert.deepEqual([...guest.quota.hit], ['inodes'])
    for (const name of ['l', 'm', 'n']) unlink(guest, `tmp/${name}`)
    assert.equal(guest.budget.leftBytes, free)
    guest.open('tmp/o', CREATE)
  })

  it('takes every name for itself: none is that of a prototype', () => {
    const guest = preview1Guest()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      assert.equal(guest.tryOpen(name), ERRNO.noent, name)
      guest.open(name, CREATE)
      assert.equal(stat(guest, name).type, FILE_TYPE.file)
    }
    assert.equal(Object.hasOwn(Object.prototype, 'inode'), false)
  })

  it('keeps the cookies of a folder while its entries change', () => {
    const guest = preview1Guest()
    for (let index = 0; index < 50; index += 1) guest.must('fd_close', guest.open(`tmp/${index}`, CREATE))
    const tmp = guest.open('tmp', { flags: OPEN.directory, rights: ALL_RIGHTS & ~(1n << 6n) })
    const seen: string[] = []
    let cookie = 0n
    for (;;) {
      const entries = list(guest, tmp, { cookie, bytes: 200 })
      const last = entries.at(-1)
      if (last === undefined) break
      seen.push(...entries.map(({ name }) => name))
      ;({ cookie } = last)
      // What was listed goes, as does one that is still to come; others come.
      for (const { name, type } of entries) if (type === FILE_TYPE.file) unlink(guest, `tmp/${name}`)
      if (seen.length < 10) unlink(guest, 'tmp/49')
      if (seen.length < 10) guest.must('fd_close', guest.open('tmp/late', CREATE))
    }
    const expected = Array.from({ length: 49 }, (_, index) => String(index))
    assert.deepEqual(seen, ['.', '..', ...expected, 'late'])
  })

  it('appends, seeks past the end, cuts off, and pads with zeros', () => {
    const guest = preview1Guest()
    const fd = guest.open('tmp/file', { ...CREATE, fdFlags: FLAG.append })
    guest.write(fd, 'one')
    guest.must('fd_seek', fd, 0n, 0, AT.result)
    guest.write(fd, 'two')
    guest.must('fd_fdstat_set_flags', fd, 0)
    guest.must('fd_seek', fd, 8n, 0, AT.result)
    guest.write(fd, '!')
    guest.must('fd_seek', fd, 0n, 0, AT.result)
    assert.equal(read(guest, fd), 'onetwo\0\0!')
    guest.must('fd_filestat_set_size', fd, 2n)
    guest.must('fd_seek', fd, 0n, 0, AT.result)
    assert.equal(read(guest, fd), 'on')
    guest.open('tmp/file', { flags: OPEN.truncate })
    assert.equal(stat(guest, 'tmp/file').size, 0n)
  })

  it('sets the times of a file, or of the link to it', () => {
    const guest = preview1Guest()
    guest.open('tmp/file', CREATE)
    symlink(guest, 'file', 'tmp/link')
    const times = (path: string, flags: number): void =>
      guest.must('path_filestat_set_times', ROOT_FD, flags, ...guest.path(path), 5n, 7n, 5)
    times('tmp/link', 0)
    assert.equal(stat(guest, 'tmp/link').modifiedNs, 7n)
    assert.ok(stat(guest, 'tmp/file').modifiedNs > VIRTUAL_START_NS)
    times('tmp/link', FOLLOW)
    assert.equal(stat(guest, 'tmp/file').modifiedNs, 7n)
  })

  it('gives arguments and variables as C has them', () => {
    const guest = preview1Guest()
    guest.must('args_sizes_get', AT.result, AT.result + 4)
    assert.deepEqual([guest.result(), guest.view.getUint32(AT.result + 4, true)], [2, 9])
    guest.must('args_get', AT.result, AT.buffer)
    assert.equal(Buffer.from(guest.bytes.slice(AT.buffer, AT.buffer + 9)).toString(), 'name\0one\0')
    assert.deepEqual([guest.result(), guest.view.getUint32(AT.result + 4, true)], [AT.buffer, AT.buffer + 5])
    guest.must('environ_get', AT.result, AT.buffer)
    assert.equal(Buffer.from(guest.bytes.slice(AT.buffer, AT.buffer + 11)).toString(), 'NAME=value\0')
  })

  it('ends the guest at proc_exit, and at the limit on output with what fits', () => {
    const said: string[] = []
    const port: StreamPort = {
      read: () => 0,
      write: (_kind, content) => void said.push(Buffer.from(content).toString()),
    }
    const guest = preview1Guest({ port, outputBytes: 4 })
    assert.throws(
      () => guest.call('proc_exit', -1),
      (error) => error instanceof GuestExit && error.reason.kind === 'exited' && error.reason.code === 0xffff_ffff,
    )
    assert.equal(guest.write(1, 'abc'), 0)
    assert.throws(
      () => guest.write(2, 'def'),
      (error) => error instanceof GuestExit && error.reason.kind === 'output',
    )
    assert.deepEqual(said, ['abc', 'd'])
  })

  it('reads what standard input has; where runs have to be the same, all that there is room for', () => {
    const once = preview1Guest({ port: pieces('abc', 'defg', 'h') })
    assert.deepEqual([read(once, 0), read(once, 0), read(once, 0), read(once, 0)], ['abc', 'defg', 'h', ''])
    const whole = preview1Guest({ port: pieces('abc', 'defg', 'h'), wholeReads: true })
    const reads = [[2, 4], [5], [5]].map((lengths) => {
      whole.must('fd_read', 0, ...whole.iovecs(...lengths), AT.result)
      return Buffer.from(whole.bytes.slice(AT.buffer, AT.buffer + whole.result())).toString()
    })
    assert.deepEqual(reads, ['abcdef', 'gh', ''])
  })

  it('renumbers a descriptor over another, which is closed', () => {
    const guest = preview1Guest()
    const from = guest.open('tmp/a', CREATE)
    const to = guest.open('tmp/b', CREATE)
    guest.must('fd_renumber', from, to)
    assert.equal(guest.call('fd_close', from), ERRNO.badf)
    guest.write(to, 'x')
    assert.equal(stat(guest, 'tmp/a').size, 1n)
    assert.equal(guest.open('tmp/b'), from, 'the lowest number that is free')
  })
})

describe('time and random numbers of a task', () => {
  it('a virtual clock starts where all do, moves with each look at it, and sleeps in no time', () => {
    const clock = virtualClock()
    assert.equal(clock.realtimeNs(), VIRTUAL_START_NS + VIRTUAL_STEP_NS)
    assert.equal(clock.monotonicNs(), 2n * VIRTUAL_STEP_NS)
    assert.equal(clock.cpuNs(), 3n * VIRTUAL_STEP_NS)
    clock.sleepUntil(10n ** 18n)
    assert.equal(clock.monotonicNs(), 10n ** 18n + VIRTUAL_STEP_NS)
    clock.sleepUntil(5n)
    assert.equal(clock.monotonicNs(), 10n ** 18n + 2n * VIRTUAL_STEP_NS, 'it never goes back')
    clock.sleepUntil(2n ** 70n)
    assert.ok(clock.realtimeNs() < 2n ** 64n)
  })

  it('a real clock is that of this machine, and waits', () => {
    const clock = realClock()
    assert.ok(Math.abs(Number(clock.realtimeNs() / 1_000_000n) - Date.now()) < 1000)
    const before = process.hrtime.bigint()
    const cpu = clock.cpuNs()
    clock.sleepUntil(clock.monotonicNs() + 20_000_000n)
    assert.ok(process.hrtime.bigint() - before >= 20_000_000n)
    assert.ok(clock.cpuNs() >= cpu)
  })

  it('polls wake at the first time that is due, and tell what is wrong with one of them in its event', () => {
    const guest = preview1Guest()
    const subscribe = (
      index: number,
      given: { type: number; id: number; timeoutNs?: bigint; flags?: number },
    ): void => {
      const at = AT.buffer + index * 48
      guest.bytes.fill(0, at, at + 48)
      guest.view.setBigUint64(at, BigInt(index), true)
      guest.view.setUint8(at + 8, given.type)
      guest.view.setUint32(at + 16, given.id, true)
      guest.view.setBigUint64(at + 24, given.timeoutNs ?? 0n, true)
      guest.view.setUint16(at + 40, given.flags ?? 0, true)
    }
    const poll = (count: number): [bigint, number][] => {
      guest.must('poll_oneoff', AT.buffer, AT.otherPath, count, AT.result)
      return Array.from({ length: guest.result() }, (_, index) => [
        guest.view.getBigUint64(AT.otherPath + index * 32, true),
        guest.view.getUint16(AT.otherPath + index * 32 + 8, true),
      ])
    }
    subscribe(0, { type: 0, id: 1, timeoutNs: 10n ** 12n })
    subscribe(1, { type: 0, id: 0, timeoutNs: VIRTUAL_START_NS + 10n ** 9n, flags: 1 })
    assert.deepEqual(poll(2), [[1n, 0]])
    subscribe(2, { type: 0, id: 7 })
    subscribe(3, { type: 1, id: 1 })
    subscribe(4, { type: 2, id: 1 })
    subscribe(5, { type: 1, id: 99 })
    subscribe(6, { type: 0, id: 0, flags: 2 })
    assert.deepEqual(poll(7), [
      [2n, ERRNO.inval],
      [3n, ERRNO.notcapable],
      [4n, 0],
      [5n, ERRNO.badf],
      [6n, ERRNO.inval],
      [1n, 0],
    ])
  })

  it('a seed gives the key stream of ChaCha20, in whatever pieces it is asked for', () => {
    const seed = '00'.repeat(32)
    const whole = new Uint8Array(200_000)
    seededRandom(seed).fill(whole)
    // RFC 8439, appendix A.1, test vector 1.
    assert.equal(Buffer.from(whole.subarray(0, 16)).toString('hex'), '76b8e0ada0f13d90405d6ae55386bd28')
    const parts = seededRandom(seed)
    const pieced = Buffer.concat(
      [1, 63, 70_000, 0, 129_936].map((length) => {
        const part = new Uint8Array(length)
        parts.fill(part)
        return part
      }),
    )
    assert.ok(pieced.equals(whole))
    assert.throws(() => seededRandom('00'), /64 hex digits/)
  })

  it('other random numbers are those of the system', () => {
    const [one, other] = [new Uint8Array(32), new Uint8Array(32)]
    systemRandom.fill(one)
    systemRandom.fill(other)
    assert.notDeepEqual(one, other)
  })
})
