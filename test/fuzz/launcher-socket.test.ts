import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { buildPrograms, type BuiltProgram } from '../../scripts/build-programs.ts'
import { createCappedStorage } from '../../src/native/capped-storage.ts'
import {
  createFrameDecoder,
  encodeCollect,
  encodeCredit,
  encodeDataHeader,
  encodeEnd,
  encodeKill,
  encodeRelease,
  encodeRequest,
  encodeResize,
  type LauncherFrame,
} from '../../src/native/launcher-frames.ts'
import { createRecordWriter } from '../../src/native/launcher-records.ts'
import {
  adoptRequest,
  helloRequest,
  leaseRequest,
  REQUEST,
  taskRequest,
  unmountRequest,
} from '../../src/native/request.ts'
import { settled } from '../conformance/leftovers.ts'
import { startSanitizedLauncher, type SanitizedLauncher } from '../fixtures/sanitized-launcher.ts'
import { descendantsOf } from '../fixtures/processes.ts'

/*
 * Clients that keep to no order speak to the whole launcher, built with the sanitizers, while tasks of theirs really run. It has to answer each in
 * frames, outlive them all, and keep nothing of them.
 */

const CLIENTS_AT_ONCE = 8
/** What a client does at most after its last word; then it is gone, whatever runs for it. */
const PATIENCE_MS = 400
const FUZZ_MS = 15_000
const MARK = `SOUK_FUZZ=${process.pid}`
const NOBODY = { uid: 65_534, gid: 65_534 }
const MIB = 1024 * 1024

/** How it begins. */
type Opening =
  | {
      readonly kind: 'run'
      readonly program: string
      readonly command: readonly string[]
      readonly outputs: readonly string[]
      /** Further channels: descriptor, and 0 (to the task) or 1. */
      readonly channels: readonly (readonly [number, number])[]
    }
  | { readonly kind: 'lease'; readonly outputs: readonly string[]; readonly outlivesNode: boolean }
  | { readonly kind: 'hello' | 'adopt' | 'unmount' | 'nothing' }
type Frame =
  | { readonly kind: 'data' | 'credit'; readonly channel: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly channel: number }
  | { readonly kind: 'resize'; readonly diskBytes: number; readonly inodes: number }
  | { readonly kind: 'kill' | 'collect' | 'release' | 'hello' }
  | { readonly kind: 'bytes'; readonly hex: string }
type Action =
  | { readonly kind: 'send'; readonly frames: readonly Frame[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'read' | 'started' | 'half-close' }
interface Client {
  readonly opening: Opening
  /** Of the opening frame, sent before a pause; all of it where absent. */
  readonly cutAt: number | null
  readonly actions: readonly Action[]
  /** Takes what is said to it from the beginning. */
  readonly reads: boolean
  readonly leaves: 'at once' | 'at the end' | 'in the middle of a frame'
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const opening: fc.Arbitrary<Opening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      program: fc.constantFrom(
        'cat',
        'flood',
        'spin',
        'sleep',
        'exit-code',
        'write-outputs',
        'odd-results',
        'daemon',
        'none',
      ),
      command: fc.constantFrom([], ['/out']),
      outputs: fc.constantFrom([], ['/out'], ['/out', '/out2']),
      channels: fc.uniqueArray(fc.tuple(fc.integer({ min: 3, max: 15 }), fc.integer({ min: 0, max: 1 })), {
        selector: ([descriptor]) => descriptor,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lease' as const),
      outputs: fc.constantFrom([], ['/out']),
      outlivesNode: fc.boolean(),
    }),
  },
  fc.constantFrom<Opening>({ kind: 'hello' }, { kind: 'adopt' }, { kind: 'unmount' }, { kind: 'nothing' }),
)
const channel = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 2 }) },
  fc.integer({ min: 3, max: 15 }),
  fc.constantFrom(16, 255),
)
const frame: fc.Arbitrary<Frame> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('data' as const),
      channel,
      bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(65_535, 65_536, 65_537)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), channel }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('credit' as const),
      channel,
      bytes: fc.oneof(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(0, 262_144, 2 ** 31, 2 ** 32 - 1)),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Frame>({ kind: 'kill' }) },
  fc.record({
    kind: fc.constant('resize' as const),
    diskBytes: fc.constantFrom(0, 1, 4096, MIB, 2 ** 53 - 1),
    inodes: fc.constantFrom(0, 1, 100, 2 ** 53 - 1),
  }),
  fc.constantFrom<Frame>({ kind: 'collect' }, { kind: 'release' }, { kind: 'hello' }),
  fc.record({ kind: fc.constant('bytes' as const), hex: fc.uint8Array({ minLength: 1, maxLength: 20 }).map(hexOf) }),
)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      frames: fc.array(frame, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 3, arbitrary: fc.constant<Action>({ kind: 'started' }) },
  fc.constantFrom<Action>({ kind: 'read' }, { kind: 'half-close' }),
)
const client: fc.Arbitrary<Client> = fc.record({
  opening,
  cutAt: fc.option(fc.nat({ max: 400 }), { freq: 8 }),
  actions: fc.array(action, { maxLength: 8 }),
  reads: fc.boolean(),
  leaves: fc.constantFrom('at once', 'at the end', 'in the middle of a frame'),
})

describe('the launcher’s socket, fuzzed', function () {
  this.timeout(170_000)
  let place: SanitizedLauncher
  let programs: ReadonlyMap<string, BuiltProgram>
  let number = 0
  const playing: Promise<void>[] = []

  before(async () => {
    programs = await buildPrograms({ runtime: 'native' })
    place = await startSanitizedLauncher()
  })
  after(async () => {
    // When the time is up some are still at it, and what outlives them is not the launcher's to remove.
    await Promise.allSettled(playing)
    await createCappedStorage(place.launcher).unmountLeftovers({ folder: place.stateDir, keep: [] })
    await place.remove()
  })

  const openingFrame = (from: Opening, folder: string): Buffer => {
    switch (from.kind) {
      case 'run':
        return encodeRequest(Buffer.concat([runRecords(from, programs), channelRecords(from.channels)]))
      case 'lease':
        return encodeRequest(leaseRequest({ ...from, mountPoint: folder, diskBytes: MIB, inodes: 20, ...NOBODY }))
      case 'hello':
        return encodeRequest(helloRequest())
      case 'adopt':
        return encodeRequest(adoptRequest({ mountPoint: folder, outputs: [] }))
      case 'unmount':
        return encodeRequest(unmountRequest(folder))
      case 'nothing':
        return Buffer.alloc(0)
    }
  }
  /** What was to outlive its client goes when somebody says so. */
  const unmounted = async (folder: string): Promise<void> => {
    const socket = connect({ path: place.socket })
    socket.on('error', () => {})
    socket.resume()
    socket.end(encodeRequest(unmountRequest(folder)))
    await once(socket, 'close')
  }
  const play = async (each: Client): Promise<void> => {
    const folder = join(place.stateDir, `client-${(number += 1)}`)
    await mkdir(folder)
    const socket = connect({ path: place.socket })
    await once(socket, 'connect')
    const heard = listen(socket, { lease: each.opening.kind === 'lease' })
    if (!each.reads) socket.pause()
    const first = openingFrame(each.opening, folder)
    if (each.cutAt !== null) {
      socket.write(first.subarray(0, each.cutAt))
      await sleep(2)
    }
    socket.write(first.subarray(each.cutAt ?? 0))
    for (const one of each.actions) await act(one, { socket, heard })
    if (each.leaves === 'in the middle of a frame') socket.write(encodeCredit(1, 1).subarray(0, 7))
    if (each.leaves === 'at the end') await Promise.race([heard.over, sleep(PATIENCE_MS, undefined, { ref: false })])
    socket.destroy()
    assert.equal(heard.problem(), undefined)
    // A keeper that is still at it mounts there, and unmounts, once it sees that nobody listens.
    const removed = async (): Promise<string> => {
      if (each.opening.kind === 'lease' && each.opening.outlivesNode) await unmounted(folder)
      return rm(folder, { recursive: true }).then(() => '', String)
    }
    await settled('the folder of a lease', removed, '')
  }

  it('answers whatever comes in whatever order, and keeps nothing of it', async () => {
    for (const kind of ['hello', 'nothing'] as const)
      await play({ opening: { kind }, cutAt: null, actions: [], reads: true, leaves: 'at the end' })
    await settled(
      'a steady state',
      async () => {
        const before = await heldBy(place)
        await sleep(300)
        return additions(before, await heldBy(place))
      },
      '',
    )
    const baseline = await heldBy(place)
    await fc.assert(
      fc.asyncProperty(
        fc.array(client, { minLength: CLIENTS_AT_ONCE, maxLength: CLIENTS_AT_ONCE }),
        async (clients) => {
          const plays = clients.map(play)
          playing.push(...plays)
          await Promise.all(plays)
          assert.equal(await saysHello(place), true, 'the launcher does not answer any more')
          place.assertQuiet()
          await settled('what is left of clients', async () => additions(baseline, await heldBy(place)), '')
        },
      ),
      { numRuns: 1000, endOnFailure: true, plugins: [fc.interruptAfterTimeLimit(FUZZ_MS)] },
    )
  })
})

function runRecords(run: Extract<Opening, { kind: 'run' }>, programs: ReadonlyMap<string, BuiltProgram>): Buffer {
  const source = programs.get(run.program)?.source ?? '/nowhere/program'
  const [key = '', value = ''] = MARK.split('=')
  return taskRequest({
    task: {
      runtime: 'native',
      name: run.program,
      root: { kind: 'program', source, sha256: '', bytes: 0 },
      command: run.command,
      env: { [key]: value },
      inputs: [],
      outputs: run.outputs.map((path) => ({ path })),
    },
    limits: {
      cpuCores: 1,
      cpuTimeMs: 300,
      wallTimeMs: 1000,
      memoryBytes: 32 * MIB,
      diskBytes: MIB,
      inodes: 50,
      outputBytes: MIB,
      openFiles: 32,
      pids: 8,
    },
    root: { kind: 'program', source },
    identity: NOBODY,
  })
}

function channelRecords(channels: readonly (readonly [number, number])[]): Buffer {
  const records = createRecordWriter()
  for (const [descriptor, direction] of channels) records.bytes(REQUEST.channel, Buffer.of(descriptor, direction))
  return records.end()
}

function bytesOf(each: Frame): Buffer {
  switch (each.kind) {
    case 'data':
      return Buffer.concat([encodeDataHeader(each.channel, each.bytes), Buffer.alloc(each.bytes, 'x')])
    case 'credit':
      return encodeCredit(each.channel, each.bytes)
    case 'end':
      return encodeEnd(each.channel)
    case 'kill':
      return encodeKill()
    case 'collect':
      return encodeCollect()
    case 'release':
      return encodeRelease()
    case 'resize':
      return encodeResize(each)
    case 'hello':
      return encodeRequest(helloRequest())
    case 'bytes':
      return Buffer.from(each.hex, 'hex')
  }
}

interface Heard {
  /** Resolves with the first frame, or the end of the connection. */
  readonly first: Promise<void>
  /** Resolves when the connection is over. */
  readonly over: Promise<void>
  /** What of it was no answer. */
  problem(): string | undefined
}

const FROM_TASK: ReadonlySet<LauncherFrame['kind']> = new Set(['data', 'end'])

/** Takes apart what the launcher says: frames, `started` before anything else, and nothing after the last word. */
function listen(socket: Socket, { lease }: { readonly lease: boolean }): Heard {
  const first = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const kinds: LauncherFrame['kind'][] = []
  let problem: string | undefined
  const decoder = createFrameDecoder(({ kind }) => {
    const last = kinds.at(-1)
    // A lease answers each COLLECT and RESIZE, and goes on.
    if ((last === 'failed' || last === 'done') && !lease) problem ??= `${kind} after ${last}`
    // What was sent before the start may have been taken already.
    if (kind === 'credit') return
    if (kind === 'started' && kinds.length > 0) problem ??= `started after ${kinds.join()}`
    if (FROM_TASK.has(kind) && kinds[0] !== 'started') problem ??= `${kind} after ${kinds.join()}`
    if (kind !== 'data' || last !== 'data') kinds.push(kind)
    first.resolve()
  })
  socket.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk)
    } catch (error) {
      problem ??= String(error)
    }
  })
  // A connection that is closed with bytes unread tells so by an error (unix(7)).
  socket.on('error', () => {})
  socket.on('close', () => {
    first.resolve()
    over.resolve()
  })
  return { first: first.promise, over: over.promise, problem: () => problem }
}

async function act(one: Action, { socket, heard }: { readonly socket: Socket; readonly heard: Heard }): Promise<void> {
  switch (one.kind) {
    case 'send':
      if (socket.writable) socket.write(Buffer.concat(one.frames.map(bytesOf)))
      return
    case 'wait':
      await sleep(one.ms)
      return
    case 'read':
      socket.resume()
      return
    case 'started':
      socket.resume()
      await Promise.race([heard.first, sleep(PATIENCE_MS, undefined, { ref: false })])
      return
    case 'half-close':
      socket.end()
  }
}

/** Asked over a connection of its own: the launcher's own face asks once. */
async function saysHello(place: SanitizedLauncher): Promise<boolean> {
  const connection = await place.launcher.connect({ inputs: [], outputs: [] })
  connection.request(helloRequest())
  const { kind } = await connection.next()
  connection.destroy()
  return kind === 'report'
}

/** Everything on this host that is the launcher's or a task's of its, how often: processes, control groups, mounts, descriptors. */
async function heldBy(place: SanitizedLauncher): Promise<ReadonlyMap<string, number>> {
  const held = new Map<string, number>()
  const add = (what: string): void => void held.set(what, (held.get(what) ?? 0) + 1)
  const below = new Set(await descendantsOf(place.pid))
  for (const name of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const content = (file: string): Promise<string> => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '') // it is gone
    if (below.has(Number(name))) add(`process ${(await content('comm')).trim()}`)
    else if ((await content('environ')).includes(MARK)) add('process of a task')
  }
  // Numbers of processes, which groups and command lines have in them, are others each time.
  for (const line of await place.leftovers()) add(line.replaceAll(place.instance, 'ID').replaceAll(/\d+/g, 'N'))
  for (const descriptor of await readdir(`/proc/${place.pid}/fd`)) {
    const target = await readlink(`/proc/${place.pid}/fd/${descriptor}`).catch(() => undefined)
    if (target !== undefined) add(`descriptor ${target.replace(/:\[\d+\]$/, '')}`)
  }
  return held
}

function additions(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): string {
  return [...now]
    .filter(([what, count]) => count > (before.get(what) ?? 0))
    .map(([what, count]) => `${what} (${count - (before.get(what) ?? 0)})`)
    .join(', ')
}
