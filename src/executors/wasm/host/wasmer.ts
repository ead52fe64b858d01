import { init, WASI } from '@wasmer/wasi'
import { concat, name, section, u32 } from '../module/writer.ts'
import { VALUE } from '../module/types.ts'
import { ERRNO, fail } from './errno.ts'
import type { GuestMemory } from './guest-memory.ts'
import { PREVIEW1, SIGNATURES, type Preview1Calls } from './signatures.ts'

/**
 * The calls that @wasmer/wasi answers. Its others are not used: measured with 1.2.2, renaming a file loses it,
 * `fd_pwrite` appends, writing past the end moves the data, `path_create_directory` of what exists succeeds, the
 * monotonic clock is the wall clock, and an unknown clock, poll_oneoff or opening a symlink panics.
 */
const USED = ['args_get', 'args_sizes_get', 'environ_get', 'environ_sizes_get', 'random_get', 'sched_yield'] as const
type UsedCalls = Pick<Preview1Calls, (typeof USED)[number]>
/** As much as is asked of its random_get at once: it makes a copy of it. */
const RANDOM_CHUNK_BYTES = 65_536

/**
 * A module of ours that imports those calls and a memory, which it exports again. @wasmer/wasi is given this one
 * in place of the guest's: it needs the memory, and must not walk the exports of a hostile module.
 */
function bridgeModule(): Uint8Array {
  const codes = (parameters: string): number[] =>
    Array.from(parameters, (code) => (code === 'I' ? VALUE.i64 : VALUE.i32))
  const types = USED.map((call) => {
    const parameters = codes(SIGNATURES[call]?.parameters ?? '')
    return [0x60, ...u32(parameters.length), ...parameters, 1, VALUE.i32]
  })
  const imports = USED.map((call, index) => [...name(PREVIEW1), ...name(call), 0, ...u32(index)])
  return concat([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [u32(types.length), ...types]),
    section(2, [u32(imports.length + 1), ...imports, [...name('guest'), ...name('memory'), 2, 0, 0]]),
    section(7, [[1, ...name('memory'), 2, 0]]),
  ])
}

export interface WasmerTask {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly memory: WebAssembly.Memory
}

/** A loaded @wasmer/wasi, ready to answer the calls of one task. */
export type Wasmer = (task: WasmerTask) => (guest: GuestMemory) => UsedCalls

/** Loads and compiles @wasmer/wasi. Takes about 80 ms, so it is done before there is a task. */
export async function loadWasmer(): Promise<Wasmer> {
  await init()
  const bridge = new WebAssembly.Module(bridgeModule())
  return ({ args, env, memory }) => {
    const wasi = new WASI({ args: [...args], env: { ...env }, preopens: {} })
    const imports = wasi.getImports(bridge) as Readonly<
      Record<string, Readonly<Record<string, (...values: readonly number[]) => number>>>
    >
    const instance = new WebAssembly.Instance(bridge, { ...imports, guest: { memory } })
    wasi.instantiate(instance, {})
    return (guest) => guardedCalls(imports[PREVIEW1] ?? {}, guest)
  }
}

/** Its calls with every pointer checked before, errnos thrown, and a panic inside turned into EFAULT. */
function guardedCalls(
  raw: Readonly<Record<string, (...values: readonly number[]) => number>>,
  guest: GuestMemory,
): UsedCalls {
  const call = (used: (typeof USED)[number], ...values: readonly number[]): void => {
    let code: number
    try {
      code = raw[used]?.(...values) ?? ERRNO.nosys
    } catch (error) {
      if (error instanceof RangeError) throw error
      code = ERRNO.fault
    }
    if (code !== 0) fail(code)
  }
  return {
    args_sizes_get: (count, bytes) => {
      guest.bytes(count, 4)
      guest.bytes(bytes, 4)
      call('args_sizes_get', count, bytes)
    },
    args_get: (pointers, bytes) => {
      guest.bytes(pointers, 4)
      guest.bytes(bytes, 1)
      call('args_get', pointers, bytes)
    },
    environ_sizes_get: (count, bytes) => {
      guest.bytes(count, 4)
      guest.bytes(bytes, 4)
      call('environ_sizes_get', count, bytes)
    },
    environ_get: (pointers, bytes) => {
      guest.bytes(pointers, 0)
      guest.bytes(bytes, 0)
      call('environ_get', pointers, bytes)
    },
    random_get: (pointer, length) => {
      guest.bytes(pointer, length)
      for (let done = 0; done < length >>> 0; done += RANDOM_CHUNK_BYTES) {
        call('random_get', (pointer >>> 0) + done, Math.min(RANDOM_CHUNK_BYTES, (length >>> 0) - done))
      }
    },
    sched_yield: () => call('sched_yield'),
  }
}
