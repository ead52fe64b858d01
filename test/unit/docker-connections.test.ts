import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchEngine } from '../../src/executors/docker/engine-watch.ts'
import { openInitControl, type InitControl } from '../../src/executors/docker/init-control.ts'
import type { Presence } from '../../src/executors/executor.ts'
import { settled } from '../conformance/leftovers.ts'

describe('the connection to the first process of a container', () => {
  let dir: string
  let control: InitControl

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-control-'))
    control = await openInitControl(dir)
  })
  afterEach(async () => {
    control.close()
    await settled('the socket', async () => (await readdir(dir)).join(), '')
    await rm(dir, { recursive: true })
  })

  const asInit = async (): Promise<Socket> => {
    const socket = connect(control.socketPath)
    await once(socket, 'connect')
    return socket
  }

  it('gives the word, and hears how it went', async () => {
    const init = await asInit()
    init.write('R')
    await control.ready
    const going = control.go()
    assert.equal(String(await once(init, 'data')), 'G')
    init.write('S')
    assert.equal(await going, undefined)
    control.kill()
    assert.equal(String(await once(init, 'data')), 'K')
    init.write(Buffer.from([0x45, 9, 0]))
    init.write(Buffer.from([0, 0]))
    assert.deepEqual(await control.ended, { kind: 'ended', status: 9 })
    control.markEndOfOutput(Buffer.alloc(16, 7))
    const [marked] = (await once(init, 'data')) as [Buffer]
    assert.deepEqual([...marked], [0x44, ...Array.from({ length: 16 }, () => 7)])
    const closed = once(init, 'close')
    init.resume()
    control.close()
    await closed
  })

  it('tells the errno of a program that could not be executed', async () => {
    const init = await asInit()
    init.write(Buffer.from([0x52, 0x58, 2, 0, 0, 0]))
    await control.ready
    assert.equal(await control.go(), 2)
    init.destroy()
  })

  it('is one: nobody connects after init', async () => {
    const init = await asInit()
    init.write('R')
    await control.ready
    const [error] = (await once(connect(control.socketPath), 'error')) as [NodeJS.ErrnoException]
    assert.match(error.code ?? '', /ECONNREFUSED|ENOENT/)
    init.destroy()
  })

  it('rejects what is waited for when init goes away, or says what it never says', async () => {
    const init = await asInit()
    init.write('R')
    await control.ready
    init.write('?')
    await assert.rejects(control.ended, /unknown kind 63/)
    await assert.rejects(control.go(), /unknown kind 63/)
    const other = join(dir, 'other')
    await mkdir(other)
    const second = await openInitControl(other)
    const socket = connect(second.socketPath)
    await once(socket, 'connect')
    socket.destroy()
    await assert.rejects(second.ready, /is gone/)
    second.close()
    await settled('the socket', async () => (await readdir(other)).join(), '')
    await rm(other, { recursive: true })
  })

  it('is made in folders whose path is longer than that of a socket may be', async () => {
    const deep = join(dir, 'x'.repeat(120))
    await mkdir(deep)
    const far = await openInitControl(deep)
    assert.deepEqual(await readdir(deep), ['control'])
    far.close()
    await settled('the socket', async () => (await readdir(deep)).join(), '')
    await rm(deep, { recursive: true })
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
})
