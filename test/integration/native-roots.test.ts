import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findStaticBusybox } from '../../scripts/toolchain.ts'
import type { Executor, Job, NativeRoot, NativeTask } from '../../src/executors/executor.ts'
import { createNativeExecutor } from '../../src/native/executor.ts'
import { startLauncher } from '../../src/native/launcher.ts'
import { LAUNCHER_BINARY } from '../../src/native/launcher-process.ts'
import type { NamedRoot } from '../../src/native/roots.ts'
import type { Execution } from '../../src/protocol/execution.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { ROOMY_LIMITS } from '../conformance/behaviours.ts'
import { collector } from '../conformance/executor-conformance.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

const MiB = 1024 * 1024

/** Everything below a folder: kind, mode, owner, time of change of content, and content. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name)
    const { mode, uid, gid, mtimeMs } = await lstat(path)
    hash.update(JSON.stringify([name, mode, uid, gid, mtimeMs]))
    if ((await lstat(path)).isFile()) hash.update(await readFile(path))
  }
  return hash.digest('hex')
}

describe('native root file systems', function () {
  this.timeout(120_000)
  const roots = new Map<string, NamedRoot>()
  const mounts = new Map<string, string>()
  let dir: string
  let root: string
  let place: TestLauncher
  let executor: Executor<NativeTask>
  let startedAtMs: number

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-roots-'))
    root = join(dir, 'root')
    const busybox = findStaticBusybox()
    assert.ok(busybox !== undefined, 'there is no static busybox; on Debian: apt-get install busybox-static')
    await mkdir(join(root, 'bin'), { recursive: true })
    await mkdir(join(root, 'etc'))
    await copyFile(busybox, join(root, 'bin/busybox'))
    for (const name of ['sh', 'cat', 'ls', 'rm', 'dd', 'stat', 'chmod', 'mkdir', 'mv', 'id', 'touch'])
      await symlink('busybox', join(root, 'bin', name))
    await writeFile(join(root, 'etc/config'), 'as it was\n')
    await writeFile(join(root, 'etc/private'), 'of its owner alone\n', { mode: 0o600 })
    for (let file = 0; file < 40; file += 1) await writeFile(join(root, `etc/${file}`), '')
    await chmod(root, 0o755)
    roots.set('box', { sha256: '', path: root })
    roots.set('host-usr', { sha256: '' })
    startedAtMs = performance.now()
    place = await startNativeLauncher()
    executor = createNativeExecutor({ launcher: place.launcher, roots, mounts })
  })
  after(async () => {
    await executor.close()
    await place.remove()
    await rm(dir, { recursive: true })
  })

  const box: NativeRoot = { kind: 'named', name: 'box', sha256: '' }
  async function sh(
    script: string,
    task: Partial<NativeTask> = {},
    limits: Partial<Job<NativeTask>['limits']> = {},
    runner = executor,
  ): Promise<Execution & { readonly stdout: string; readonly dir: string }> {
    const stdout = collector()
    const job = await mkdtemp(join(dir, 'job-'))
    const execution = await runner.run({
      task: {
        runtime: 'native',
        name: 'test',
        root: box,
        command: ['/bin/sh', '-c', `exec 2>&1\n${script}`],
        env: {},
        inputs: [],
        outputs: [],
        ...task,
      },
      limits: { ...ROOMY_LIMITS, ...limits },
      dir: job,
      stdin: Readable.from([]),
      stdout: stdout.stream,
      stderr: collector().stream,
      signal: new AbortController().signal,
      onStarted: () => {},
    })
    return { ...execution, stdout: stdout.content().toString(), dir: job }
  }

  describe('that a task may change', () => {
    const changes = `set -e
      cat /etc/private
      stat -c %u:%g /etc/config
      echo changed > /etc/config; cat /etc/config
      echo new > /new; mkdir -p /srv/a/b; mv /new /srv/a/b/file; cat /srv/a/b/file
      rm /bin/dd; /bin/dd 2>/dev/null || echo no dd
      rm -r /etc; ls /
      echo result > /out/file`
    const said = `of its owner alone
65534:65534
changed
new
no dd
bin
dev
out
proc
srv
tmp
`

    it('are its own to change, wherever they come from, and stay as they were on this host', async () => {
      const source = join(dir, 'root.tar')
      await promisify(execFile)('tar', ['-C', root, '-cf', source, '.'])
      const before = await digestOf(root)
      for (const each of [box, { kind: 'tar', source, sha256: '', bytes: 1 }] as const) {
        const task = { root: each, writable: true, outputs: [{ path: '/out' }] }
        const ran = await sh(changes, task)
        assert.deepEqual(ran.outcome, { kind: 'exited', code: 0 }, ran.stdout)
        assert.equal(ran.stdout, said)
        assert.deepEqual(
          ran.outputs.map(({ path }) => path),
          ['/out/file'],
          'the outputs alone are the result',
        )
        assert.ok(ran.isolation.layers.includes('capped-root-overlay'))
        assert.ok(!ran.isolation.layers.includes('read-only-root'))
        if (each.kind === 'tar') {
          const entries = await readdir(join(ran.dir, 'root'), { recursive: true })
          assert.deepEqual(entries.sort(), (await readdir(root, { recursive: true })).sort())
          assert.equal(await readFile(join(ran.dir, 'root/etc/config'), 'utf8'), 'as it was\n')
        }
      }
      assert.equal(await digestOf(root), before)
      assert.equal((await sh('cat /etc/config')).stdout, 'as it was\n', 'the next task finds it as it was')
    })

    it('are read-only where that is not asked for', async () => {
      const { stdout, isolation } = await sh('echo changed > /etc/config')
      assert.match(stdout, /Read-only file system|Permission denied/)
      assert.ok(isolation.layers.includes('read-only-root'))
    })

    it('hold no more than the disk of the task', async () => {
      const { stdout, usage, outcome } = await sh(
        'dd if=/dev/zero of=/file bs=1024 count=4096; stat -c %s /file; echo x > /tmp/file',
        { writable: true },
        { diskBytes: MiB },
      )
      assert.match(stdout, /No space left on device/)
      const [, bytes = ''] = /^(\d+)$/m.exec(stdout) ?? []
      assert.ok(Number(bytes) > MiB / 2 && Number(bytes) <= MiB, stdout)
      assert.ok(usage.limitsHit.includes('disk'))
      assert.deepEqual(outcome, { kind: 'exited', code: 1 }, 'one disk for all that it writes')
    })

    it('have no more files than it has inodes: what it makes, changes, and removes', async () => {
      const attempts = {
        make: 'touch /etc/new$i',
        change: 'chmod 600 /etc/$i',
        remove: 'rm -f /etc/$i',
      }
      for (const [what, attempt] of Object.entries(attempts)) {
        const { stdout, usage } = await sh(
          `i=0; while [ $i -lt 40 ] && ${attempt}; do i=$((i+1)); done; echo "made $i"`,
          { writable: true },
          { inodes: 20 },
        )
        const [, made = ''] = /made (\d+)/.exec(stdout) ?? []
        assert.ok(Number(made) >= 10 && Number(made) <= 20, `${what}: ${stdout}`)
        assert.match(stdout, /No space left on device/)
        assert.ok(usage.limitsHit.includes('inodes'), what)
      }
    })

    it('give nobody more than he had: no device, no owner but the task, no set-id program', async () => {
      const { stdout } = await sh(
        'id -u; chmod 4755 /bin/busybox; /bin/busybox id -u; cat /proc/self/mountinfo',
        { writable: true },
        { diskBytes: 8 * MiB },
      )
      const [user, same] = stdout.split('\n')
      assert.deepEqual([user, same], ['65534', '65534'])
      assert.match(stdout, / \/ \/ rw,nosuid,nodev\b/)
    })

    it('are refused where there is none, or none that could be changed', async () => {
      const host: NativeRoot = { kind: 'named', name: 'host-usr', sha256: '' }
      await assert.rejects(sh('', { root: host, writable: true }), (error) => isSoukError(error, 'IMAGE_REFUSED'))
      const source = join(root, 'bin/busybox')
      await assert.rejects(
        sh('', { root: { kind: 'program', source, sha256: '', bytes: 1 }, writable: true }),
        (error) => isSoukError(error, 'INVALID_INPUT'),
      )
      // Such a file system maps no owners.
      roots.set('kernel', { sha256: '', path: '/proc/sys/kernel' })
      await assert.rejects(
        sh('', { root: { kind: 'named', name: 'kernel', sha256: '' }, writable: true }),
        (error) =>
          isSoukError(error, 'REFUSED') &&
          error.fault === 'provider' &&
          error.details.reasons[0]?.reason === 'FEATURE_UNPROVEN',
      )
    })
  })

  describe('that a node without root would have changed', () => {
    const peer = 4321
    let launcher: ChildProcess
    let theirs: Executor<NativeTask>
    let folder: string

    before(async () => {
      const place = await mkdtemp(join(dir, 'peer-'))
      await chmod(dir, 0o711)
      await chmod(place, 0o711)
      folder = join(place, 'root')
      await promisify(execFile)('cp', ['-a', root, folder])
      const socket = join(place, 'launcher')
      const options = ['--socket', socket, '--instance', basename(place).toLowerCase(), '--peer-uid', String(peer)]
      launcher = spawn(LAUNCHER_BINARY, options, { stdio: ['pipe', 'pipe', 'inherit'] })
      if (launcher.stdout !== null) await once(launcher.stdout, 'data')
      const { connect, ...rest } = startLauncher({ socket })
      const asPeer: typeof connect = (channels) => {
        // Whoever connects is told from the socket, at this moment.
        process.setegid?.(peer)
        process.seteuid?.(peer)
        try {
          return connect(channels)
        } finally {
          process.seteuid?.(0)
          process.setegid?.(0)
        }
      }
      const named = new Map([['box', { sha256: '', path: folder }]])
      const hello = await startLauncher({ socket }).hello()
      theirs = createNativeExecutor({
        launcher: { ...rest, connect: asPeer, hello: () => Promise.resolve(hello) },
        roots: named,
      })
    })
    after(async () => {
      launcher.stdin?.end()
      await once(launcher, 'exit')
    })

    it('are refused where they are another’s, whose private files it would read', async () => {
      await chown(folder, 0, 0)
      assert.match((await sh('cat /etc/private', {}, {}, theirs)).stdout, /Permission denied/)
      for (const [uid, gid] of [
        [0, 0],
        [peer, 0],
        [0, peer],
      ] as const) {
        await chown(folder, uid, gid)
        await assert.rejects(
          sh('cat /etc/private', { writable: true }, {}, theirs),
          (error) => isSoukError(error, 'REFUSED') && error.details.reasons[0]?.subject === 'runtime.writable',
        )
      }
    })

    it('are its own to change where they are its own, and what is another’s in them stays another’s', async () => {
      await chown(folder, peer, peer)
      await chown(join(folder, 'etc/config'), peer, peer)
      const { stdout } = await sh(
        'echo new > /new; cat /new; echo changed > /etc/config; cat /etc/config /etc/private',
        { writable: true },
        {},
        theirs,
      )
      assert.equal(stdout, "new\nchanged\ncat: can't open '/etc/private': Permission denied\n")
    })
  })

  describe('with folders that the operator offers', () => {
    let data: string

    before(async () => {
      data = join(dir, 'data')
      await mkdir(join(data, 'deep'), { recursive: true })
      await mkdir(join(data, 'mounted'))
      await writeFile(join(data, 'deep/file'), 'of the operator\n')
      await writeFile(join(data, 'secret'), 'not for all\n', { mode: 0o600 })
      await copyFile(join(root, 'bin/busybox'), join(data, 'program'))
      await chmod(join(data, 'program'), 0o755)
      await symlink(join(root, 'etc/config'), join(data, 'out-of-it'))
      await symlink('/etc/config', join(data, 'into-the-root'))
      await promisify(execFile)('mkfifo', ['-m', '666', join(data, 'pipe')])
      await chmod(join(data, 'pipe'), 0o666)
      await chown(data, 65_534, 65_534)
      mounts.set('data', data)
      mounts.set('gone', join(dir, 'gone'))
    })

    const at = (target: string): Partial<NativeTask> => ({ mounts: [{ name: 'data', target }] })

    it('reads them, wherever it wants them', async () => {
      for (const target of ['/data', '/some/where', '/tmp/data', '/etc']) {
        const { stdout } = await sh(`cat ${target}/deep/file`, at(target))
        assert.equal(stdout, 'of the operator\n', target)
      }
      const { stdout } = await sh('cat deep/file', { ...at('/data'), workdir: '/data' })
      assert.equal(stdout, 'of the operator\n', 'as the folder to work in')
    })

    it('can do nothing else with them, whoever they belong to', async () => {
      const before = await digestOf(data)
      const { stdout } = await sh(
        `echo x > /data/new; echo x >> /data/deep/file; rm /data/deep/file; chmod 777 /data; /data/program id
        cat /data/secret
        cat /data/out-of-it
        cat /data/into-the-root`,
        { ...at('/data'), writable: true },
      )
      const lines = stdout.trim().split('\n')
      for (const line of lines.slice(0, 6)) assert.match(line, /Read-only file system|Permission denied/)
      assert.match(lines[6] ?? '', /No such file/)
      assert.equal(lines[7], 'as it was', 'links lead where they lead inside')
      assert.equal(lines.length, 8)
      assert.equal(await digestOf(data), before)
      // What is written to a pipe is no file of a read-only mount.
      const { stdout: pipe } = await sh('echo x > /data/pipe', at('/data'))
      assert.match(pipe, /Permission denied/)
    })

    it('sees nothing of what is mounted below them', async () => {
      await promisify(execFile)('mount', ['-t', 'tmpfs', 'souk-test', join(data, 'mounted')])
      try {
        await writeFile(join(data, 'mounted/file'), 'of another file system')
        assert.equal((await sh('ls /data/mounted', at('/data'))).stdout, '')
      } finally {
        await promisify(execFile)('umount', [join(data, 'mounted')])
      }
    })

    it('is refused one that is not offered, with those that are; one that is gone is the provider’s fault', async () => {
      await assert.rejects(sh('', { mounts: [{ name: 'other', target: '/data' }] }), (error) => {
        assert.ok(isSoukError(error, 'REFUSED'), String(error))
        assert.deepEqual(
          error.details.reasons.map(({ reason, asked, offered }) => [reason, asked, offered]),
          [['UNKNOWN_MOUNT', 'other', 'data, gone']],
        )
        return true
      })
      await assert.rejects(sh('', { mounts: [{ name: 'gone', target: '/data' }] }), (error) => {
        assert.ok(isSoukError(error, 'EXECUTOR_FAILED'), String(error))
        return error.fault === 'provider' && !error.message.includes(dir)
      })
    })

    it('is refused them where the sandbox needs the place', async () => {
      for (const target of ['/proc', '/dev/data', '/tmp', '/out'])
        await assert.rejects(sh('', { ...at(target), outputs: [{ path: '/out/deep' }] }), (error) =>
          isSoukError(error, 'INVALID_INPUT'),
        )
    })
  })

  describe('on a host whose mounts are shared, as systemd leaves them', () => {
    let launcher: ChildProcess
    let theirs: Executor<NativeTask>
    let folder: string
    let socket: string
    /** Of the mount namespace that the launcher is in. */
    const mountsOfHost = (): Promise<string> => readFile(`/proc/${launcher.pid}/mountinfo`, 'utf8')

    before(async () => {
      folder = await mkdtemp(join(dir, 'shared-'))
      socket = join(folder, 'socket')
      await mkdir(join(folder, 'data/later'), { recursive: true })
      await writeFile(join(folder, 'data/file'), 'of the operator\n')
      await writeFile(join(folder, 'input'), 'of the requester\n')
      const instance = basename(folder).toLowerCase()
      const command = [LAUNCHER_BINARY, '--socket', socket, '--instance', instance]
      launcher = spawn('unshare', ['--mount', '--propagation', 'shared', ...command], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      if (launcher.stdout !== null) await once(launcher.stdout, 'data')
      theirs = createNativeExecutor({
        launcher: startLauncher({ socket }),
        roots,
        mounts: new Map([['data', join(folder, 'data')]]),
      })
    })
    after(async () => {
      launcher.stdin?.end()
      await once(launcher, 'exit')
    })

    it('leave nothing of theirs over a folder or a program of it', async () => {
      assert.match(await mountsOfHost(), / shared:/)
      const input = { source: join(folder, 'input'), bytes: 0 }
      const { stdout } = await sh(
        'cat /data/file',
        { mounts: [{ name: 'data', target: '/data' }], inputs: [{ ...input, target: '/data/file' }] },
        {},
        theirs,
      )
      assert.equal(stdout, 'of the requester\n')
      await sh(
        'true',
        { root: { ...box, name: 'host-usr' }, inputs: [{ ...input, target: '/usr/bin/env' }] },
        {},
        theirs,
      )
      assert.ok(!(await mountsOfHost()).includes(folder), await mountsOfHost())
    })

    it('see nothing of what is mounted below a folder while they run', async () => {
      const later = join(folder, 'data/later')
      const enter = ['-t', String(launcher.pid), '-m', 'mount', '-t', 'tmpfs', 'souk-test', later]
      const running = sh(
        'for each in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; done; grep -c souk-test /proc/self/mounts',
        { root: { ...box, name: 'host-usr' }, mounts: [{ name: 'data', target: '/data' }] },
        {},
        theirs,
      )
      await sleep(500)
      await promisify(execFile)('nsenter', enter)
      assert.equal((await running).stdout.trim().split('\n').at(-1), '0')
    })
  })

  it('hide how the host was started, and its disks', async () => {
    for (const file of ['cmdline', 'diskstats', 'partitions']) {
      const { stdout } = await sh(`cat /proc/${file}`)
      assert.equal(stdout, `cat: can't open '/proc/${file}': Permission denied\n`)
    }
  })

  it('has clocks that began with it', async () => {
    const { stdout, isolation } = await sh('cat /proc/uptime')
    const elapsedS = (performance.now() - startedAtMs) / 1000
    const [uptimeS = ''] = stdout.split(' ')
    // The kernel writes hundredths.
    assert.ok(Number(uptimeS) <= elapsedS + 0.01, `${uptimeS} s, of ${elapsedS}`)
    assert.ok(isolation.layers.includes('time-namespace'))
  })
})
