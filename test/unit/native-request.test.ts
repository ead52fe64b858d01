import assert from 'node:assert/strict'
import type { NativeTask } from '../../src/executors/executor.ts'
import { decodeRecords, type Records } from '../../src/native/launcher-records.ts'
import { REQUEST, taskRequest, unmountRequest } from '../../src/native/request.ts'
import type { Limits } from '../../src/protocol/limits.ts'

const limits: Limits = {
  cpuCores: 0.25,
  wallTimeMs: 1000,
  memoryBytes: 2 ** 40,
  diskBytes: 0,
  inodes: 0,
  outputBytes: 5,
  openFiles: 16,
}
const task: NativeTask = {
  runtime: 'native',
  name: 'greet',
  command: ['a', ''],
  env: { B: '2', A: '=' },
  inputs: [{ source: '/store/x', bytes: 1, target: '/in/x' }],
  outputs: [{ path: '/out' }],
  root: { kind: 'program', source: '/store/p', sha256: '', bytes: 1 },
}
const identity = { uid: 65_534, gid: 65_533 }

const texts = (records: Records, tag: number): string[] => (records.get(tag) ?? []).map(String)
const numbers = (records: Records, tag: number): bigint[] =>
  (records.get(tag) ?? []).map((value) => value.readBigUInt64LE(0))

function decoded(bytes: Buffer): Records {
  const records = decodeRecords(bytes)
  assert.ok(records !== undefined)
  return records
}

describe('request to the launcher', () => {
  it('runs a program alone in an empty root, under the name of its task', () => {
    const records = decoded(taskRequest({ task, limits, root: { kind: 'program', source: '/store/p' }, identity }))
    assert.deepEqual(numbers(records, REQUEST.kind), [1n])
    assert.deepEqual(texts(records, REQUEST.program), ['/program'])
    assert.deepEqual(texts(records, REQUEST.argument), ['greet', 'a', ''])
    assert.deepEqual(texts(records, REQUEST.environment), ['B=2', 'A=='])
    assert.deepEqual(texts(records, REQUEST.bind), ['\x01/store/p\0/program', '\0/store/x\0/in/x'])
    assert.deepEqual(texts(records, REQUEST.output), ['/out'])
    assert.deepEqual(numbers(records, REQUEST.uid), [65_534n])
    assert.deepEqual(numbers(records, REQUEST.gid), [65_533n])
    for (const absent of [REQUEST.rootFolder, REQUEST.rootUsr, REQUEST.workdir, REQUEST.channel])
      assert.equal(records.has(absent), false)
  })

  it('runs the first word of the command in a root that has it', () => {
    const inFolder = decoded(
      taskRequest({ task, limits, root: { kind: 'folder', writable: false, path: '/roots/a' }, identity }),
    )
    assert.deepEqual(texts(inFolder, REQUEST.rootFolder), ['/roots/a'])
    assert.deepEqual(texts(inFolder, REQUEST.program), ['a'])
    assert.deepEqual(texts(inFolder, REQUEST.argument), ['a', ''])
    const inUsr = decoded(taskRequest({ task: { ...task, workdir: '/w' }, limits, root: { kind: 'usr' }, identity }))
    assert.deepEqual(numbers(inUsr, REQUEST.rootUsr), [1n])
    assert.deepEqual(texts(inUsr, REQUEST.workdir), ['/w'])
  })

  it('asks for a root that can be changed where the task does, and for folders without what is mounted below', () => {
    const mounts = [{ source: '/srv/data', target: '/data' }]
    const root = { kind: 'folder', path: '/roots/a', writable: true } as const
    const records = decoded(taskRequest({ task, limits, root, mounts, identity }))
    assert.deepEqual(numbers(records, REQUEST.rootWritable), [1n])
    assert.deepEqual(texts(records, REQUEST.bind), ['\0/store/x\0/in/x', '\x02/srv/data\0/data'])
    const plain = decoded(taskRequest({ task, limits, root: { ...root, writable: false }, identity }))
    assert.equal(plain.has(REQUEST.rootWritable), false)
  })

  it('carries every limit that there is, and no other', () => {
    const root = { kind: 'usr' } as const
    const all = { pids: 2, cpuShares: 3, cpuTimeMs: 4, idleTimeMs: 5, stackBytes: 6 }
    const records = decoded(taskRequest({ task, limits: { ...limits, ...all }, root, identity }))
    assert.deepEqual(
      [
        REQUEST.memoryBytes,
        REQUEST.pids,
        REQUEST.cpuMillicores,
        REQUEST.cpuShares,
        REQUEST.cpuTimeMs,
        REQUEST.idleTimeMs,
        REQUEST.diskBytes,
        REQUEST.inodes,
        REQUEST.openFiles,
        REQUEST.stackBytes,
      ].map((tag) => numbers(records, tag)),
      [[2n ** 40n], [2n], [250n], [3n], [4n], [5n], [0n], [0n], [16n], [6n]],
    )
    const [wallTimeMs] = numbers(records, REQUEST.wallTimeMs)
    assert.ok(wallTimeMs !== undefined && wallTimeMs > 1000n, 'the node is to be first')
    const fewer = decoded(taskRequest({ task, limits, root, identity }))
    for (const absent of [REQUEST.pids, REQUEST.cpuShares, REQUEST.cpuTimeMs, REQUEST.idleTimeMs, REQUEST.stackBytes])
      assert.equal(fewer.has(absent), false)
  })

  it('never loses the end of a path to a NUL', () => {
    assert.throws(() => unmountRequest('/a\0b'), RangeError)
    const inputs = [{ source: '/store\0', bytes: 1, target: '/in' }]
    assert.throws(() => taskRequest({ task: { ...task, inputs }, limits, root: { kind: 'usr' }, identity }), RangeError)
  })
})
