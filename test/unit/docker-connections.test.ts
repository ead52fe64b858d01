import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { EngineTimeout } from '../../src/executors/docker/engine-errors.ts'
import { watchEngine } from '../../src/executors/docker/engine-watch.ts'
import { openInitChannel, SOCKET_NAME, type InitChannel } from '../../src/executors/docker/init-channel.ts'
import { MAX_BODY_BYTES, SECRET_BYTES, WINDOW_BYTES, type InitOrder } from '../../src/executors/docker/init-frames.ts'
import type { Presence } from '../../src/executors/executor.ts'
import { settled } from '../conformance/leftovers.ts'

const SECRET = Buffer.alloc(SECRET_BYTES, 7)

/** What init says of itself. */
function hello({ secret = Buffer.alloc(SECRET_BYTES), phase = 0, stdinTaken = 0 } = {}): Buffer {
  const body = Buffer.alloc(62)
  secret.copy(body)
  body[32] = phase
  body.writeBigUInt64LE(BigInt(stdinTaken), 49)
  return frame('R', body)
}

function frame(letter: string, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(5, letter, 'latin1')
  header.writeUInt32LE(body.length, 1)
  return Buffer.concat([header, body])
}

const ORDER: InitOrder = {
  secret: SECRET,
  wallTimeMs: 1000,
  reattachMs: 0,
  openFiles: 64,
  fileBytes: 4096,
  command: ['/bin/true'],
  env: { A: 'b' },
}

describe('the connection to the first process of a container', () => {
  let dir: string
  let channel: InitChannel

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-control-'))
    channel = await openInitChannel({ dir })
  })
  afterEach(async () => {
    channel.close()
    await settled('the socket', async () => (await readdir(dir)).join(), '')
    await rm(dir, { recursive: true })
  })

  const asInit = async (greeting?: Buffer): Promise<Socket> => {
    const socket = connect(join(dir, SOCKET_NAME))
    await once(socket, 'connect')
    if (greeting !== undefined) socket.write(greeting)
    return socket
  }
  /** The next bytes from the node, all that come together. */
  const heard = async (socket: Socket): Promise<Buffer> => ((await once(socket, 'data')) as [Buffer])[0]

  it('gives the order, passes streams on in both directions, and hears how it went', async () => {
    const init = await asInit(hello())
    assert.equal((await channel.ready).phase, 'waits')
    const going = channel.go(ORDER)
    const order = await heard(init)
    assert.deepEqual(order.subarray(5, 5 + SECRET_BYTES), SECRET)
    assert.equal(String(order.subarray(-14)), '/bin/true\0A=b\0')
    init.write(frame('S'))
    assert.equal(await going, undefined)
    channel.stdin.write('in')
    assert.deepEqual(await heard(init), frame('I', Buffer.from('in')))
    const both = Buffer.concat([frame('O', Buffer.from('out')), frame('P', Buffer.from('err'))])
    init.write(both.subarray(0, 7))
    init.write(both.subarray(7))
    channel.kill()
    assert.deepEqual(await heard(init), frame('K'))
    init.write(frame('E', Buffer.from([9, 0, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0])))
    assert.deepEqual(await channel.ended, { kind: 'ended', status: 9, timedOut: false, wallTimeMs: 263 })
    init.write(frame('F'))
    assert.deepEqual(await Promise.all([channel.stdout, channel.stderr].map(text)), ['out', 'err'])
    assert.equal(channel.isComplete(), true)
    const quit = heard(init)
    channel.close()
    assert.deepEqual(await quit, frame('Q'))
  })

  it('acknowledges what was kept, and gives no more input than init has room for', async () => {
    const init = await asInit(hello())
    await channel.ready
    channel.kept('stdout', 40_000)
    channel.kept('stderr', 40_000)
    const acknowledged: Buffer[] = []
    init.on('data', (chunk: Buffer) => acknowledged.push(chunk))
    channel.stdin.end(Buffer.alloc(WINDOW_BYTES + 10))
    const bytes = (): number => Buffer.concat(acknowledged).length
    const acknowledgements = 2 * (5 + 16)
    const window = WINDOW_BYTES + (WINDOW_BYTES / MAX_BODY_BYTES) * 5
    await settled('what init is sent', async () => String(bytes()), String(acknowledgements + window))
    init.write(frame('W', Buffer.from([16, 0, 0, 0, 0, 0, 0, 0])))
    await settled('what init is sent', async () => String(bytes()), String(acknowledgements + window + 15 + 5))
    assert.deepEqual(Buffer.concat(acknowledged).subarray(-5), frame('Z'))
    init.destroy()
  })

  it('tells the errno of a program that could not be executed', async () => {
    const init = await asInit(hello())
    await channel.ready
    init.write(frame('X', Buffer.from([2, 0, 0, 0])))
    assert.equal(await channel.go(ORDER), 2)
    init.destroy()
  })

  it('is one: nobody connects after init', async () => {
    const init = await asInit(hello())
    await channel.ready
    const [error] = (await once(connect(join(dir, SOCKET_NAME)), 'error')) as [NodeJS.ErrnoException]
    assert.match(error.code ?? '', /ECONNREFUSED|ENOENT/)
    init.destroy()
  })

  it('rejects what is waited for when init goes away, or says what it never says', async () => {
    const init = await asInit(hello())
    await channel.ready
    init.write('?????')
    await assert.rejects(channel.ended, /unknown kind 63/)
    await assert.rejects(channel.go(ORDER), /unknown kind 63/)
    assert.equal(await text(channel.stdout), '')
    assert.equal(channel.isComplete(), false)
  })

  it('is made in folders whose path is longer than that of a socket may be', async () => {
    const deep = join(dir, 'x'.repeat(120))
    await mkdir(deep)
    const far = await openInitChannel({ dir: deep })
    assert.deepEqual(await readdir(deep), [SOCKET_NAME])
    far.close()
    await settled('the socket', async () => (await readdir(deep)).join(), '')
    await rm(deep, { recursive: true })
  })
})

describe('the connection to a first process that had another node before', () => {
  let dir: string
  let channel: InitChannel

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-control-'))
    channel = await openInitChannel({ dir, secret: SECRET })
  })
  afterEach(async () => {
    channel.leave()
    await settled('the socket', async () => (await readdir(dir)).join(), '')
    await rm(dir, { recursive: true })
  })

  const comes = async (greeting: Buffer): Promise<Socket> => {
    const socket = connect(join(dir, SOCKET_NAME))
    await once(socket, 'connect')
    socket.write(greeting)
    return socket
  }

  it('hangs up on whoever does not know the secret, and waits for the one who does', async () => {
    const guesses = [
      hello({ phase: 1 }),
      hello({ secret: Buffer.alloc(SECRET_BYTES, 8), phase: 1 }),
      frame('S'),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.concat([hello({ secret: SECRET, phase: 1 }), frame('S')]),
    ]
    for (const guess of guesses) {
      const stranger = await comes(guess)
      stranger.resume()
      await once(stranger, 'close')
    }
    const silent = await comes(Buffer.alloc(0))
    const hungUp = once(silent.resume(), 'close')
    const init = await comes(hello({ secret: SECRET, phase: 1, stdinTaken: 3 }))
    const { phase } = await channel.ready
    assert.equal(phase, 'runs')
    await hungUp
    channel.resume({ stdout: 5, stderr: 6 })
    const had = Buffer.alloc(16)
    had.writeBigUInt64LE(5n, 0)
    had.writeBigUInt64LE(6n, 8)
    assert.deepEqual(((await once(init, 'data')) as [Buffer])[0], frame('C', had))
    channel.stdin.write('abcdef')
    assert.deepEqual(((await once(init, 'data')) as [Buffer])[0], frame('I', Buffer.from('def')))
    const ended = once(init, 'close')
    channel.leave()
    await ended
  })
})

describe('watching an engine', () => {
  it('tells of each change once, and says why', async () => {
    let answers = true
    let backs = 0
    const seen: Presence[] = []
    const watch = watchEngine({
      engine: {
        socketPath: '/nowhere',
        ping: async () => {
          if (!answers) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
        },
      },
      onBack: () => {
        backs += 1
      },
    })
    const stop = watch.listen((presence) => seen.push(presence))
    await watch.look()
    answers = false
    await Promise.all([watch.look(), watch.look()])
    await watch.look()
    assert.equal(watch.state.present, false)
    answers = true
    await watch.look()
    stop()
    answers = false
    await watch.look()
    watch.close()
    assert.deepEqual(seen, [
      { present: false, why: 'no engine answers on /nowhere; start it (systemctl start docker).' },
      { present: true },
    ])
    assert.equal(backs, 1)
  })

  it('asks one that is slow again before it calls it gone, and with it the tasks that run', async () => {
    let unanswered = 0
    const watch = watchEngine({
      engine: {
        socketPath: '/nowhere',
        ping: async () => {
          unanswered -= 1
          if (unanswered >= 0) throw new EngineTimeout('no answer within 5 s')
        },
      },
      onBack: () => {},
    })
    unanswered = 2
    assert.deepEqual(await watch.look(), { present: true })
    unanswered = 3
    const gone = await watch.look()
    assert.ok(!gone.present)
    assert.match(gone.why, /does not answer: no answer within 5 s/)
    // Then one look is one question again.
    unanswered = 2
    assert.equal((await watch.look()).present, false)
    assert.equal(unanswered, 1)
    watch.close()
  })
})
