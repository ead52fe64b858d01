import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CappedStorage, ConfinedProgram, Confinement } from '../../src/executors/ports.ts'
import { createResultCollector } from '../../src/executors/results.ts'
import { createCappedStorage } from '../../src/native/capped-storage.ts'
import { createConfinement } from '../../src/native/confinement.ts'
import { startLauncher, type Launcher } from '../../src/native/launcher.ts'
import { LAUNCHER_BINARY } from '../../src/native/launcher-process.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { settled } from '../conformance/leftovers.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'
import { contentNow, processTable } from '../fixtures/processes.ts'

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('what native lends to other runtimes', function () {
  this.timeout(60_000)
  let dir: string
  let place: TestLauncher

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-native-ports-'))
    place = await startNativeLauncher()
  })
  after(async () => {
    await place.launcher.close()
    await settled('leftovers', async () => (await place.leftovers()).join('\n'), '')
    await place.remove()
    await rm(dir, { recursive: true })
  })

  describe('confinement', () => {
    let confinement: Confinement

    before(async () => {
      const hello = await place.launcher.hello()
      confinement = createConfinement({ launcher: place.launcher, hello, uid: 65_534, gid: 65_534 })
    })

    const shell = (script: string, changes: Partial<ConfinedProgram> = {}): ConfinedProgram => ({
      program: '/bin/sh',
      args: ['sh', '-c', script],
      env: { PATH: '/usr/bin:/bin' },
      binds: [],
      channels: [],
      limits: { memoryBytes: 64 * 1024 * 1024, pids: 16, diskBytes: 0, inodes: 0 },
      ...changes,
    })

    it('starts a program of the host in an empty room, and tells how it ends', async () => {
      const confined = await confinement.start(shell('cat; echo err >&2; id -u; ls /home 2>/dev/null; exit 7'))
      assert.ok(confined.pid > 0)
      confined.stdin.end('in\n')
      const [stdout, stderr] = await Promise.all([textOf(confined.stdout), textOf(confined.stderr)])
      assert.equal(stdout, 'in\n65534\n')
      assert.equal(stderr, 'err\n')
      assert.deepEqual(await confined.ended, { code: 7, signal: null })
      confined.destroy()
      assert.ok(confinement.layers.includes('network-namespace'))
    })

    it('joins further pipes both ways', async () => {
      const confined = await confinement.start(
        shell('cat <&5 >&6', {
          channels: [
            { descriptor: 5, direction: 'in' },
            { descriptor: 6, direction: 'out' },
          ],
        }),
      )
      const content = 'x'.repeat(1_000_000)
      confined.inputs.get(5)?.end(content)
      const out = confined.outputs.get(6)
      assert.ok(out !== undefined)
      assert.equal((await textOf(out)).length, content.length)
      assert.deepEqual(await confined.ended, { code: 0, signal: null })
      confined.destroy()
    })

    it('shows what is bound, read-only, and lets run only what may', async () => {
      const source = join(dir, 'script')
      await writeFile(source, '#!/bin/sh\necho ran\n', { mode: 0o755 })
      for (const executable of [true, false]) {
        const confined = await confinement.start(
          shell('/bound/script || cat /bound/script; echo x >/bound/script || echo refused', {
            binds: [{ source, target: '/bound/script', executable }],
          }),
        )
        const stdout = await textOf(confined.stdout)
        assert.equal(stdout, executable ? 'ran\nrefused\n' : '#!/bin/sh\necho ran\nrefused\n')
        await confined.ended
        confined.destroy()
      }
    })

    it('kills at once', async () => {
      const confined = await confinement.start(shell('sleep 1000 & sleep 1000'))
      confined.kill()
      assert.deepEqual(await confined.ended, { code: null, signal: 'SIGKILL' })
      confined.destroy()
    })

    it('ends what is let go of', async () => {
      const confined = await confinement.start(shell('sleep 1000'))
      confined.destroy()
      assert.deepEqual(await confined.ended, { code: null, signal: null })
      await settled('process', async () => readFile(`/proc/${confined.pid}/comm`, 'utf8').catch(() => ''), '')
    })

    it('fails at the host’s fault where the program is not there', async () => {
      await assert.rejects(confinement.start(shell('', { program: '/bin/none' })), (error) =>
        isSoukError(error, 'EXECUTOR_FAILED'),
      )
    })
  })

  describe('capped storage', () => {
    let storage: CappedStorage
    const options = { diskBytes: 64 * 1024, inodes: 10, uid: 65_534, gid: 65_534, outputs: ['/out', '/more'] }

    before(() => {
      storage = createCappedStorage(place.launcher)
    })

    const mountPoint = (): Promise<string> => mkdtemp(join(dir, 'lease-'))

    it('works here', async () => {
      assert.equal(await storage.unavailable(), undefined)
    })

    it('is folders of a user’s own that hold so much and no more', async () => {
      const lease = await storage.lease({ ...options, mountPoint: await mountPoint() })
      assert.equal(lease.outputs.length, 2)
      for (const folder of [lease.work, ...lease.outputs]) {
        const { uid, gid, mode } = await stat(folder)
        assert.deepEqual([uid, gid, mode & 0o7777], [65_534, 65_534, 0o755])
      }
      assert.equal((await stat(lease.tmp)).mode & 0o7777, 0o1777)
      await assert.rejects(writeFile(join(lease.work, 'large'), Buffer.alloc(65 * 1024)), { code: 'ENOSPC' })
      const made = async (): Promise<void> => {
        for (let count = 0; count < 20; count += 1) await writeFile(join(lease.tmp, String(count)), '')
      }
      await assert.rejects(made(), { code: 'ENOSPC' })
      await lease.release()
    })

    it('hands over the files of its outputs, following nothing, and says what was full', async () => {
      const lease = await storage.lease({ ...options, mountPoint: await mountPoint() })
      const [out = '', more = ''] = lease.outputs
      await mkdir(join(out, 'deep'))
      await writeFile(join(out, 'deep/a.txt'), 'one')
      await writeFile(join(more, 'b.txt'), 'two')
      await symlink('/etc/passwd', join(more, 'link'))
      const job = await mkdtemp(join(dir, 'job-'))
      const collector = await createResultCollector({ dir: job, maxBytes: 1000, maxFiles: 10 })
      assert.deepEqual(await lease.collect(collector), { diskFull: false, inodesFull: false })
      const outputs = collector.outputs()
      assert.deepEqual(
        outputs.map((output) => [output.path, 'error' in output ? output.error.code : output.bytes]),
        [
          ['/more/b.txt', 3],
          ['/more/link', 'SYMLINK'],
          ['/out/deep/a.txt', 3],
        ],
      )
      await writeFile(join(more, 'rest'), Buffer.alloc(64 * 1024)).catch(() => {})
      const again = await createResultCollector({ dir: job, maxBytes: 1000, maxFiles: 10 })
      assert.deepEqual(await lease.collect(again), { diskFull: true, inodesFull: false })
      await lease.release()
    })

    it('is gone when it is released', async () => {
      const folder = await mountPoint()
      const lease = await storage.lease({ ...options, mountPoint: folder })
      await writeFile(join(lease.work, 'x'), 'x')
      await lease.release()
      assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(folder))
      await rm(folder, { recursive: true })
      assert.equal(await storage.unmountLeftovers({ folder: dir, keep: [] }), 0)
    })

    it('is refused where there is no such folder, or something in it', async () => {
      const folder = await mountPoint()
      await writeFile(join(folder, 'x'), '')
      for (const bad of [folder, join(dir, 'none')])
        await assert.rejects(storage.lease({ ...options, mountPoint: bad }), (error) =>
          isSoukError(error, 'EXECUTOR_FAILED'),
        )
    })

    const failed = (error: unknown): boolean => isSoukError(error, 'EXECUTOR_FAILED')
    const isMounted = async (folder: string): Promise<boolean> =>
      (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${folder} `)
    const freeBytes = async (path: string): Promise<number> => {
      const { bsize, bavail } = await statfs(path)
      return bsize * bavail
    }

    it('takes other caps, and none that are below what is used', async () => {
      const lease = await storage.lease({ ...options, mountPoint: await mountPoint() })
      const write = (name: string, bytes: number): Promise<void> =>
        writeFile(join(lease.work, name), Buffer.alloc(bytes))
      await write('a', 64 * 1024)
      await lease.resize({ diskBytes: 128 * 1024, inodes: 10 })
      await write('b', 64 * 1024)
      await assert.rejects(write('c', 1), { code: 'ENOSPC' })
      await assert.rejects(lease.resize({ diskBytes: 127 * 1024 - 4096, inodes: 10 }), failed)
      await assert.rejects(lease.resize({ diskBytes: 1024 * 1024, inodes: 2 }), failed)
      await assert.rejects(lease.resize({ diskBytes: 0, inodes: 10 }), failed)
      assert.equal(await freeBytes(lease.work), 0)
      await rm(join(lease.work, 'c'))
      // Two of them are used.
      await lease.resize({ diskBytes: 256 * 1024, inodes: 3 })
      await write('c', 1)
      await assert.rejects(write('d', 1), { code: 'ENOSPC' })
      assert.equal(await freeBytes(lease.work), 128 * 1024 - 4096)
      await lease.release()
    })

    it('goes from nothing to something and back', async () => {
      const lease = await storage.lease({ ...options, diskBytes: 0, inodes: 0, mountPoint: await mountPoint() })
      const file = join(lease.work, 'a')
      for (let round = 0; round < 2; round += 1) {
        await assert.rejects(writeFile(file, 'x'), { code: 'ENOSPC' })
        await lease.resize({ diskBytes: 0, inodes: 1 })
        await assert.rejects(writeFile(file, 'x'), { code: 'ENOSPC' })
        await rm(file)
        await lease.resize({ diskBytes: 8192, inodes: 1 })
        assert.equal(await freeBytes(lease.work), 8192)
        await writeFile(file, Buffer.alloc(8192))
        await assert.rejects(writeFile(join(lease.work, 'b'), ''), { code: 'ENOSPC' })
        await assert.rejects(lease.resize({ diskBytes: 0, inodes: 1 }), failed)
        await rm(file)
        await lease.resize({ diskBytes: 0, inodes: 0 })
      }
      await lease.release()
    })

    it('is gone with the launcher', async () => {
      const other = await startNativeLauncher()
      const folder = await mountPoint()
      await createCappedStorage(other.launcher).lease({ ...options, mountPoint: folder })
      assert.equal(await isMounted(folder), true)
      await other.remove()
      assert.equal(await isMounted(folder), false)
    })

    describe('that outlives its node', () => {
      const lasting = { ...options, outlivesNode: true }
      let others: TestLauncher[]

      /** Launchers of one instance, as nodes start them one after the other. */
      const startAnother = async (instance?: string): Promise<TestLauncher> => {
        const other = await startNativeLauncher(instance === undefined ? {} : { instance })
        others.push(other)
        // It has started, and removed what it removes.
        await other.launcher.hello()
        return other
      }
      /** The launcher of an instance and its keepers, and nobody else's; the former alone is a child of this process. */
      const processesOf = (instance: string): readonly { readonly pid: number; readonly isLauncher: boolean }[] =>
        [...processTable()].flatMap(([pid, { parent }]) => {
          const [program, ...words] = contentNow(`/proc/${pid}/cmdline`).split('\0')
          const isOne = program?.endsWith('/souk-launcher') === true && words.includes(instance)
          return isOne ? [{ pid, isLauncher: parent === process.pid }] : []
        })
      /** Kills them, and those that they fork meanwhile. */
      const killAll = async (
        instance: string,
        { butLauncher = false }: { readonly butLauncher?: boolean } = {},
      ): Promise<void> => {
        const left = () => processesOf(instance).filter(({ isLauncher }) => !(isLauncher && butLauncher))
        for (let processes = left(); processes.length > 0; processes = left()) {
          for (const { pid } of processes) {
            try {
              process.kill(pid, 'SIGKILL')
            } catch (error) {
              // With the launcher its keepers end, too.
              if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
            }
          }
          await sleep(5)
        }
      }

      beforeEach(() => {
        others = []
      })
      afterEach(async () => {
        for (const other of others) await other.remove()
        for (const other of others) await settled('leftovers', async () => (await other.leftovers()).join('\n'), '')
      })

      for (const [how, end] of [
        ['in order', (other: TestLauncher) => other.launcher.close()],
        ['by SIGKILL with all that it has', (other: TestLauncher) => killAll(other.instance)],
      ] as const) {
        it(`stays when the launcher ends ${how}, and can be taken over by the next`, async () => {
          const first = await startAnother()
          const folder = await mountPoint()
          const lease = await createCappedStorage(first.launcher).lease({ ...lasting, mountPoint: folder })
          await writeFile(join(lease.outputs[1] ?? '', 'b.txt'), 'two')
          await end(first)
          assert.equal(await isMounted(folder), true)
          const second = createCappedStorage((await startAnother(first.instance)).launcher)
          assert.equal(await isMounted(folder), true)
          const adopted = await second.adopt({ mountPoint: folder, outputs: options.outputs })
          assert.deepEqual([adopted.tmp, adopted.work, ...adopted.outputs], [lease.tmp, lease.work, ...lease.outputs])
          // The caps are as they were: one inode and a page of it are used.
          for (let count = 0; count < 9; count += 1) await writeFile(join(adopted.tmp, String(count)), '')
          await assert.rejects(writeFile(join(adopted.tmp, 'more'), ''), { code: 'ENOSPC' })
          const collector = await createResultCollector({
            dir: await mkdtemp(join(dir, 'job-')),
            maxBytes: 1000,
            maxFiles: 10,
          })
          assert.deepEqual(await adopted.collect(collector), { diskFull: false, inodesFull: true })
          assert.deepEqual(
            collector.outputs().map(({ path }) => path),
            ['/more/b.txt'],
          )
          await adopted.resize({ diskBytes: 8192, inodes: 12 })
          await writeFile(join(adopted.work, 'rest'), 'x')
          assert.equal(await freeBytes(adopted.work), 0)
          await adopted.release()
          assert.equal(await isMounted(folder), false)
        })
      }

      it('stays where its connection breaks, and goes by its release or as a leftover that nobody keeps', async () => {
        const other = await startAnother()
        const here = createCappedStorage(other.launcher)
        const [parent, kept] = [await mountPoint(), await mountPoint()]
        const folders = [join(parent, 'a'), join(parent, 'b'), join(kept, 'c')]
        for (const folder of folders) {
          await mkdir(folder)
          await here.lease({ ...lasting, mountPoint: folder })
        }
        const [a = '', b = '', c = ''] = folders
        await killAll(other.instance)
        const next = createCappedStorage((await startAnother(other.instance)).launcher)
        const lease = await next.adopt({ mountPoint: a, outputs: options.outputs })
        await lease.release()
        assert.deepEqual(await Promise.all(folders.map(isMounted)), [false, true, true])
        assert.equal(await next.unmountLeftovers({ folder: dir, keep: [kept] }), 1)
        assert.deepEqual(await Promise.all([b, c].map(isMounted)), [false, true])
        assert.equal(await next.unmountLeftovers({ folder: dir, keep: [`${kept}x`, join(kept, 'other')] }), 1)
        assert.equal(await isMounted(c), false)
      })

      it('is released by whoever has it, though the launcher that lent it is dead', async () => {
        const other = await startAnother()
        const folder = await mountPoint()
        const lease = await createCappedStorage(other.launcher).lease({ ...lasting, mountPoint: folder })
        await killAll(other.instance)
        await lease.release()
        assert.equal(await isMounted(folder), false)
      })

      it('is released also while that launcher dies, and takes connections that it will never serve', async () => {
        const other = await startAnother()
        const folder = await mountPoint()
        const lease = await createCappedStorage(other.launcher).lease({ ...lasting, mountPoint: folder })
        const launcher = processesOf(other.instance).find(({ isLauncher }) => isLauncher)
        if (launcher === undefined) assert.fail('there is no launcher')
        process.kill(launcher.pid, 'SIGSTOP')
        await killAll(other.instance, { butLauncher: true })
        const released = lease.release()
        await sleep(200)
        process.kill(launcher.pid, 'SIGKILL')
        await released
        assert.equal(await isMounted(folder), false)
      })

      it('has no cap changed by being taken over where it holds nothing', async () => {
        const other = await startAnother()
        const here = createCappedStorage(other.launcher)
        const folder = await mountPoint()
        await here.lease({ ...lasting, diskBytes: 0, inodes: 1, mountPoint: folder })
        const adopted = await here.adopt({ mountPoint: folder, outputs: options.outputs })
        await assert.rejects(writeFile(join(adopted.work, 'a'), 'x'), { code: 'ENOSPC' })
        await rm(join(adopted.work, 'a'))
        await adopted.resize({ diskBytes: 4096, inodes: 1 })
        await writeFile(join(adopted.work, 'a'), 'x')
        await adopted.release()
      })

      it('is adopted by a node without root from root’s launcher where it lies in a folder of its own, and nowhere else', async () => {
        const peer = 4321
        const own = await mkdtemp(join(dir, 'peer-'))
        await chmod(dir, 0o711)
        const [disk, foreign] = [join(own, 'disk'), await mountPoint()]
        for (const folder of [disk, join(foreign, 'disk')]) await mkdir(folder)
        for (const folder of [own, disk]) await chown(folder, peer, peer)
        await chmod(foreign, 0o755)
        const [first, second] = [await startPeerLauncher({ dir, peer }), await startPeerLauncher({ dir, peer })]
        try {
          const ids = { ...lasting, uid: peer, gid: peer }
          await createCappedStorage(asUser(peer, first.launcher)).lease({ ...ids, mountPoint: disk })
          await createCappedStorage(first.launcher).lease({ ...lasting, mountPoint: join(foreign, 'disk') })
          await first.end()
          const theirs = createCappedStorage(asUser(peer, second.launcher))
          await assert.rejects(theirs.adopt({ mountPoint: join(foreign, 'disk'), outputs: options.outputs }), failed)
          const adopted = await theirs.adopt({ mountPoint: disk, outputs: options.outputs })
          await writeFile(join(adopted.work, 'a'), 'x')
          await adopted.release()
          assert.equal(await isMounted(disk), false)
          assert.equal(await createCappedStorage(second.launcher).unmountLeftovers({ folder: foreign, keep: [] }), 1)
        } finally {
          await first.end()
          await second.end()
        }
      })

      it('is not taken over where there is none, or it is another’s', async () => {
        const other = await startAnother()
        const here = createCappedStorage(other.launcher)
        const refused = (mountPoint: string): Promise<void> =>
          assert.rejects(here.adopt({ mountPoint, outputs: options.outputs }), failed)
        await refused(join(dir, 'none'))
        await refused(await mountPoint())
        await refused('/')
        await refused('/proc')
        // One that ends with its connection, one of another instance, a folder inside of one.
        const [mortal, foreign, lent] = [await mountPoint(), await mountPoint(), await mountPoint()]
        const leases = [
          await here.lease({ ...options, mountPoint: mortal }),
          await storage.lease({ ...lasting, mountPoint: foreign }),
          await here.lease({ ...lasting, mountPoint: lent }),
        ]
        await refused(mortal)
        await refused(foreign)
        await refused(join(lent, 'work'))
        // One in a folder of somebody else.
        const theirs = await mountPoint()
        const inTheirs = join(theirs, 'disk')
        await mkdir(inTheirs)
        leases.push(await here.lease({ ...lasting, mountPoint: inTheirs }))
        await chown(theirs, 65_534, 65_534)
        await refused(inTheirs)
        for (const lease of leases) await lease.release()
      })
    })
  })
})

interface PeerLauncher {
  /** For root. */
  readonly launcher: Launcher
  end(): Promise<void>
}

/** One of root, of one instance, that serves another user as well. */
async function startPeerLauncher({
  dir,
  peer,
}: {
  readonly dir: string
  readonly peer: number
}): Promise<PeerLauncher> {
  const socket = join(await mkdtemp(join(dir, 'launcher-')), 'socket')
  await chmod(dirname(socket), 0o711)
  const options = ['--socket', socket, '--instance', `test-peer-${process.pid}`, '--peer-uid', String(peer)]
  const child = spawn(LAUNCHER_BINARY, options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    launcher: startLauncher({ socket }),
    async end() {
      child.stdin.end()
      await exited
    },
  }
}

/** Whoever connects is told from the socket, at this moment. */
function asUser(id: number, launcher: Launcher): Launcher {
  return {
    ...launcher,
    connect(channels) {
      process.setegid?.(id)
      process.seteuid?.(id)
      try {
        return launcher.connect(channels)
      } finally {
        process.seteuid?.(0)
        process.setegid?.(0)
      }
    },
  }
}
