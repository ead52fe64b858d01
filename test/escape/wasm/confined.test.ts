import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createConfinement } from '../../../src/native/confinement.ts'
import { startNativeLauncher, type TestLauncher } from '../../fixtures/native-launcher.ts'

/**
 * What JavaScript finds that has got out of the engine, past Node's permission model, and does as it likes in the
 * process: an empty room.
 */
const ESCAPED = `
const fs = require('node:fs'), net = require('node:net'), { spawnSync } = require('node:child_process')
const attempt = (act) => { try { return act() } catch (error) { return error.code ?? error.message } }
const seen = {
  pid: process.pid,
  uid: process.getuid(),
  secret: attempt(() => fs.readFileSync(process.argv[1], 'utf8')),
  shadow: attempt(() => fs.readFileSync('/etc/shadow', 'utf8')),
  rootOfInit: attempt(() => fs.readdirSync('/proc/1/root')),
  processes: fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length,
  kill: attempt(() => process.kill(Number(process.argv[2]), 0)),
  writeRoot: attempt(() => fs.writeFileSync('/usr/bin/planted', '')),
  writeTmp: attempt(() => fs.writeFileSync('/tmp/planted', 'x')),
  mount: spawnSync('/usr/bin/mount', ['-t', 'tmpfs', 'x', '/tmp']).status,
  unshare: spawnSync('/usr/bin/unshare', ['--user', '/usr/bin/true']).status,
  environment: Object.keys(process.env),
  descriptors: fs.readdirSync('/proc/self/fd').map(Number).filter((fd) => attempt(() => fs.readlinkSync('/proc/self/fd/' + fd)).startsWith?.('/')
    && !attempt(() => fs.readlinkSync('/proc/self/fd/' + fd)).startsWith('/proc')),
}
const socket = net.connect(Number(process.argv[3]), '127.0.0.1')
socket.on('connect', () => finish('connected')).on('error', (error) => finish(error.code))
function finish(network) { console.log(JSON.stringify({ ...seen, network })) }
`

describe('a sandbox process that has been taken over', function () {
  this.timeout(60_000)
  let launcher: TestLauncher
  let folder: string

  before(async () => {
    launcher = await startNativeLauncher()
    folder = await mkdtemp(join(tmpdir(), 'souk-secret-'))
  })
  after(async () => {
    await launcher.remove()
    await rm(folder, { recursive: true })
  })

  it('is in an empty room: nothing of the host to read, to reach, to signal or to write', async () => {
    const secret = join(folder, 'secret')
    await writeFile(secret, 'the node’s key', { mode: 0o644 })
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { launcher: privileged } = launcher
      const confinement = createConfinement({
        launcher: privileged,
        hello: await privileged.hello(),
        uid: 65_534,
        gid: 65_534,
      })
      const { port } = server.address() as AddressInfo
      const running = await confinement.start({
        program: process.execPath,
        args: [process.execPath, '-e', ESCAPED, secret, String(process.pid), String(port)],
        env: {},
        binds: [{ source: process.execPath, target: process.execPath, executable: true }],
        channels: [],
        limits: { memoryBytes: 1024 ** 3, pids: 64, openFiles: 256, diskBytes: 0, inodes: 0 },
      })
      running.stdin.end()
      const [stdout, stderr, ended] = await Promise.all([text(running.stdout), text(running.stderr), running.ended])
      assert.deepEqual(ended, { code: 0, signal: null }, stderr)
      const seen = JSON.parse(stdout) as Readonly<Record<string, unknown>>
      assert.deepEqual(
        { ...seen, descriptors: 'checked below' },
        {
          pid: 2,
          uid: 65_534,
          secret: 'ENOENT',
          shadow: 'ENOENT',
          rootOfInit: 'EACCES',
          processes: 2,
          kill: 'ESRCH',
          writeRoot: 'EROFS',
          writeTmp: 'ENOSPC',
          // mount(8): the mount failed.
          mount: 32,
          unshare: 1,
          environment: [],
          descriptors: 'checked below',
          network: seen['network'],
        },
      )
      assert.notEqual(seen['network'], 'connected')
      assert.deepEqual(seen['descriptors'], [], 'no file of the host is open in it')
      await assert.rejects(readdir('/usr/bin/planted'), { code: 'ENOENT' })
    } finally {
      server.close()
    }
  })
})
