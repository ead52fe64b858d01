import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { CappedStorage, ConfinedProgram, Confinement } from '../../src/executors/ports.ts'
import { createResultCollector } from '../../src/executors/results.ts'
import { createCappedStorage } from '../../src/native/capped-storage.ts'
import { createConfinement } from '../../src/native/confinement.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { settled } from '../conformance/leftovers.ts'
import { startNativeLauncher, type TestLauncher } from '../fixtures/native-launcher.ts'

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
      assert.equal(await storage.unmountLeftovers(dir), 0)
    })

    it('is refused where there is no such folder, or something in it', async () => {
      const folder = await mountPoint()
      await writeFile(join(folder, 'x'), '')
      for (const bad of [folder, join(dir, 'none')])
        await assert.rejects(storage.lease({ ...options, mountPoint: bad }), (error) =>
          isSoukError(error, 'EXECUTOR_FAILED'),
        )
    })
  })
})
