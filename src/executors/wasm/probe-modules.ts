import { ERRNO } from './host/errno.ts'
import { PREVIEW1, SIGNATURES, type Preview1Name } from './host/signatures.ts'
import { VALUE } from './module/types.ts'
import { concat, name, section, signed, u32 } from './module/writer.ts'

const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))]
const i64 = (value: bigint): number[] => [0x42, ...signed(value)]
const DROP = 0x1a
const forever = (body: readonly number[]): number[] => [0x03, 0x40, ...body, 0x0c, 0, 0x0b]

/** A WASI command: its imports, in order, are functions 0, 1, …; `_start` is the next one. */
function command({
  imports,
  body,
  data = [],
}: {
  readonly imports: readonly Preview1Name[]
  readonly body: readonly number[]
  readonly data?: readonly number[]
}): Uint8Array {
  const codes = (parameters: string): number[] =>
    Array.from(parameters, (code) => (code === 'I' ? VALUE.i64 : VALUE.i32))
  const types = imports.map((call) => {
    const { parameters, results } = SIGNATURES[call] ?? { parameters: '', results: '' }
    return [0x60, ...u32(parameters.length), ...codes(parameters), ...u32(results.length), ...codes(results)]
  })
  const code = [0, ...body, 0x0b]
  return concat([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [u32(types.length + 1), ...types, [0x60, 0, 0]]),
    section(2, [
      u32(imports.length),
      ...imports.map((call, index) => [...name(PREVIEW1), ...name(call), 0, ...u32(index)]),
    ]),
    section(3, [[1, ...u32(types.length)]]),
    section(5, [[1, 0, 1]]),
    section(7, [[2, ...name('memory'), 2, 0, ...name('_start'), 0, ...u32(imports.length)]]),
    section(10, [[1], u32(code.length), code]),
    section(11, [[1, 0, ...i32(0), 0x0b], u32(data.length), data]),
  ])
}

/** Runs for ever. */
export const spinModule = (): Uint8Array => command({ imports: [], body: forever([]) })

/** Calls itself for ever. */
export const recurseModule = (): Uint8Array => command({ imports: [], body: [0x10, 0, 0x10, 0] })

/** Waits an hour, without using the CPU. */
export function sleepModule(): Uint8Array {
  const subscription = new Uint8Array(48)
  const view = new DataView(subscription.buffer)
  view.setUint32(16, 1, true) // the monotonic clock
  view.setBigUint64(24, 3_600_000_000_000n, true)
  const body = [...i32(0), ...i32(64), ...i32(1), ...i32(128), 0x10, 0, DROP]
  return command({ imports: ['poll_oneoff'], body, data: [...subscription] })
}

/** What {@link greedyModule} must be given to meet every limit that makes a call fail, and then that on output. */
export const GREEDY_LIMITS = { memoryBytes: 1024 * 1024, diskBytes: 100, inodes: 1, openFiles: 4, outputBytes: 1000 }

/**
 * Grows its memory past its limit, writes a file past the limit on disk, makes a folder past that on inodes, opens
 * a file past that on open files, and then writes output for ever. It goes on only where the call failed as it
 * should, and traps where one worked.
 */
export function greedyModule(): Uint8Array {
  const imports = ['path_open', 'fd_write', 'path_create_directory'] as const
  const file = { pointer: 0, length: 5 }
  const folder = { pointer: 8, length: 5 }
  const iovec = 16
  const data = new Uint8Array(24)
  data.set(new TextEncoder().encode('tmp/a'), file.pointer)
  data.set(new TextEncoder().encode('tmp/b'), folder.pointer)
  new DataView(data.buffer).setUint32(iovec, 1024, true)
  new DataView(data.buffer).setUint32(iovec + 4, 4096, true)
  const ALL_RIGHTS = (1n << 30n) - 1n
  const open = (create: number): number[] => [
    ...[...i32(3), ...i32(0), ...i32(file.pointer), ...i32(file.length), ...i32(create)],
    ...[...i64(ALL_RIGHTS), ...i64(ALL_RIGHTS), ...i32(0), ...i32(32), 0x10, 0],
  ]
  const write = (fd: number): number[] => [...i32(fd), ...i32(iovec), ...i32(1), ...i32(40), 0x10, 1]
  const makeFolder = [...i32(3), ...i32(folder.pointer), ...i32(folder.length), 0x10, 2]
  const mustBe = (value: number): number[] => [...i32(value), 0x47, 0x04, 0x40, 0x00, 0x0b] // unless equal, unreachable
  const body = [
    ...[...i32(1000), 0x40, 0, ...mustBe(-1)],
    ...[...open(1), ...mustBe(0)],
    ...[...write(4), ...mustBe(0), ...write(4), ...mustBe(ERRNO.nospc)],
    ...[...makeFolder, ...mustBe(ERRNO.nospc)],
    ...[...open(0), ...mustBe(ERRNO.mfile)],
    ...forever([...write(1), DROP]),
  ]
  return command({ imports, body, data: [...data] })
}
