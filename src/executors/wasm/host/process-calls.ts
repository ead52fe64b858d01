import { fail } from './errno.ts'
import { GuestExit } from './guest-exit.ts'
import type { GuestMemory } from './guest-memory.ts'
import type { Host } from './host.ts'
import type { Preview1Calls } from './signatures.ts'

/** Texts as C has them: each with a NUL after it, one after the other. */
interface TextList {
  readonly bytes: Uint8Array
  /** Where each of them begins. */
  readonly offsets: readonly number[]
}

function textList(texts: readonly string[]): TextList {
  const offsets: number[] = []
  let length = 0
  for (const text of texts) {
    offsets.push(length)
    length += Buffer.byteLength(text) + 1
  }
  return { bytes: Buffer.from(texts.map((text) => `${text}\0`).join('')), offsets }
}

function putSizes(
  memory: GuestMemory,
  list: TextList,
  pointers: { readonly count: number; readonly bytes: number },
): void {
  // Both are checked before either is written.
  memory.bytes(pointers.bytes, 4)
  memory.setU32(pointers.count, list.offsets.length)
  memory.setU32(pointers.bytes, list.bytes.length)
}

function putTexts(
  memory: GuestMemory,
  list: TextList,
  pointers: { readonly list: number; readonly bytes: number },
): void {
  const target = memory.bytes(pointers.bytes, list.bytes.length)
  const table = memory.record(pointers.list, list.offsets.length * 4)
  for (const [index, offset] of list.offsets.entries())
    table.setUint32(index * 4, (pointers.bytes >>> 0) + offset, true)
  target.set(list.bytes)
}

type ProcessCalls = Pick<
  Preview1Calls,
  Extract<keyof Preview1Calls, `${'args' | 'environ' | 'proc' | 'random' | 'sched' | 'sock'}_${string}`>
>

/** The calls about the task itself: its arguments and variables, its end, random numbers. There are no sockets. */
export function processCalls({ memory, descriptors, random, args, env }: Host): ProcessCalls {
  const argumentList = textList(args)
  const variableList = textList(Object.entries(env).map(([name, value]) => `${name}=${value}`))
  const noSocket = (fd: number): void => {
    descriptors.get(fd)
    fail('notsock')
  }
  return {
    args_sizes_get: (count, bytes) => putSizes(memory, argumentList, { count, bytes }),
    args_get: (list, bytes) => putTexts(memory, argumentList, { list, bytes }),
    environ_sizes_get: (count, bytes) => putSizes(memory, variableList, { count, bytes }),
    environ_get: (list, bytes) => putTexts(memory, variableList, { list, bytes }),
    random_get: (pointer, length) => random.fill(memory.bytes(pointer, length)),
    sched_yield: () => {},
    proc_exit: (code) => {
      throw new GuestExit({ kind: 'exited', code: code >>> 0 })
    },
    proc_raise: () => fail('nosys'),
    sock_accept: noSocket,
    sock_recv: noSocket,
    sock_send: noSocket,
    sock_shutdown: noSocket,
  }
}
