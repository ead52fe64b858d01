import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Client } from '../../src/client/connect.ts'
import { loadTask, type LoadedTask } from '../../src/client/load-task.ts'
import type { RemoteTask } from '../../src/client/remote-task.ts'
import { loadOrCreateKey } from '../../src/identity/key-file.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../src/protocol/execution.ts'
import { engineContents, launcherInstances, mountsBelow, runningContainers } from '../fixtures/left-on-host.ts'
import { leftoversOf } from '../fixtures/native-launcher.ts'
import { descendantsOf, processSet, survivorsIn, type ProcessSet } from '../fixtures/processes.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { assertSettledOnce } from '../fixtures/settled-once.ts'
import { startSouk, type RunningCommand } from '../fixtures/souk-command.ts'
import { prepareThreeRuntimes, type ThreeRuntimes } from '../fixtures/three-runtimes.ts'

const ROUNDS = 10
/** Twice of each runtime: one that is over soon, one that takes a while, one that is tried again. */
const PER_ROUND = 18
/** In which tasks are submitted, one after the other: each kill meets tasks of every age, some that wait and some yet to come. */
const SUBMIT_MS = 600
/** After which the provider is killed, at the latest. */
const LIFE_MS = 1200
/** What stands beside has to last longer than all rounds do. */
const FOREVER_MS = 3_600_000
const GONE_WITHIN_MS = 30_000

const CAPACITY = 'capacity: {slots: 6, cpu_cores: 6, memory: 2g}\npeers: {share: 1, unknown_share: 1}\n'

describe('a provider that is killed with tasks on every runtime', function () {
  this.timeout(480_000)
  let dir: string
  let runtimes: ThreeRuntimes
  const open = new AsyncDisposableStack()

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-crash-'))
    open.defer(() => rm(dir, { recursive: true, force: true }))
    runtimes = await prepareThreeRuntimes({ programs: ['exit-code', 'pause'] })
    open.defer(() => runtimes.stop())
  })
  after(() => open.disposeAsync())

  const task = (request: {
    runtime: RuntimeName
    program: string
    args: string[]
    retry?: number
  }): Promise<LoadedTask> => {
    const { runtime, program, args, retry = 0 } = request
    const text = JSON.stringify({
      version: 1,
      name: `${runtime} ${program}`,
      runtime: runtimes.source(runtime, program),
      command: args,
      retry,
    })
    return loadTask({ text, format: 'json', baseDir: '/' })
  }

  it(`loses nothing, leaves nothing, and its successors touch nothing that is another's, ${ROUNDS} times at random instants`, async () => {
    const config = `${CAPACITY}${runtimes.config}`
    // Their containers are counted.
    const neighbourly = `${CAPACITY}${runtimes.configWith({ prewarm: 0 })}`
    const neighbours = await startNeighbours({ dir, runtimes, config: neighbourly, task, open })

    let provider = await startProvider({ dir: join(dir, 'killed'), config })
    open.defer(async () => void (await provider.end('SIGKILL')))
    const port = Number(/\/tcp\/(\d+)\//.exec(provider.multiaddr)?.[1])
    const client = await connect({
      to: provider.multiaddr,
      key: await loadOrCreateKey({ file: join(dir, 'requester.key') }),
    })
    open.defer(() => client.close())
    const tasks = await Promise.all(
      RUNTIME_NAMES.flatMap((runtime) => [
        task({ runtime, program: 'exit-code', args: ['7'] }),
        task({ runtime, program: 'pause', args: ['400'] }),
        task({ runtime, program: 'pause', args: ['400'], retry: 10 }),
      ]),
    )

    const accepted = new Map<string, string>()
    const sandboxes: ProcessSet[] = []
    let containersSeen = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const submits = Array.from({ length: PER_ROUND }, async (_, index) => {
        await sleep((index * SUBMIT_MS) / PER_ROUND)
        return submit(client, tasks[(index + round) % tasks.length])
      })
      // At random within a tenth of its life, each time another: no part of it is left out.
      await sleep((round * LIFE_MS + randomInt(0, LIFE_MS)) / ROUNDS)
      sandboxes.push(await processSet(await descendantsOf(provider.pid)))
      containersSeen += (await runningContainers(runtimes.dockerSocket)).length - neighbours.containers.length
      await provider.end('SIGKILL')
      provider = await startProvider({ dir: join(dir, 'killed'), config, port })
      for (const { taskId, name } of await Promise.all(submits)) accepted.set(taskId, name)
    }
    const instances = await launcherInstances(await descendantsOf(provider.pid))

    const completed = new Set<string>()
    for (const [taskId, name] of accepted) {
      try {
        const { receipt } = await client.task(taskId).result({ signal: AbortSignal.timeout(120_000) })
        assert.equal(receipt.outcome.kind, 'exited', `${name} ${taskId}: ${JSON.stringify(receipt.outcome)}`)
        completed.add(name)
      } catch (error) {
        assert.ok(
          isSoukError(error, 'PROVIDER_STOPPED'),
          `${name} ${taskId}: ${(error as Error).stack}\n${provider.log().slice(-4000)}`,
        )
      }
    }
    assert.equal(accepted.size, ROUNDS * PER_ROUND)
    // With ten retries each of these has come through at some time, whatever it was killed in.
    for (const runtime of RUNTIME_NAMES)
      assert.ok(completed.has(`${runtime} pause`), `no ${runtime} task has come to its end`)
    assert.ok(containersSeen > 0, 'never was a container there to be left behind')
    assert.equal(instances.size, 1, `launchers of the killed node: ${[...instances].join(', ')}`)

    await client.close()
    assert.equal(await provider.end('SIGTERM'), 0, provider.log())
    const data = join(dir, 'killed', 'data')
    assertSettledOnce({ file: join(data, 'journal.sqlite'), accepted: [...accepted.keys()] })
    for (const each of sandboxes)
      assert.deepEqual(await survivorsIn(each, { withinMs: GONE_WITHIN_MS }), [], 'processes of sandboxes are left')
    for (const instance of instances) assert.deepEqual(await leftoversOf(instance), [])
    assert.deepEqual(await mountsBelow(data), [], 'mounts are left')
    assert.deepEqual(await readdir(join(data, 'work')).catch(() => []), [], 'scratch folders are left')
    assert.deepEqual(
      (await filesBelow(join(data, 'instances'))).toSorted(),
      ['boot', 'id'],
      'files of the runtimes are left',
    )
    assert.deepEqual(
      (await engineContents(runtimes.dockerSocket)).containers,
      neighbours.containers,
      'containers are left',
    )

    await neighbours.assertUntouched()
    await neighbours.end()
    assert.deepEqual(await engineContents(runtimes.dockerSocket), { containers: [], volumes: [] })
    const engineMounts = await mountsBelow(dirname(runtimes.dockerSocket))
    assert.deepEqual(
      engineMounts.filter((mount) => mount.includes('/netns/')),
      [],
      'network namespaces are left',
    )
  })
})

interface Neighbours {
  /** Ids of the containers that are theirs. */
  readonly containers: readonly string[]
  /** Every process and container of theirs is still the one that it was. */
  assertUntouched(): Promise<void>
  /** Cancels what they run: each task has to have been alive until then. */
  end(): Promise<void>
}

/** A second node and `--local` runs on the same machine and engine, each with tasks on every runtime that go on for ever. */
async function startNeighbours(options: {
  readonly dir: string
  readonly runtimes: ThreeRuntimes
  readonly config: string
  readonly task: (request: { runtime: RuntimeName; program: string; args: string[] }) => Promise<LoadedTask>
  readonly open: AsyncDisposableStack
}): Promise<Neighbours> {
  const { dir, runtimes, config, open } = options
  const folder = join(dir, 'neighbour')
  const provider: ProviderProcess = await startProvider({ dir: folder, config })
  open.defer(async () => void (await provider.end('SIGKILL')))
  const client = await connect({
    to: provider.multiaddr,
    key: await loadOrCreateKey({ file: join(dir, 'neighbour.key') }),
  })
  open.defer(() => client.close())
  const remote: RemoteTask[] = []
  for (const runtime of RUNTIME_NAMES) {
    const submitted = await client.submit({
      task: await options.task({ runtime, program: 'pause', args: [`${FOREVER_MS}`] }),
    })
    await started(submitted)
    remote.push(submitted)
  }
  const local: RunningCommand[] = []
  for (const runtime of RUNTIME_NAMES) {
    const home = join(folder, `home-${runtime}`)
    await mkdir(home, { recursive: true })
    const file = join(folder, `${runtime}.json`)
    await writeFile(
      file,
      JSON.stringify({ version: 1, runtime: runtimes.source(runtime, 'pause'), command: [`${FOREVER_MS}`] }),
    )
    const running = startSouk({ args: ['run', '--local', '--config', join(folder, 'provider.yaml'), file], home })
    open.defer(() => void running.child.kill('SIGKILL'))
    await running.says('before')
    local.push(running)
  }
  const roots = [provider.pid, ...local.map(({ child }) => child.pid ?? 0)]
  const below = await Promise.all(roots.map(descendantsOf))
  const processes = await processSet([...roots, ...below.flat()])
  const containers = await runningContainers(runtimes.dockerSocket)
  assert.equal(containers.length, 2, 'one of the node and one of the local run')

  return {
    containers,
    async assertUntouched() {
      assert.deepEqual(await runningContainers(runtimes.dockerSocket), containers)
      assert.deepEqual(
        await survivorsIn(processes, { withinMs: 0 }),
        [...processes.keys()],
        'processes of the neighbours have ended',
      )
    },
    async end() {
      for (const each of remote) {
        await each.cancel()
        const { receipt } = await each.result({ signal: AbortSignal.timeout(60_000) })
        assert.deepEqual(receipt.outcome, { kind: 'cancelled' })
      }
      await client.close()
      assert.equal(await provider.end('SIGTERM'), 0, provider.log())
      for (const { child, ended } of local) {
        child.kill('SIGINT')
        const { code, stdout, stderr } = await ended
        assert.equal(code, 130, stdout + stderr)
      }
      assert.deepEqual(await survivorsIn(processes, { withinMs: GONE_WITHIN_MS }), [])
    },
  }
}

async function started(task: RemoteTask): Promise<void> {
  for await (const event of task.events({ signal: AbortSignal.timeout(60_000) })) if (event.kind === 'output') return
  throw new Error('the task ended before it said anything')
}

async function submit(client: Client, task: LoadedTask | undefined): Promise<{ taskId: string; name: string }> {
  assert.ok(task !== undefined)
  const { taskId } = await client.submit({ task, signal: AbortSignal.timeout(120_000) })
  return { taskId, name: task.spec.name }
}

/** Names of files and sockets, not of folders. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
}
