import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { settled } from '../conformance/leftovers.ts'
import { additions, hostState, type HostState, type Territory } from './host-state.ts'

const run = promisify(execFile)

/** The proof that nothing is left is worth as much as its eyes. */
describe('escape: what would be left of a task is seen', () => {
  const name = `souk-seen-${randomBytes(6).toString('hex')}`
  const mark = `SOUK_SEEN=${name}`
  let territory: Territory
  let before: HostState

  const seen = async (): Promise<string> => additions(before, await hostState(territory))
  const sees = (pattern: RegExp): Promise<void> =>
    settled(String(pattern), async () => String(pattern.test(await seen())), 'true')

  beforeEach(async () => {
    territory = { mark, folder: await mkdtemp(join(tmpdir(), `${name}-`)), kept: [process.pid], names: [name] }
    before = await hostState(territory)
  })
  afterEach(async () => {
    await settled('nothing is left of this test', seen, '')
    await rm(territory.folder, { recursive: true })
  })

  it('a process in another network, by its environment though it is nobody’s child', async () => {
    const shell = spawn('sh', ['-c', 'unshare --net setsid --fork sleep 100'], {
      env: { ...process.env, SOUK_SEEN: name },
      stdio: 'ignore',
    })
    await once(shell, 'exit')
    await sees(/^processes: \d+ sleep 100 ; network namespaces: net:\[\d+\]$/)
    process.kill(Number(/processes: (\d+) /.exec(await seen())?.[1]), 'SIGKILL')
  })

  it('a child', async () => {
    const child = spawn('sleep', ['100'], { stdio: 'ignore' })
    try {
      await sees(/^processes: \d+ sleep 100 $/)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  it('a mount', async () => {
    const point = join(territory.folder, 'mounted')
    await mkdir(point)
    await run('mount', ['-t', 'tmpfs', 'none', point])
    try {
      await sees(new RegExp(`mounts: ${point} \\(tmpfs\\)`))
    } finally {
      await run('umount', [point])
      await rmdir(point)
    }
  })

  it('a control group, and those below it', async () => {
    const { stdout } = await run('sh', ['-c', 'ls -d /sys/fs/cgroup/pids /sys/fs/cgroup 2>/dev/null | head -n 1'])
    const group = join(stdout.trim(), name)
    await mkdir(group)
    try {
      await mkdir(join(group, 'below'))
      await sees(new RegExp(`^control groups: ${group}, ${group}/below$`))
      await rmdir(join(group, 'below'))
    } finally {
      await rmdir(group)
    }
  })

  it('a file, and a descriptor of this process', async () => {
    const path = join(territory.folder, 'file')
    await writeFile(path, '')
    const file = await open(path)
    await sees(new RegExp(`^files: file; descriptors: ${process.pid}: ${path} 1$`))
    await file.close()
    assert.equal(await seen(), 'files: file')
    await rm(path)
  })
})
