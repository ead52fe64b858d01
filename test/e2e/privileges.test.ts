import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chown, copyFile, lchown, mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buildProgram, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { settled } from '../conformance/leftovers.ts'
import { launcherInstances } from '../fixtures/left-on-host.ts'
import { leftoversOf } from '../fixtures/native-launcher.ts'
import { ORDINARY_UID, ordinaryPlace, type OrdinaryPlace } from '../fixtures/ordinary-user.ts'
import { descendantsOf, processSet, survivorsIn } from '../fixtures/processes.ts'
import { souk } from '../fixtures/souk-command.ts'
import { soukIn, type SoukInPlace } from '../fixtures/souk-in-place.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const NO_CAPABILITY = '0000000000000000'
const USER = `${ORDINARY_UID}:${ORDINARY_UID}`

describe('souk up, started by root with node.user', function () {
  this.timeout(180_000)
  let place: OrdinaryPlace
  let native: string
  let wasm: string
  const started: SoukInPlace[] = []

  before(async () => {
    place = await ordinaryPlace()
    await mkdir(join(place.dir, 'home'))
    native = (await buildProgram({ file: join(PROGRAMS_DIR, 'args.c'), runtime: 'native' })).source
    wasm = await wasmProgram('args')
  })
  after(async () => {
    for (const { pid, ended } of started) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        continue // it has ended
      }
      await ended
    }
    await place.remove()
  })

  async function up({
    name,
    user = USER,
    as = 'root',
  }: {
    name: string
    user?: string
    as?: 'root' | 'user'
  }): Promise<SoukInPlace> {
    const node = { data_dir: `${place.inside}/${name}/data`, user }
    const sandbox = { native: { enabled: true } }
    await writeFile(
      join(place.dir, `${name}.yaml`),
      JSON.stringify({ node, network: { listen: ['/ip4/127.0.0.1/tcp/0'] }, sandbox }),
    )
    const command = soukIn(place, { args: ['up', '--json', '--config', `${place.inside}/${name}.yaml`], as })
    started.push(command)
    return command
  }
  const taskAt = async (multiaddr: string, ...what: string[]): Promise<RunDocument> => {
    const args = ['run', '--to', multiaddr, '--json', ...what, '--', 'hello']
    const { stdout, stderr } = await souk({ args, home: join(place.dir, 'home') })
    return runDocumentSchema.parse(JSON.parse(stdout), { error: () => stdout + stderr })
  }

  it('is that user for good, serves tasks in sandboxes of root’s, and leaves nothing when it is killed', async () => {
    const node = await up({ name: 'first' })
    const { pid, multiaddrs } = await node.document<{ pid: number; multiaddrs: [string] }>()
    assert.equal(pid, node.pid)
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8')
      const of = (key: string): string | undefined => new RegExp(`^${key}:[ \t]*(.*)$`, 'm').exec(status)?.[1]?.trim()
      for (const key of ['Uid', 'Gid']) assert.equal(of(key), Array(4).fill(ORDINARY_UID).join('\t'), status)
      assert.equal(of('Groups'), '', status)
      for (const key of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.equal(of(key), NO_CAPABILITY, status)
    }
    const { uid, mode } = await stat(join(place.dir, 'first/data'))
    assert.deepEqual([uid, mode & 0o777], [ORDINARY_UID, 0o700])

    for (const [option, program] of [
      ['--native', native],
      ['--wasm', wasm],
    ] as const) {
      const { outcome, stdout, isolation } = await taskAt(multiaddrs[0], option, program)
      assert.deepEqual(outcome, { kind: 'exited', code: 0 })
      assert.equal(stdout, '[hello]\n')
      for (const layer of ['user-namespace', 'seccomp-allow-list', 'uid-65534'])
        assert.ok(isolation.layers.includes(layer), `${option}: ${isolation.layers.join(' ')}`)
      assert.deepEqual(isolation.missing, [])
    }

    const processes = await descendantsOf(pid)
    const started = await processSet(processes)
    const [instance = ''] = await launcherInstances(processes)
    const launcher = await launcherOf(processes)
    assert.equal(launcher.uid, 0)
    assert.equal((await stat(launcher.folder)).uid, 0)
    process.kill(pid, 'SIGKILL')
    await node.ended
    assert.deepEqual(await survivorsIn(started, { withinMs: 20_000 }), [])
    assert.deepEqual(await leftoversOf(instance), [])
    assert.equal(existsSync(launcher.folder), false, 'the folder of the socket is left')
  })

  it('goes on where it was killed, ends in order, and ends when its launcher does, which it cannot replace', async () => {
    const again = await up({ name: 'first' })
    const { multiaddrs } = await again.document<{ multiaddrs: [string] }>()
    assert.equal((await taskAt(multiaddrs[0], '--native', native)).stdout, '[hello]\n')
    const processes = await descendantsOf(again.pid)
    const started = await processSet(processes)
    const [instance = ''] = await launcherInstances(processes)
    process.kill(again.pid, 'SIGTERM')
    assert.equal((await again.ended).code, 0)
    assert.deepEqual(await survivorsIn(started, { withinMs: 20_000 }), [])
    assert.deepEqual(await leftoversOf(instance), [])

    const orphaned = await up({ name: 'first' })
    await orphaned.document()
    process.kill((await launcherOf(await descendantsOf(orphaned.pid))).pid, 'SIGKILL')
    const { code, stdout, stderr } = await orphaned.ended
    assert.equal(code, 1)
    assert.match(stdout + stderr, /launcher has ended, and a node that has given up root cannot start another/)

    // What a launcher that was killed has left, the next one of this data folder takes over.
    const next = await up({ name: 'first' })
    await next.document()
    const { folder } = await launcherOf(await descendantsOf(next.pid))
    process.kill(next.pid, 'SIGTERM')
    assert.equal((await next.ended).code, 0)
    await settled('the folder of the socket', async () => String(existsSync(folder)), 'false')
    await settled('leftovers', async () => (await leftoversOf(instance)).join('\n'), '')
  })

  it('refuses to start where that cannot be, and says what to do', async () => {
    await mkdir(join(place.dir, 'theirs/data'), { recursive: true })
    await chown(join(place.dir, 'theirs'), ORDINARY_UID, ORDINARY_UID)
    await mkdir(join(place.dir, 'hidden'), { mode: 0o700 })
    await symlink('hidden', join(place.dir, 'led'))
    await lchown(join(place.dir, 'led'), ORDINARY_UID, ORDINARY_UID)
    const cases = [
      [
        { name: 'led' },
        /led\/data cannot be made: .* is a link, or others than root can change it.*install -d -o 54321 /,
      ],
      [{ name: 'theirs' }, /data folder \S+ belongs to user 0, .*chown -R 54321:54321 /],
      [{ name: 'unknown', user: 'no-such-user' }, /there is no user no-such-user/],
      [{ name: 'root', user: '0:0' }, /0:0 is root/],
      [{ name: 'nobody', user: '65534:65534' }, /tasks run as those/],
      [
        { name: 'other', user: '1234:1234', as: 'user' },
        /node\.user is 1234:1234, and whoever starts it is user 54321/,
      ],
    ] as const
    for (const [options, expected] of cases) {
      const { code, stdout, stderr } = await (await up(options)).ended
      assert.equal(code, 1, stderr)
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }
      assert.equal(error.code, 'START_FAILED')
      assert.match(`${error.message} ${error.hint}`, expected)
    }
    assert.deepEqual(await readdir(join(place.dir, 'hidden')), [], 'root has made what a link of the user’s leads to')
  })

  it('is told of by doctor: who would be root, and who not', async () => {
    const rights = async (as: 'root' | 'user', config: object): Promise<object> => {
      await writeFile(join(place.dir, 'doctor.yaml'), JSON.stringify(config))
      const args = ['doctor', '--json', '--config', `${place.inside}/doctor.yaml`]
      const { stdout, stderr } = await soukIn(place, { args, as }).ended
      assert.notEqual(stdout, '', stderr)
      return (JSON.parse(stdout) as { privileges: object }).privileges
    }
    const data_dir = `${place.inside}/first/data`
    assert.match(JSON.stringify(await rights('root', {})), /the node would run as root: set node\.user/)
    assert.deepEqual(await rights('root', { node: { data_dir, user: USER } }), { root: true, user: USER })
    assert.deepEqual(await rights('user', {}), { root: false })
  })
})

describe('souk run --local, by an ordinary user without a control group', function () {
  this.timeout(120_000)
  let place: OrdinaryPlace
  before(async () => {
    place = await ordinaryPlace()
    const { source } = await buildProgram({ file: join(PROGRAMS_DIR, 'args.c'), runtime: 'native' })
    await copyFile(source, join(place.dir, 'args'))
  })
  after(() => place.remove())

  const run = (...options: string[]): SoukInPlace['ended'] =>
    soukIn(place, {
      args: ['run', '--local', '--json', ...options, '--native', `${place.inside}/args`, '--', 'hello'],
      as: 'user',
    }).ended

  it('is refused, with what to do', async () => {
    const { code, stdout } = await run()
    assert.equal(code, 125)
    const { message, details } = (JSON.parse(stdout) as { error: { message: string; details: object } }).error
    assert.match(message + JSON.stringify(details), /no control groups to hold .*souk run --local --degraded/)
  })

  it('runs with --degraded, and the receipt says without which limits, even those that were asked for', async () => {
    const { code, stdout, stderr } = await run('--degraded', '--memory', '64m', '--pids', '4')
    assert.equal(code, 0, stdout + stderr)
    const { receipt, ...document } = runDocumentSchema.parse(JSON.parse(stdout))
    assert.equal(document.stdout, '[hello]\n')
    const unheld = ['cpuCores', 'cpuShares', 'cpuTimeMs', 'idleTimeMs', 'memoryBytes', 'pids']
    for (const limit of unheld) {
      assert.ok(receipt.isolation.missing.includes(`limit:${limit}`), limit)
      assert.equal(limit in receipt.limits, false, limit)
    }
    assert.ok(receipt.limits.wallTimeMs !== undefined && receipt.limits.diskBytes !== undefined)
    assert.ok(receipt.isolation.layers.includes('seccomp-allow-list'))
    assert.ok(receipt.isolation.layers.includes(`uid-${ORDINARY_UID}`))
    assert.match(stderr, /nothing held it to a limit on cpuCores, .*memoryBytes, pids/)
  })
})

interface LauncherProcess {
  readonly pid: number
  readonly uid: number
  /** Of its socket. */
  readonly folder: string
}

/** The launcher itself: the first of those that have its command line. */
async function launcherOf(processes: readonly number[]): Promise<LauncherProcess> {
  for (const pid of processes.toSorted((a, b) => a - b)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const socket = /\0--socket\0([^\0]+)/.exec(command)?.[1]
    if (socket === undefined) continue
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return { pid, uid: Number(/^Uid:\t(\d+)/m.exec(status)?.[1]), folder: dirname(socket) }
  }
  throw new Error('there is no launcher')
}
