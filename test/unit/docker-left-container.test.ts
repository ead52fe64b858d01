import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { createDockerExecutor } from '../../src/executors/docker/executor.ts'
import { readLeftContainer, writeLeftContainer } from '../../src/executors/docker/left-container.ts'
import type { CappedStorage } from '../../src/executors/ports.ts'
import { isSoukError } from '../../src/protocol/errors.ts'

describe('a container that another node has left', () => {
  let instanceDir: string
  let jobDir: string
  const unmounted: string[] = []
  const storage = {
    unmountLeftovers: async ({ folder }: { readonly folder: string }) => unmounted.push(folder),
  } as unknown as CappedStorage

  beforeEach(async () => {
    unmounted.splice(0)
    instanceDir = await mkdtemp(join(tmpdir(), 'souk-left-'))
    jobDir = join(instanceDir, 'job')
    await mkdir(jobDir)
  })
  afterEach(() => rm(instanceDir, { recursive: true }))

  const leave = (dir: string): Promise<void> =>
    writeLeftContainer(jobDir, {
      id: 'a'.repeat(64),
      name: 'souk-me-0123456789abcdef',
      dir,
      runtime: { name: 'runc', program: 'runc' },
      secret: Buffer.alloc(32, 7),
      leased: ['/out'],
      gpus: [],
      counters: { cpuTimeMs: 1.5, oomKills: 0, pidsDenied: 0 },
    })

  it('is known by what was written of it, and by nothing that was cut off', async () => {
    assert.equal(await readLeftContainer(jobDir), undefined)
    await leave(jobDir)
    assert.equal((await readLeftContainer(jobDir))?.secret.toString('hex'), '07'.repeat(32))
  })

  it('is given up with its disk and its folder where no engine answers', async () => {
    const warmDir = join(instanceDir, 'docker-warm-1')
    await mkdir(warmDir)
    await leave(warmDir)
    const executor = createDockerExecutor({
      socketPath: join(instanceDir, 'nobody.sock'),
      ...{ storage, instance: 'me', instanceDir, uid: 65_534, gid: 65_534, images: [], prewarm: 0, gpus: [] },
      reattachMs: 60_000,
      supply: {
        ...{ registries: [], archives: false, maxImageBytes: 0, pullTimeoutMs: 1000, cacheBytes: 0, keep: true },
        dir: join(instanceDir, 'images'),
      },
    })
    const limits = {
      ...{ wallTimeMs: 1000, memoryBytes: 1024 ** 2, cpuCores: 1, diskBytes: 0, inodes: 0 },
      ...{ outputBytes: 10, openFiles: 64 },
    }
    const resuming = executor.resume?.({
      task: { runtime: 'docker', image: 'x', command: [], env: {}, inputs: [], outputs: [] } as never,
      limits,
      dir: jobDir,
      stdin: Readable.from([]),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      signal: new AbortController().signal,
      onStarted: () => assert.fail('it had begun before'),
      before: { startedAtMs: Date.now(), stdoutBytes: 0, stderrBytes: 0 },
    })
    await assert.rejects(resuming ?? Promise.resolve(), (error) => isSoukError(error, 'RUNTIME_UNAVAILABLE'))
    assert.deepEqual(unmounted, [join(warmDir, 'disk')])
    assert.deepEqual(await readdir(instanceDir), ['job'])
    await executor.close()
  })
})
