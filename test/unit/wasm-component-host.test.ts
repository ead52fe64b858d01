import assert from 'node:assert/strict'
import { ComponentHost, type Result } from '../../src/executors/wasm/component/component-host.ts'
import { Descriptor } from '../../src/executors/wasm/component/wasi-filesystem.ts'
import { wasiImports, type ComponentImports } from '../../src/executors/wasm/component/wasi-imports.ts'
import {
  InputStream,
  IoError,
  OutputStream,
  Pollable,
  type StreamError,
} from '../../src/executors/wasm/component/wasi-io.ts'
import { WASI_INTERFACES, type ErrorCode } from '../../src/executors/wasm/component/wasi-types.ts'
import { virtualClock, VIRTUAL_START_NS } from '../../src/executors/wasm/host/clocks.ts'
import { FileSystem } from '../../src/executors/wasm/host/file-system.ts'
import { GuestExit } from '../../src/executors/wasm/host/guest-exit.ts'
import { Quota, type QuotaLimits } from '../../src/executors/wasm/host/quota.ts'
import { seededRandom } from '../../src/executors/wasm/host/random.ts'
import { Streams } from '../../src/executors/wasm/host/streams.ts'

type Call = (...values: readonly unknown[]) => unknown
type Tagged = Result<unknown, unknown>

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const FOLLOW = { symlinkFollow: true }
const ITSELF = { symlinkFollow: false }
const OPEN = { create: false, directory: false, exclusive: false, truncate: false }
const FLAGS = {
  read: true,
  write: false,
  fileIntegritySync: false,
  dataIntegritySync: false,
  requestedWriteSync: false,
  mutateDirectory: false,
}
const WRITE = { ...FLAGS, write: true }

function ok<T>(result: Result<T, unknown>): T {
  if (result.tag !== 'ok') assert.fail(`err ${String(result.val)}`)
  return result.val
}
function fails(result: Result<unknown, ErrorCode>, code: ErrorCode): void {
  assert.deepEqual(result, { tag: 'err', val: code })
}
function streamFails(result: Result<unknown, StreamError>, how: ErrorCode | 'closed'): void {
  assert.ok(result.tag === 'err')
  assert.equal(result.val.tag === 'closed' ? 'closed' : result.val.val.toDebugString(), how)
}

describe('WASI 0.2 for components', () => {
  function start(limits: Partial<QuotaLimits & { outputBytes: number }> = {}) {
    const all = { diskBytes: 1000, inodes: 10, openFiles: 8, memoryBytes: 10_000, outputBytes: 100, ...limits }
    const budget = { leftBytes: all.memoryBytes }
    const quota = new Quota(all, budget)
    const clock = virtualClock()
    const fileSystem = new FileSystem(quota, clock)
    const input = Buffer.from('from outside')
    let taken = 0
    const written = { stdout: '', stderr: '' }
    const streams = new Streams({
      port: {
        read(target) {
          const count = input.copy(target, 0, taken)
          taken += count
          return count
        },
        write(kind, content) {
          written[kind] += decode(content)
        },
      },
      outputBytes: all.outputBytes,
    })
    fileSystem.provideFile('/in/book').write(0, encode('a long story'))
    fileSystem.provideDirectory('/out', { readOnly: false })
    const called: string[] = []
    const host = new ComponentHost({
      fileSystem,
      quota,
      budget,
      clock,
      streams,
      random: seededRandom('5e'.repeat(32)),
      args: ['program', '__proto__', ''],
      env: Object.fromEntries([
        ['HOME', '/x'],
        ['__proto__', 'own'],
        ['constructor', 'c'],
      ]),
      workdir: '/work',
      steady: false,
      onCall: () => void called.push('call'),
      onCalled: () => void called.push('called'),
    })
    const imports = wasiImports(host, [{ name: '/', node: fileSystem.root }])
    const call = (from: string, name: string, ...values: readonly unknown[]): unknown =>
      ((imports[from] ?? assert.fail(from))[name] as Call)(...values)
    const [[root]] = call('wasi:filesystem/preopens', 'getDirectories') as [[Descriptor, string]]
    const openFile = (path: string, { flags = WRITE, create = true } = {}): Descriptor =>
      ok(root.openAt(FOLLOW, path, { ...OPEN, create }, flags))
    const printed = (name: 'stdout' | 'stderr'): string => written[name]
    return { host, quota, budget, clock, fileSystem, imports, call, root, openFile, printed, called }
  }

  const camel = (name: string): string =>
    name.replaceAll(/-(?<letter>[a-z])/g, (_, letter: string) => letter.toUpperCase())

  function implemented(imports: ComponentImports, from: string, item: string): boolean {
    const members = imports[from]
    const method = /^\[method\](?<resource>[^.]+)\.(?<name>.+)$/.exec(item)?.groups
    if (method === undefined) return typeof members?.[camel(item)] === 'function'
    const resource = camel(`-${method['resource']}`)
    const made = members?.[resource] as { readonly prototype: Readonly<Record<string, unknown>> } | undefined
    return typeof made?.prototype[camel(method['name'] ?? '')] === 'function'
  }

  it('has every function and resource that a component may import', () => {
    const { imports } = start()
    for (const [from, { resources, functions }] of WASI_INTERFACES) {
      for (const item of Object.keys(functions)) assert.ok(implemented(imports, from, item), `${from} ${item}`)
      for (const resource of resources)
        assert.equal(typeof imports[from]?.[camel(`-${resource}`)], 'function', resource)
    }
    assert.deepEqual(Object.keys(imports).toSorted(), [...WASI_INTERFACES.keys()].toSorted())
  })

  it('lets no name mean anything of the process', () => {
    const { imports } = start()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      assert.equal(imports[name], undefined)
      for (const members of Object.values(imports)) assert.equal(members[name], undefined, name)
    }
    assert.ok(Object.isFrozen(imports) && Object.values(imports).every((members) => Object.isFrozen(members)))
  })

  it('tells arguments, environment and working folder as they are', () => {
    const { call } = start()
    assert.deepEqual(call('wasi:cli/environment', 'getArguments'), ['program', '__proto__', ''])
    assert.deepEqual(call('wasi:cli/environment', 'getEnvironment'), [
      ['HOME', '/x'],
      ['__proto__', 'own'],
      ['constructor', 'c'],
    ])
    assert.equal(call('wasi:cli/environment', 'initialCwd'), '/work')
  })

  it('ends with the code that is asked for', () => {
    for (const [name, status, code] of [
      ['exit', { tag: 'ok' }, 0],
      ['exit', { tag: 'err' }, 1],
      ['exitWithCode', 42, 42],
    ] as const) {
      const { call, host } = start()
      assert.throws(() => call('wasi:cli/exit', name, status), GuestExit)
      assert.deepEqual(host.ended, { kind: 'exited', code })
      assert.equal(host.fault, undefined)
    }
  })

  it('has no terminals', () => {
    const { call } = start()
    for (const which of ['Stdin', 'Stdout', 'Stderr'])
      assert.equal(call(`wasi:cli/terminal-${which.toLowerCase()}`, `getTerminal${which}`), undefined)
  })

  it('reads standard input to its end, and then it is closed', () => {
    const { call } = start()
    const stdin = call('wasi:cli/stdin', 'getStdin') as InputStream
    assert.equal(decode(ok(stdin.read(4n))), 'from')
    assert.equal(ok(stdin.skip(1n)), 1n)
    assert.equal(ok(stdin.blockingSkip(3n)), 3n)
    assert.equal(ok(stdin.read(0n)).length, 0)
    assert.equal(decode(ok(stdin.blockingRead(2n ** 64n - 1n))), 'side')
    streamFails(stdin.read(1n), 'closed')
    assert.ok(stdin.subscribe().ready())
  })

  it('writes to standard output and error up to the limit, where the task ends', () => {
    const { call, printed, host } = start({ outputBytes: 20 })
    const stdout = call('wasi:cli/stdout', 'getStdout') as OutputStream
    const stderr = call('wasi:cli/stderr', 'getStderr') as OutputStream
    assert.ok(ok(stdout.checkWrite()) > 4096n)
    ok(stdout.write(encode('one ')))
    ok(stdout.blockingWriteAndFlush(encode('two')))
    ok(stdout.flush())
    ok(stdout.blockingFlush())
    ok(stdout.writeZeroes(2n))
    ok(stdout.blockingWriteZeroesAndFlush(1n))
    ok(stderr.write(encode('error')))
    assert.ok(stdout.subscribe().ready())
    assert.equal(printed('stdout'), 'one two\0\0\0')
    assert.equal(printed('stderr'), 'error')
    assert.throws(() => stdout.write(encode('more than is left')), GuestExit)
    assert.deepEqual(host.ended, { kind: 'output' })
    assert.equal(printed('stdout').length + printed('stderr').length, 20)
  })

  it('splices from one stream to another', () => {
    const { call, printed } = start()
    const stdin = call('wasi:cli/stdin', 'getStdin') as InputStream
    const stdout = call('wasi:cli/stdout', 'getStdout') as OutputStream
    assert.equal(ok(stdout.splice(stdin, 5n)), 5n)
    assert.equal(ok(stdout.blockingSplice(stdin, 100n)), 7n)
    streamFails(stdout.splice(stdin, 1n), 'closed')
    assert.equal(printed('stdout'), 'from outside')
  })

  it('permits no write of zeroes that it did not permit', () => {
    const { call, host } = start()
    const stdout = call('wasi:cli/stdout', 'getStdout') as OutputStream
    assert.throws(() => stdout.writeZeroes(2n ** 63n), WebAssembly.RuntimeError)
    assert.equal(host.fault, undefined)
  })

  it('has clocks, and waits by them without taking time where they are virtual', () => {
    const { call, clock } = start()
    const monotonic = (name: string, ...values: readonly unknown[]): unknown =>
      call('wasi:clocks/monotonic-clock', name, ...values)
    const first = monotonic('now') as bigint
    assert.ok((monotonic('now') as bigint) > first)
    assert.equal(monotonic('resolution'), clock.resolutionNs)
    const wall = call('wasi:clocks/wall-clock', 'now') as { seconds: bigint; nanoseconds: number }
    assert.equal(wall.seconds, VIRTUAL_START_NS / 1_000_000_000n)
    assert.deepEqual(call('wasi:clocks/wall-clock', 'resolution'), {
      seconds: 0n,
      nanoseconds: Number(clock.resolutionNs),
    })
    const year = 31_536_000_000_000_000n
    const later = monotonic('subscribeDuration', year) as Pollable
    const later2 = monotonic('subscribeInstant', 2n ** 64n - 1n) as Pollable
    assert.ok(!later.ready())
    later.block()
    assert.ok(later.ready())
    assert.ok((monotonic('now') as bigint) >= year)
    assert.ok(!later2.ready())
  })

  it('polls: what is ready, and otherwise what is due first', () => {
    const { call, host } = start()
    const after = (ns: bigint): Pollable => call('wasi:clocks/monotonic-clock', 'subscribeDuration', ns) as Pollable
    const poll = (...pollables: readonly Pollable[]): number[] => [
      ...(call('wasi:io/poll', 'poll', pollables) as Uint32Array),
    ]
    const always = (call('wasi:cli/stdin', 'getStdin') as InputStream).subscribe()
    assert.deepEqual(poll(after(10n ** 12n), always, after(10n ** 12n)), [1])
    assert.deepEqual(poll(after(2n * 10n ** 12n), after(10n ** 12n)), [1])
    assert.throws(() => poll(), WebAssembly.RuntimeError)
    assert.equal(host.fault, undefined)
  })

  it('gives random numbers of any length that there is memory for', () => {
    const { call, quota } = start()
    for (const [from, bytes, number] of [
      ['wasi:random/random', 'getRandomBytes', 'getRandomU64'],
      ['wasi:random/insecure', 'getInsecureRandomBytes', 'getInsecureRandomU64'],
    ] as const) {
      assert.equal((call(from, bytes, 0n) as Uint8Array).length, 0)
      const many = call(from, bytes, 5000n) as Uint8Array
      assert.ok(new Set(many).size > 200)
      assert.notEqual(call(from, number), call(from, number))
      assert.throws(() => call(from, bytes, 2n ** 40n), WebAssembly.RuntimeError)
    }
    const seed = call('wasi:random/insecure-seed', 'insecureSeed') as readonly bigint[]
    assert.equal(seed.length, 2)
    assert.ok(quota.hit.has('memory'))
  })

  it('has a guest that asks for more than can be made trap: its run is not for free', () => {
    const { call, host, quota } = start({ memoryBytes: 2 ** 50 })
    assert.throws(() => call('wasi:random/random', 'getRandomBytes', 2n ** 45n), WebAssembly.RuntimeError)
    quota.hit.clear()
    assert.throws(() => host.call(() => new Uint8Array(Number.MAX_SAFE_INTEGER)), WebAssembly.RuntimeError)
    assert.deepEqual([host.fault, [...quota.hit]], [undefined, ['memory']])
  })

  it('reads and writes files, by place and as streams', () => {
    const { openFile, root } = start()
    const file = openFile('out/file')
    assert.equal(ok(file.write(encode('hello world'), 0n)), 11n)
    assert.deepEqual(ok(file.read(5n, 6n)), [encode('world'), true])
    assert.deepEqual(ok(file.read(5n, 0n)), [encode('hello'), false])
    assert.deepEqual(ok(file.read(5n, 100n)), [new Uint8Array(), true])
    const stream = ok(file.readViaStream(6n))
    assert.equal(decode(ok(stream.read(100n))), 'world')
    streamFails(stream.read(1n), 'closed')
    const writing = ok(file.writeViaStream(0n))
    ok(writing.write(encode('HELLO')))
    ok(writing.write(encode('_')))
    ok(ok(file.appendViaStream()).write(encode('!')))
    assert.equal(decode(ok(file.read(100n, 0n))[0]), 'HELLO_world!')
    ok(file.setSize(5n))
    assert.equal(ok(file.stat()).size, 5n)
    ok(file.sync())
    ok(file.syncData())
    ok(file.advise(0n, 0n, 'normal'))
    assert.deepEqual(ok(file.getFlags()), WRITE)
    assert.equal(ok(file.getType()), 'regular-file')
    fails(file.write(encode('x'), 2n ** 60n), 'invalid')
    fails(file.readViaStream(2n ** 64n - 1n), 'invalid')
    fails(file.readDirectory(), 'not-directory')
    fails(file.openAt(FOLLOW, 'x', OPEN, FLAGS), 'not-directory')
    const reading = openFile('in/book', { flags: FLAGS, create: false })
    fails(reading.write(encode('x'), 0n), 'bad-descriptor')
    fails(reading.writeViaStream(0n), 'bad-descriptor')
    fails(reading.appendViaStream(), 'bad-descriptor')
    fails(reading.setSize(0n), 'bad-descriptor')
    fails(openFile('out/file', { flags: { ...FLAGS, read: false } }).read(1n, 0n), 'bad-descriptor')
    fails(root.read(1n, 0n), 'is-directory')
    fails(root.advise(0n, 0n, 'normal'), 'bad-descriptor')
  })

  it('tells of a file what there is to tell, and sets its times', () => {
    const { openFile, root } = start()
    const file = openFile('out/file')
    const time = (seconds: bigint) => ({ tag: 'timestamp', val: { seconds, nanoseconds: 5 } }) as const
    ok(file.setTimes(time(7n), { tag: 'no-change' }))
    ok(root.setTimesAt(FOLLOW, 'out/file', { tag: 'no-change' }, time(9n)))
    const stat = ok(root.statAt(FOLLOW, 'out/file'))
    assert.deepEqual(stat.dataAccessTimestamp, { seconds: 7n, nanoseconds: 5 })
    assert.deepEqual(stat.dataModificationTimestamp, { seconds: 9n, nanoseconds: 5 })
    assert.deepEqual([stat.type, stat.linkCount, stat.size], ['regular-file', 1n, 0n])
    ok(file.setTimes({ tag: 'now' }, { tag: 'now' }))
    assert.ok(ok(file.stat()).dataAccessTimestamp.seconds > 900_000_000n)
    fails(file.setTimes(time(2n ** 64n - 1n), { tag: 'now' }), 'invalid')
    const odd = { tag: 'timestamp', val: { seconds: 0n, nanoseconds: 4_000_000_000 } } as const
    fails(file.setTimes(odd, odd), 'invalid')
    assert.deepEqual(ok(file.metadataHash()), ok(root.metadataHashAt(FOLLOW, 'out/file')))
    assert.notDeepEqual(ok(file.metadataHash()), ok(root.metadataHash()))
    assert.ok(file.isSameObject(openFile('out/file')))
    assert.ok(!file.isSameObject(root))
  })

  it('makes, lists, links, renames and removes', () => {
    const { openFile, root } = start()
    ok(root.createDirectoryAt('out/folder'))
    const folder = ok(root.openAt(FOLLOW, 'out/folder', { ...OPEN, directory: true }, FLAGS))
    openFile('out/a')
    ok(root.symlinkAt('a', 'out/link'))
    assert.equal(ok(root.readlinkAt('out/link')), 'a')
    assert.equal(ok(root.statAt(ITSELF, 'out/link')).type, 'symbolic-link')
    assert.equal(ok(root.statAt(FOLLOW, 'out/link')).type, 'regular-file')
    ok(root.linkAt(ITSELF, 'out/a', folder, 'second'))
    assert.equal(ok(root.statAt(FOLLOW, 'out/a')).linkCount, 2n)
    ok(root.renameAt('out/a', folder, 'third'))
    const listing = ok(folder.readDirectory())
    const names: string[] = []
    for (let entry = ok(listing.readDirectoryEntry()); entry !== undefined; entry = ok(listing.readDirectoryEntry()))
      names.push(`${entry.name} ${entry.type}`)
    assert.deepEqual(names, ['second regular-file', 'third regular-file'])
    fails(root.removeDirectoryAt('out/folder'), 'not-empty')
    ok(folder.unlinkFileAt('second'))
    ok(folder.unlinkFileAt('third'))
    ok(root.removeDirectoryAt('out/folder'))
    fails(root.readlinkAt('in/book'), 'invalid')
    fails(root.statAt(FOLLOW, 'out/folder'), 'no-entry')
    fails(root.unlinkFileAt('in/book'), 'read-only')
    fails(root.createDirectoryAt('out'), 'exist')
  })

  it('opens as it is asked, and never outside of what is open', () => {
    const { root, openFile } = start()
    fails(root.openAt(FOLLOW, 'out/none', OPEN, FLAGS), 'no-entry')
    fails(root.openAt(FOLLOW, 'in/book', { ...OPEN, create: true, exclusive: true }, FLAGS), 'exist')
    fails(root.openAt(FOLLOW, 'in/book', { ...OPEN, directory: true }, FLAGS), 'not-directory')
    fails(root.openAt(FOLLOW, 'in/book', OPEN, WRITE), 'read-only')
    fails(root.openAt(FOLLOW, 'out', OPEN, WRITE), 'is-directory')
    ok(openFile('out/file').write(encode('text'), 0n))
    assert.equal(ok(ok(root.openAt(FOLLOW, 'out/file', { ...OPEN, truncate: true }, WRITE)).stat()).size, 0n)
    const out = ok(root.openAt(FOLLOW, 'out', OPEN, FLAGS))
    for (const path of ['../in/book', '..', '/in/book', 'x/../../in/book'])
      assert.equal(out.openAt(FOLLOW, path, OPEN, FLAGS).tag, 'err', path)
    fails(out.statAt(FOLLOW, '../in/book'), 'not-permitted')
    fails(out.openAt(FOLLOW, '', OPEN, FLAGS), 'no-entry')
    fails(out.openAt(FOLLOW, 'a\0b', OPEN, FLAGS), 'invalid')
    fails(out.openAt(FOLLOW, '\ud800', OPEN, FLAGS), 'illegal-byte-sequence')
    fails(out.symlinkAt('\udc00', 'link'), 'illegal-byte-sequence')
    fails(out.symlinkAt('a\0', 'link'), 'invalid')
    fails(out.openAt(FOLLOW, 'x'.repeat(5000), OPEN, FLAGS), 'name-too-long')
    ok(out.symlinkAt('../in/book', 'out-of-here'))
    fails(out.openAt(FOLLOW, 'out-of-here', OPEN, FLAGS), 'not-permitted')
  })

  it('takes names of the language for names of files', () => {
    const { root, openFile } = start()
    for (const name of ['__proto__', 'constructor', 'toString']) {
      fails(root.statAt(FOLLOW, `out/${name}`), 'no-entry')
      ok(openFile(`out/${name}`).write(encode('x'), 0n))
      assert.equal(ok(root.statAt(FOLLOW, `out/${name}`)).size, 1n)
    }
    assert.equal(({} as Record<string, unknown>)['out'], undefined)
  })

  it('holds files to the limits on disk, inodes and open files, and says which was met', () => {
    const { openFile, root, quota } = start({ diskBytes: 10, inodes: 4, openFiles: 5 })
    const file = openFile('out/a')
    assert.equal(ok(file.write(encode('a'.repeat(20)), 0n)), 10n)
    fails(file.write(encode('b'), 10n), 'insufficient-space')
    const stream = ok(file.appendViaStream())
    streamFails(stream.write(encode('b')), 'insufficient-space')
    openFile('out/b')
    // Nothing is made by an open that has no handle left to give.
    fails(root.openAt(FOLLOW, 'out/c', { ...OPEN, create: true }, WRITE), 'quota')
    fails(root.statAt(FOLLOW, 'out/c'), 'no-entry')
    file[Symbol.dispose]()
    ok(openFile('out/c').write(encode(''), 0n))
    ok(root.createDirectoryAt('out/d'))
    fails(root.createDirectoryAt('out/e'), 'insufficient-space')
    assert.deepEqual([...quota.hit].toSorted(), ['disk', 'inodes', 'openFiles'])
  })

  it("keeps an unlinked file until its last handle is dropped, a stream's too", () => {
    const { openFile, root, budget } = start()
    const before = budget.leftBytes
    const file = openFile('out/a')
    ok(file.write(encode('a'.repeat(500)), 0n))
    const stream = ok(file.readViaStream(0n))
    ok(root.unlinkFileAt('out/a'))
    file[Symbol.dispose]()
    assert.equal(ok(stream.read(500n)).length, 500)
    stream[Symbol.dispose]()
    assert.equal(budget.leftBytes, before)
  })

  it('gives errors of streams their code', () => {
    const { openFile, call } = start({ diskBytes: 1 })
    const result = ok(openFile('out/a').writeViaStream(5n)).write(encode('x'))
    assert.ok(result.tag === 'err' && result.val.tag === 'last-operation-failed')
    assert.ok(result.val.val instanceof IoError)
    assert.equal(call('wasi:filesystem/types', 'filesystemErrorCode', result.val.val), 'insufficient-space')
  })

  it('knows a handle that was never given out, or was dropped', () => {
    const { host, root, openFile, call } = start()
    const strangers = [Descriptor, InputStream, OutputStream, Pollable].map(
      (made) => Object.create(made.prototype) as Record<string, Call>,
    )
    const dropped = openFile('out/a')
    dropped[Symbol.dispose]()
    dropped[Symbol.dispose]()
    const uses: (() => unknown)[] = [
      () => strangers[0]?.['stat']?.(),
      () => strangers[1]?.['read']?.(1n),
      () => strangers[2]?.['write']?.(encode('x')),
      () => strangers[2]?.['checkWrite']?.(),
      () => strangers[3]?.['ready']?.(),
      () => call('wasi:io/poll', 'poll', [strangers[3]]),
      () => root.isSameObject(strangers[0] as unknown as Descriptor),
      () => root.renameAt('out/b', strangers[0] as unknown as Descriptor, 'b'),
      () => dropped.stat(),
    ]
    for (const use of uses) assert.throws(use, WebAssembly.RuntimeError)
    assert.equal(host.fault, undefined)
    assert.equal(host.ended, undefined)
  })

  it('bounds how many handles of all kinds there are', () => {
    const { call, quota, host } = start()
    const stdout = call('wasi:cli/stdout', 'getStdout') as OutputStream
    const held: Pollable[] = []
    assert.throws(() => {
      for (;;) held.push(stdout.subscribe())
    }, WebAssembly.RuntimeError)
    assert.ok(held.length > 16_000 && held.length < 16_384)
    held.pop()?.[Symbol.dispose]()
    assert.ok(stdout.subscribe().ready())
    assert.ok(quota.hit.has('openFiles'))
    assert.equal(host.fault, undefined)
  })

  it('asks for fuel before each call, and tells what broke in one', () => {
    const { call, called, host, fileSystem, root } = start()
    called.length = 0
    call('wasi:clocks/monotonic-clock', 'now')
    assert.deepEqual(called, ['call', 'called'])
    Object.defineProperty(fileSystem, 'createDirectory', {
      value: () => {
        throw new TypeError('broken')
      },
    })
    assert.throws(() => root.createDirectoryAt('out/x'), TypeError)
    assert.equal(host.fault?.message, 'broken')
  })

  it('answers every fallible call with a tag, as the generated JavaScript takes it', () => {
    const { root, openFile } = start()
    const answers: Tagged[] = [root.stat(), openFile('out/a').sync(), root.statAt(FOLLOW, 'nowhere')]
    assert.deepEqual(
      answers.map(({ tag }) => tag),
      ['ok', 'ok', 'err'],
    )
  })
})
