import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Client } from '../../src/client/connect.ts'
import { taskFromCommandLine } from '../../src/client/load-task.ts'
import { keyOfPrivateKey, type Key } from '../../src/identity/key-file.ts'
import { signTask } from '../../src/identity/task.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { createHost, type NetworkHost } from '../../src/protocol/network/host.ts'
import type { ProviderConnection } from '../../src/protocol/network/task-client.ts'
import { BLOB_PROTOCOL, TASK_PROTOCOL } from '../../src/protocol/network/wire-limits.ts'
import type { Receipt, SignedTask } from '../../src/protocol/receipt.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'
import { framed, openRaw, readToEnd, startRawPeer } from '../fixtures/raw-peer.ts'

const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const REPORT_MEMORY = new URL('../fixtures/report-memory.ts', import.meta.url).href

describe('a provider among hostile requesters', function () {
  this.timeout(180_000)
  let dir: string
  let provider: ProviderProcess
  let honest: Client
  let stranger: NetworkHost
  let connection: ProviderConnection
  let victim: { readonly receipt: Receipt; readonly spec: Uint8Array }
  const honestKey = keyOf(31)
  const strangerKey = keyOf(32)

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hostile-'))
    provider = await startProvider({ dir, nodeFlags: ['--expose-gc', '--import', REPORT_MEMORY] })
    honest = await connect({ to: provider.multiaddr, key: honestKey })
    stranger = await createHost({ privateKey: strangerKey.privateKey, listen: [] })
    connection = await stranger.connect({ multiaddr: provider.multiaddr })
    const task = await taskFromCommandLine({
      wasm: await wasmProgram('write-outputs'),
      baseDir: '/',
      args: ['/out'],
      outputs: [{ path: '/out' }],
    })
    const { receipt } = await (await honest.submit({ task })).result()
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 0 })
    assert.ok(receipt.outputs.length > 0)
    victim = { receipt, spec: task.bytes }
  })
  after(async () => {
    await honest?.close()
    await stranger?.stop()
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  it('tells nothing of another’s task, result or blobs: what is not yours does not exist', async () => {
    const { taskId, outputs } = victim.receipt
    const unknown = `0x${'00'.repeat(32)}`
    for (const id of [taskId, unknown]) {
      await assert.rejects(connection.show(id), isNotFound)
      await assert.rejects(connection.cancel(id), isNotFound)
      await assert.rejects(drain(connection.follow({ taskId: id, offsets: { stdout: 0, stderr: 0 } })), isNotFound)
    }
    assert.deepEqual(await connection.list(), [])
    const [output] = outputs
    assert.ok(output !== undefined && 'sha256' in output)
    for (const sha256 of [output.sha256, '00'.repeat(32)]) {
      await assert.rejects(drain(connection.readBlob({ blob: { sha256, bytes: output.bytes }, offset: 0 })), isNotFound)
    }
    assert.equal((await honest.task(taskId).show()).state, 'finished')
  })

  it('cannot be made to run with the digest of another’s file what it was not sent', async () => {
    const [output] = victim.receipt.outputs
    assert.ok(output !== undefined && 'sha256' in output)
    const spec = JSON.parse(Buffer.from(victim.spec).toString()) as Record<string, unknown>
    const stolen = {
      ...spec,
      inputs: [{ source: { sha256: output.sha256, bytes: output.bytes }, target: '/in/stolen' }],
      queueTimeoutMs: 2_000,
    }
    await stranger.serveBlobs({ open: async () => undefined })
    const { events } = await connection.submitAndFollow(signed(stolen, strangerKey))
    const last = await drain(events)
    assert.equal(last?.kind, 'finished')
    assert.ok(last.result.kind === 'failed')
    assert.equal(last.result.error.code, 'BLOB_UNAVAILABLE')
  })

  it('refuses what was replayed, altered, expired or meant for others, saying so', async () => {
    const spec = JSON.parse(Buffer.from(victim.spec).toString()) as Record<string, unknown>
    const own = signed({ ...spec, queueTimeoutMs: 1 }, strangerKey)
    await connection.submit(own)
    await refusedWith(own, 'REPLAYED')
    await refusedWith(signed(spec, honestKey), 'BAD_SIGNATURE')
    const altered = signed(spec, strangerKey)
    await refusedWith(
      { ...altered, authorization: { ...altered.authorization, expiryMs: altered.authorization.expiryMs + 1 } },
      'BAD_SIGNATURE',
    )
    await refusedWith({ ...altered, spec: Buffer.concat([altered.spec, Buffer.from(' ')]) }, 'BAD_SIGNATURE')
    await refusedWith(signed(spec, strangerKey, { expiryMs: Date.now() - 1 }), 'EXPIRED')
    await refusedWith(signed(spec, strangerKey, { expiryMs: Date.now() + 2 * HOUR_MS }), 'EXPIRY_TOO_FAR')
    await refusedWith(signed(spec, strangerKey, { provider: strangerKey.address }), 'FOREIGN_PROVIDER')
    await refusedWith(signed(spec, strangerKey, { chainId: 1 }), 'FOREIGN_CHAIN')
  })

  it('lives through a thousand malformed frames and a hundred malformed tasks in bounded memory', async () => {
    await sendMalformedFrames(100)
    await sendMalformedTasks(10)
    const before = await rssAfterCollection()
    await sendMalformedFrames(1_000)
    await sendMalformedTasks(100)
    const after = await rssAfterCollection()
    assert.ok(after - before <= 16 * MIB, `memory grew by ${((after - before) / MIB).toFixed(1)} MiB`)

    const task = await taskFromCommandLine({ wasm: await wasmProgram('exit-code'), baseDir: '/', args: ['7'] })
    const { receipt } = await (await honest.submit({ task })).result()
    assert.deepEqual(receipt.outcome, { kind: 'exited', code: 7 })
  })

  function signed(
    spec: unknown,
    key: Key,
    terms: { readonly expiryMs?: number; readonly provider?: string; readonly chainId?: number } = {},
  ): SignedTask {
    return signTask({
      spec: new TextEncoder().encode(JSON.stringify(spec)),
      key,
      provider: provider.address,
      maxPriceWei: '0',
      chainId: 0,
      expiryMs: Date.now() + 60_000,
      ...terms,
    }).task
  }

  async function refusedWith(task: SignedTask, reason: string): Promise<void> {
    await assert.rejects(connection.submit(task), (error) => {
      assert.ok(isSoukError(error, 'REFUSED'), String(error))
      assert.deepEqual(
        error.details.reasons.map((refusal) => refusal.reason),
        [reason],
      )
      return true
    })
  }

  async function sendMalformedTasks(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const malformed = MALFORMED_SPECS[n % MALFORMED_SPECS.length]?.(n)
      const spec =
        typeof malformed === 'string'
          ? new TextEncoder().encode(malformed)
          : new TextEncoder().encode(JSON.stringify(malformed))
      const { task } = signTask({
        spec,
        key: strangerKey,
        provider: provider.address,
        maxPriceWei: '0',
        chainId: 0,
        expiryMs: Date.now() + 60_000,
      })
      await assert.rejects(connection.submit(task), (error) => {
        assert.ok(isSoukError(error, 'INVALID_INPUT'), `task ${n}: ${String(error)}`)
        assert.ok(error.details.issues.length > 0)
        return true
      })
    }
  }

  /** Each on a stream of its own; the provider answers with an error or resets the stream, and never hangs. */
  async function sendMalformedFrames(count: number): Promise<void> {
    const raw = await startRawPeer({ seed: 33 })
    try {
      const valid = encodeRequest({ id: 1, kind: 'submit', task: signed({ version: 1 }, strangerKey) })
      for (let n = 0; n < count; n += 1) {
        const stream = await openRaw(raw, provider.multiaddr, n % 3 === 0 ? BLOB_PROTOCOL : TASK_PROTOCOL)
        const ended = readToEnd(stream)
        stream.send(MALFORMED_FRAMES[n % MALFORMED_FRAMES.length]?.(valid) ?? valid)
        await stream.close().catch(() => undefined)
        await ended
      }
    } finally {
      await raw.stop()
    }
  }

  async function rssAfterCollection(): Promise<number> {
    const mark = provider.log().length
    process.kill(provider.pid, 'SIGUSR2')
    for (;;) {
      const report = /\{"rssBytes":(\d+),/.exec(provider.log().slice(mark))
      if (report !== null) return Number(report[1])
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})

const MALFORMED_FRAMES: readonly ((valid: Uint8Array) => Uint8Array)[] = [
  () => framed(randomBytes(randomInt(1, 2_000))),
  () => randomBytes(randomInt(1, 200)),
  (valid) => framed(valid.subarray(0, randomInt(1, valid.length))),
  (valid) => {
    const flipped = Uint8Array.from(valid)
    flipped[randomInt(0, 12)]! ^= 1 << randomInt(0, 8)
    return framed(flipped)
  },
  () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  (valid) => Buffer.concat([framed(valid).subarray(0, 5), randomBytes(50)]),
]

const MALFORMED_SPECS: readonly ((n: number) => unknown)[] = [
  () => '{"version":1',
  () => 'null',
  () => '[]',
  (n) => '['.repeat(1_000 + n),
  (n) => ({ version: n + 2 }),
  () => ({ version: 1, name: '', runtime: {}, command: 'x' }),
  (n) => ({ ...VALID_SPEC, unknownKey: n }),
  () => ({ ...VALID_SPEC, inputs: [{ source: { sha256: 'zz', bytes: 1 }, target: '/in' }] }),
  () => ({ ...VALID_SPEC, inputs: [{ source: VALID_SPEC.runtime.module, target: '/in/../../etc/passwd' }] }),
  () => ({ ...VALID_SPEC, outputs: [{ path: '/' }] }),
  (n) => ({ ...VALID_SPEC, env: { [`NUL${n}`]: 'a\0b' } }),
  () => ({ ...VALID_SPEC, command: Array.from({ length: 5_000 }, () => 'x') }),
  (n) => ({ ...VALID_SPEC, limits: { memoryBytes: -n - 1 } }),
  () => ({ ...VALID_SPEC, limits: { wallTimeMs: 1.5 } }),
  () => ({ ...VALID_SPEC, maxPriceWei: '1e18' }),
  () => ({ ...VALID_SPEC, network: 'host' }),
  () => '{"__proto__":{"version":1}}',
]

const VALID_SPEC = {
  version: 1,
  name: 'valid',
  runtime: { type: 'wasm', module: { sha256: '00'.repeat(32), bytes: 8 } },
  command: [],
  env: {},
  inputs: [],
  outputs: [],
  limits: {},
  network: 'none',
  retry: 0,
  maxPriceWei: '0',
  verify: 'once',
}

const isNotFound = (error: unknown): boolean => isSoukError(error, 'NOT_FOUND')

async function drain<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  let last: T | undefined
  for await (const item of items) last = item
  return last
}

function keyOf(seed: number): Key {
  const key = keyOfPrivateKey(new Uint8Array(32).fill(seed))
  assert.ok(key !== undefined)
  return key
}
