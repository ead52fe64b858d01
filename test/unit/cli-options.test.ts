import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import fc from 'fast-check'
import { LIMIT_OPTIONS } from '../../src/cli/limit-options.ts'
import { createLocalRunFolder, reapLocalRunFolders } from '../../src/cli/local-run-folder.ts'
import { repeatedKey } from '../../src/cli/repeated-key.ts'
import { keepSpec, sentSpec } from '../../src/cli/sent-specs.ts'
import { soukHome } from '../../src/cli/souk-home.ts'
import { shortTaskIds, wholeTaskId } from '../../src/cli/task-ids.ts'
import { overrideDraft, readOverrides, type TaskOptions } from '../../src/cli/task-overrides.ts'
import { signedReceipt, specText } from '../fixtures/receipts.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import type { TaskDraft } from '../../src/protocol/task-file.ts'

const read = (options: TaskOptions, limits: Readonly<Record<string, string>> = {}) =>
  readOverrides({ options, limits, cwd: '/work' })

async function usageMessage(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (thrown) {
    if (isSoukError(thrown, 'INVALID_USAGE')) return thrown.message
    throw thrown
  }
  throw new Error('nothing was wrong')
}

describe('options of souk run', () => {
  it('name a class of runtimes for what an engine runs, and ask WebAssembly alone to be deterministic', async () => {
    const overrides = await read({ class: 'runsc' }, { gpus: '2' })
    assert.deepEqual(overrides, { wishes: { class: 'runsc' }, limits: { gpus: 2 } })
    const draft = (runtime: TaskDraft['runtime']): TaskDraft => ({
      ...{ command: [], env: {}, inputs: [], outputs: [], limits: {}, retry: 0, maxPriceWei: '0' },
      runtime,
    })
    const archive = { file: './image.tar' }
    for (const runtime of [{ type: 'docker', image: 'a' }, { image: 'a' }, { type: 'docker', archive }] as const)
      assert.deepEqual(overrideDraft(draft(runtime), overrides).runtime, { ...runtime, type: 'docker', class: 'runsc' })
    for (const runtime of [{ module: 'a' }, { archive }, { type: 'native', image: 'a' }, { program: 'a' }] as const)
      assert.match(
        await usageMessage(Promise.resolve().then(() => overrideDraft(draft(runtime), overrides))),
        /^--class goes with Docker/,
      )
    assert.deepEqual(overrideDraft(draft({ module: 'a' }), {}).runtime, { module: 'a' })
    const same = await read({ deterministic: true }, { fuel: '1000000000' })
    assert.deepEqual(same, { wishes: { deterministic: true }, limits: { fuel: 1_000_000_000 } })
    assert.deepEqual(overrideDraft(draft({ module: 'a' }), same).runtime, { module: 'a', deterministic: true })
    assert.match(
      await usageMessage(Promise.resolve().then(() => overrideDraft(draft({ program: 'a' }), same))),
      /^--deterministic goes with WebAssembly/,
    )
    for (const name of ['../runc', '', '-x'])
      assert.match(await usageMessage(read({ class: name })), /^--class must be the name of a runtime class/)
  })

  it('say what a task file would say', async () => {
    const overrides = await read(
      {
        name: 'n',
        env: ['A=1', 'B=x=y', 'C='],
        input: ['a.txt:/in/a', '/b:c:/in/b'],
        output: ['/out'],
        stdin: 's.txt',
        workdir: '/w',
        maxPrice: '7',
        retry: '2',
        verify: 'quorum(3)',
      },
      { memory: '64m', cpu: '0.5', pids: '3', timeout: '1m30s', queueTimeout: '5s', totalTimeout: '1h' },
    )
    assert.deepEqual(overrides, {
      name: 'n',
      workdir: '/w',
      env: { A: '1', B: 'x=y', C: '' },
      inputs: [
        { source: '/work/a.txt', target: '/in/a' },
        { source: '/b:c', target: '/in/b' },
      ],
      outputs: [{ path: '/out' }],
      stdin: { file: '/work/s.txt' },
      maxPriceWei: '7',
      retry: 2,
      verification: { kind: 'quorum', providers: 3 },
      limits: { memoryBytes: 64 * 1024 * 1024, cpuCores: 0.5, pids: 3, wallTimeMs: 90_000 },
      queueTimeoutMs: 5000,
      totalTimeoutMs: 3_600_000,
    })
    assert.deepEqual(await read({}), {})
  })

  it('are refused with the option and what would be right', async () => {
    assert.match(await usageMessage(read({ env: ['=x'] })), /^--env must be KEY=VALUE, not "=x"\.$/)
    assert.match(await usageMessage(read({ env: ['x'] })), /^--env must be KEY=VALUE/)
    assert.match(await usageMessage(read({ input: ['a.txt'] })), /^--input must be FILE:\/PATH/)
    assert.match(await usageMessage(read({ maxPrice: '-1' })), /^--max-price must be an amount in wei/)
    assert.match(await usageMessage(read({ verify: 'quorum(1)' })), /^--verify must be once, spot\(P\)/)
    assert.match(await usageMessage(read({ retry: 'x' })), /^--retry must be a whole number/)
    for (const { flags, attribute, kind } of LIMIT_OPTIONS) {
      const [option = ''] = flags.split(' ')
      for (const value of ['', 'x', '-1', '1e3', '0x10', 'NaN', '9'.repeat(40)]) {
        const message = await usageMessage(read({}, { [attribute]: value }))
        assert.ok(message.startsWith(`${option} must be `), `${kind} ${value}: ${message}`)
      }
    }
  })

  it('have an attribute each, as commander names it', () => {
    for (const { flags, attribute } of LIMIT_OPTIONS) {
      const name = flags.split(' ')[0]?.slice(2) ?? ''
      assert.equal(
        attribute,
        name.replaceAll(/-(.)/g, (_match, letter: string) => letter.toUpperCase()),
      )
    }
  })

  it('go before what the file says, and leave the rest', () => {
    const draft: TaskDraft = {
      name: 'file',
      runtime: { module: 'm.wasm' },
      command: ['x'],
      env: { A: '1', B: '2' },
      inputs: [
        { source: 'a', target: '/in/a' },
        { source: 'b', target: '/in/b' },
      ],
      outputs: [{ path: '/out' }],
      limits: { memoryBytes: 1, pids: 2 },
      queueTimeoutMs: 1,
      retry: 0,
      maxPriceWei: '5',
    }
    const overrides = {
      env: { B: '3' },
      limits: { pids: 9 },
      inputs: [{ source: '/c', target: '/in/b' }],
      outputs: [{ path: '/out' }, { path: '/more' }],
      retry: 1,
    }
    assert.deepEqual(overrideDraft(draft, overrides), {
      ...draft,
      env: { A: '1', B: '3' },
      limits: { memoryBytes: 1, pids: 9 },
      inputs: [
        { source: 'a', target: '/in/a' },
        { source: '/c', target: '/in/b' },
      ],
      outputs: [{ path: '/out' }, { path: '/more' }],
      retry: 1,
    })
    assert.deepEqual(overrideDraft(draft, {}), draft)
  })
})

describe('ids of tasks', () => {
  const ids = ['1a2b3c4d', '1a2b3c4dff', 'ffeeddcc'].map((start) => `0x${start.padEnd(64, '0')}`)
  const client = { list: () => Promise.resolve(ids.map((taskId) => ({ taskId }) as never)) }
  const whole = (id: string): Promise<string> => wholeTaskId({ id, client, signal: new AbortController().signal })

  it('may be their beginning, with or without 0x, in either case', async () => {
    assert.equal(await whole('0xFFEEDDCC'), ids[2])
    assert.equal(await whole('1a2b3c4dff'), ids[1])
    const unknown = `0x${'9'.repeat(64)}`
    assert.equal(await whole(unknown), unknown)
  })

  it('have to begin one task, and no other', async () => {
    assert.match(await usageMessage(whole('0x1a2b3c4d')), /^2 tasks begin with 0x1a2b3c4d/)
    assert.match(await usageMessage(whole('0x1a2b3c4')), /at least 8 hex digits/)
    assert.match(await usageMessage(whole('x'.repeat(500))), /is no task id/)
    assert.match(await usageMessage(whole(`0x${'1'.repeat(65)}`)), /is no task id/)
    await assert.rejects(whole('0x12345678'), { code: 'NOT_FOUND' })
  })

  it('are shown as short as they differ', () => {
    assert.deepEqual([...shortTaskIds(ids).values()], ['0x1a2b3c4d00', '0x1a2b3c4dff', '0xffeeddcc00'])
    assert.deepEqual([...shortTaskIds([]).values()], [])
    assert.deepEqual([...shortTaskIds(ids.slice(1)).values()], ['0x1a2b3c4d', '0xffeeddcc'])
  })
})

describe('keys that are twice in a JSON text', () => {
  it('are found wherever they are, however they are written', () => {
    assert.equal(repeatedKey('{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}]}'), undefined)
    assert.equal(repeatedKey('{"a":1,"b":{"c":2, "c":2}}'), 'c')
    assert.equal(repeatedKey('{"a":1,"\\u0061":2}'), 'a')
    assert.equal(repeatedKey('[{"x":[{"a":"{\\"a\\":1"}],"x":0}]'), 'x')
    assert.equal(repeatedKey('{"a:":"b","a":":"}'), undefined)
  })

  it('are never found in what JSON.stringify writes, and always where one is put in', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => repeatedKey(JSON.stringify(value)) === undefined))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const text = JSON.stringify(value)
        const [key = ''] = Object.keys(JSON.parse(text) as object)
        return repeatedKey(`${text.slice(0, -1)},${JSON.stringify(key)}:0}`) === key
      }),
    )
  })
})

describe('what a requester keeps', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-cli-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is below SOUK_HOME, where that is set', () => {
    assert.equal(soukHome({ SOUK_HOME: '/x/y' }).key, '/x/y/key')
    assert.match(soukHome({ SOUK_HOME: '' }).key, /\/\.souk\/key$/)
  })

  it('are folders of local runs, of which those of dead processes are removed once nothing is left of them, and no other', async () => {
    const parent = join(dir, 'local')
    const own = await createLocalRunFolder({ parent })
    const [namespace, pid, startTime, random] = basename(own).split('-')
    // The same pid, used by a process before this one; a process that cannot be; another pid namespace; not ours.
    const dead = [
      `${namespace}-${pid}-${Number(startTime) - 1}-${random}`,
      `${namespace}-4999999-${startTime}-${random}`,
    ]
    const foreign = `${Number(namespace) + 1}-${pid}-${startTime}-${random}`
    for (const name of [...dead, foreign, 'notes']) await mkdir(join(parent, name))
    const stubborn = join(parent, dead[0] ?? '')
    const looked: string[] = []
    const reap = async (folder: string): Promise<void> => {
      looked.push(basename(folder))
      if (folder === stubborn && looked.length <= dead.length) throw new Error('something is mounted there')
    }
    assert.equal(await reapLocalRunFolders({ parent, nowMs: Date.now(), reap }), 1)
    assert.deepEqual(looked.sort(), dead.sort())
    assert.deepEqual((await readdir(parent)).sort(), [basename(own), basename(stubborn), foreign, 'notes'].sort())
    assert.equal(await reapLocalRunFolders({ parent, nowMs: Date.now(), reap }), 1)
    assert.deepEqual((await readdir(parent)).sort(), [basename(own), foreign, 'notes'].sort())

    const long = new Date(Date.now() - 31 * 86_400_000)
    await utimes(join(parent, foreign), long, long)
    assert.equal(await reapLocalRunFolders({ parent, nowMs: Date.now(), reap }), 1)
    assert.equal(await reapLocalRunFolders({ parent: join(dir, 'none'), nowMs: Date.now(), reap }), 0)
  })

  it('are the tasks that were sent, taken only for the receipt that is about them', async () => {
    const receipt = signedReceipt()
    const specs = join(dir, 'tasks')
    assert.equal(await sentSpec({ dir: specs, receipt }), undefined)
    await keepSpec({ dir: specs, taskId: receipt.taskId, bytes: Buffer.from(specText), nowMs: Date.now() })
    assert.deepEqual((await sentSpec({ dir: specs, receipt }))?.bytes, Buffer.from(specText))
    await keepSpec({ dir: specs, taskId: receipt.taskId, bytes: Buffer.from('{}'), nowMs: Date.now() })
    assert.equal(await sentSpec({ dir: specs, receipt }), undefined)
  })

  it('are removed when no provider keeps their results any more', async () => {
    const old = `0x${'1'.repeat(64)}`
    await keepSpec({ dir, taskId: old, bytes: Buffer.from('{}'), nowMs: Date.now() })
    await keepSpec({ dir, taskId: `0x${'2'.repeat(64)}`, bytes: Buffer.from('{}'), nowMs: Date.now() })
    assert.equal((await readdir(dir)).length, 2)
    const long = new Date(Date.now() - 31 * 86_400_000)
    await utimes(join(dir, `${old}.json`), long, long)
    await keepSpec({ dir, taskId: `0x${'3'.repeat(64)}`, bytes: Buffer.from('{}'), nowMs: Date.now() })
    assert.equal((await readdir(dir)).length, 2)
  })
})
