import type { NativeTask } from '../executors/executor.ts'
import type { Limits } from '../protocol/limits.ts'
import type { ResolvedMount } from './mounts.ts'
import { createRecordWriter, type RecordWriter } from './launcher-records.ts'

/** Tags of a request's records (src/native/launcher/README.md). */
export const REQUEST = {
  kind: 1,
  rootFolder: 2,
  rootUsr: 3,
  program: 4,
  argument: 5,
  environment: 6,
  workdir: 7,
  bind: 8,
  output: 9,
  channel: 10,
  uid: 11,
  gid: 12,
  mountPoint: 13,
  rootWritable: 14,
  outlives: 15,
  memoryBytes: 20,
  pids: 21,
  cpuMillicores: 22,
  cpuShares: 23,
  cpuTimeMs: 24,
  wallTimeMs: 25,
  idleTimeMs: 26,
  diskBytes: 27,
  inodes: 28,
  openFiles: 29,
  stackBytes: 30,
} as const

export const REQUEST_KIND = { run: 1, lease: 2, hello: 3, unmount: 4, adopt: 5 } as const

/** Where a program that is alone in an empty root lies. */
export const PROGRAM_PATH = '/program'
/** How much longer than the node the launcher waits: it ends only what a node that hangs does not. */
const WALL_TIME_RESERVE_MS = 2000
const BIND_EXECUTABLE = 1
const BIND_ALONE = 2

/** A root file system as the launcher finds it. */
export type ResolvedRoot =
  /** An executable file of this host, alone in an empty root. */
  | { readonly kind: 'program'; readonly source: string }
  | { readonly kind: 'folder'; readonly path: string; readonly writable: boolean }
  | { readonly kind: 'usr' }

export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** The records for one run of a task whose limits are all ones that the launcher holds. */
export function taskRequest({
  task,
  limits,
  root,
  mounts = [],
  identity,
}: {
  readonly task: NativeTask
  readonly limits: Limits
  readonly root: ResolvedRoot
  readonly mounts?: readonly ResolvedMount[]
  readonly identity: Identity
}): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.run)
  addRoot(records, root)
  const [program = '', ...rest] = task.command
  if (root.kind === 'program') {
    records.text(REQUEST.program, PROGRAM_PATH)
    addBind(records, { source: root.source, target: PROGRAM_PATH, executable: true })
    addArguments(records, [task.name, ...task.command])
  } else {
    records.text(REQUEST.program, program)
    addArguments(records, [program, ...rest])
  }
  addEnvironment(records, task.env)
  if (task.workdir !== undefined) records.text(REQUEST.workdir, task.workdir)
  for (const { source, target } of task.inputs) addBind(records, { source, target, executable: false })
  for (const { source, target } of mounts) addBind(records, { source, target, executable: false, alone: true })
  for (const { path } of task.outputs) records.text(REQUEST.output, path)
  addIdentity(records, identity)
  addLimits(records, { ...limits, wallTimeMs: limits.wallTimeMs + WALL_TIME_RESERVE_MS })
  return records.end()
}

export function helloRequest(): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.hello)
  return records.end()
}

export function unmountRequest(mountPoint: string): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.unmount)
  records.text(REQUEST.mountPoint, mountPoint)
  return records.end()
}

export function adoptRequest({
  mountPoint,
  outputs,
}: {
  readonly mountPoint: string
  readonly outputs: readonly string[]
}): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.adopt)
  records.text(REQUEST.mountPoint, mountPoint)
  for (const path of outputs) records.text(REQUEST.output, path)
  return records.end()
}

export function leaseRequest({
  mountPoint,
  outputs,
  diskBytes,
  inodes,
  outlivesNode = false,
  ...identity
}: Identity & {
  readonly mountPoint: string
  readonly outputs: readonly string[]
  readonly diskBytes: number
  readonly inodes: number
  readonly outlivesNode?: boolean
}): Buffer {
  const records = createRecordWriter()
  records.number(REQUEST.kind, REQUEST_KIND.lease)
  if (outlivesNode) records.number(REQUEST.outlives, 1)
  records.text(REQUEST.mountPoint, mountPoint)
  for (const path of outputs) records.text(REQUEST.output, path)
  addIdentity(records, identity)
  addLimits(records, { diskBytes, inodes })
  return records.end()
}

export function addRoot(records: RecordWriter, root: ResolvedRoot): void {
  if (root.kind === 'folder') records.text(REQUEST.rootFolder, root.path)
  if (root.kind === 'folder' && root.writable) records.number(REQUEST.rootWritable, 1)
  if (root.kind === 'usr') records.number(REQUEST.rootUsr, 1)
}

export function addArguments(records: RecordWriter, args: readonly string[]): void {
  for (const argument of args) records.text(REQUEST.argument, argument)
}

export function addEnvironment(records: RecordWriter, env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) records.text(REQUEST.environment, `${name}=${value}`)
}

export function addIdentity(records: RecordWriter, { uid, gid }: Identity): void {
  records.number(REQUEST.uid, uid)
  records.number(REQUEST.gid, gid)
}

export function addBind(
  records: RecordWriter,
  {
    source,
    target,
    executable,
    alone = false,
  }: {
    readonly source: string
    readonly target: string
    readonly executable: boolean
    /** Without what is mounted below it. */
    readonly alone?: boolean
  },
): void {
  if (source.includes('\0') || target.includes('\0')) throw new RangeError('a NUL in a path')
  const flags = Buffer.of((executable ? BIND_EXECUTABLE : 0) | (alone ? BIND_ALONE : 0))
  records.bytes(REQUEST.bind, Buffer.concat([flags, Buffer.from(`${source}\0${target}`)]))
}

export function addLimits(records: RecordWriter, limits: Partial<Limits> & Pick<Limits, 'diskBytes' | 'inodes'>): void {
  const add = (tag: number, value: number | undefined): void => {
    if (value !== undefined) records.number(tag, value)
  }
  add(REQUEST.memoryBytes, limits.memoryBytes)
  add(REQUEST.pids, limits.pids)
  add(
    REQUEST.cpuMillicores,
    limits.cpuCores === undefined ? undefined : Math.max(1, Math.floor(limits.cpuCores * 1000)),
  )
  add(REQUEST.cpuShares, limits.cpuShares)
  add(REQUEST.cpuTimeMs, limits.cpuTimeMs)
  add(REQUEST.wallTimeMs, limits.wallTimeMs)
  add(REQUEST.idleTimeMs, limits.idleTimeMs)
  add(REQUEST.diskBytes, limits.diskBytes)
  add(REQUEST.inodes, limits.inodes)
  add(REQUEST.openFiles, limits.openFiles)
  add(REQUEST.stackBytes, limits.stackBytes)
}
