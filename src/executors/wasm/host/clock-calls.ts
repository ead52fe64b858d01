import { RIGHT } from './descriptors.ts'
import { Errno, fail } from './errno.ts'
import { nowNs } from './file-system.ts'
import type { Host } from './host.ts'
import type { Preview1Calls } from './signatures.ts'

const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const
/** What the clocks can tell apart: all are read in microseconds or finer. */
const RESOLUTION_NS = 1000n
const EVENT_TYPE = { clock: 0, fdRead: 1, fdWrite: 2 } as const
const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const MAX_SUBSCRIPTIONS = 4096
/** The longest that one Atomics.wait is given; a longer wait is several. */
const LONGEST_WAIT_MS = 86_400_000

const sleeper = new Int32Array(new SharedArrayBuffer(4))

function timeNs(clock: number): bigint {
  if (clock === CLOCK.realtime) return nowNs()
  if (clock === CLOCK.monotonic) return process.hrtime.bigint()
  if (clock === CLOCK.processCpu || clock === CLOCK.threadCpu) {
    const { user, system } = process.threadCpuUsage()
    return BigInt(user + system) * 1000n
  }
  return fail('inval')
}

interface Event {
  readonly userdata: bigint
  readonly type: number
  readonly error?: number
  readonly bytes?: bigint
}

/** A clock that is waited for: its event, and when it is due by the monotonic clock. */
interface Alarm {
  readonly event: Event
  readonly dueNs: bigint
}

/** Clocks, and waiting for them. */
export function clockCalls(host: Host): Pick<Preview1Calls, 'clock_res_get' | 'clock_time_get' | 'poll_oneoff'> {
  const { memory } = host
  return {
    clock_res_get: (clock, pointer) => {
      timeNs(clock)
      memory.setU64(pointer, RESOLUTION_NS)
    },
    clock_time_get: (clock, _precision, pointer) => memory.setU64(pointer, timeNs(clock)),
    poll_oneoff: (subscriptionsPointer, eventsPointer, count, resultPointer) => {
      if (count === 0 || count >>> 0 > MAX_SUBSCRIPTIONS) fail('inval')
      const ready: Event[] = []
      const alarms: Alarm[] = []
      const startNs = process.hrtime.bigint()
      for (let index = 0; index < count; index += 1) {
        const subscribed = readSubscription(host, subscriptionsPointer + index * SUBSCRIPTION_BYTES, startNs)
        if ('dueNs' in subscribed) alarms.push(subscribed)
        else ready.push(subscribed)
      }
      memory.bytes(eventsPointer, count * EVENT_BYTES)
      if (ready.length === 0)
        waitUntil(
          alarms.reduce((soonest, { dueNs }) => (dueNs < soonest ? dueNs : soonest), alarms[0]?.dueNs ?? startNs),
        )
      const endNs = process.hrtime.bigint()
      const events = [...ready, ...alarms.filter(({ dueNs }) => dueNs <= endNs).map(({ event }) => event)]
      for (const [index, event] of events.entries()) putEvent(host, eventsPointer + index * EVENT_BYTES, event)
      memory.setU32(resultPointer, events.length)
    },
  }
}

function readSubscription(host: Host, pointer: number, startNs: bigint): Event | Alarm {
  const { memory } = host
  const userdata = memory.u64(pointer)
  const type = memory.u16(pointer + 8) & 0xff
  if (type === EVENT_TYPE.clock) {
    const event = { userdata, type }
    try {
      const now = timeNs(memory.u32(pointer + 16))
      const timeoutNs = memory.u64(pointer + 24)
      const absolute = (memory.u16(pointer + 40) & 1) !== 0
      return { event, dueNs: startNs + (absolute ? timeoutNs - now : timeoutNs) }
    } catch (error) {
      if (error instanceof Errno) return { ...event, error: error.code }
      throw error
    }
  }
  if (type !== EVENT_TYPE.fdRead && type !== EVENT_TYPE.fdWrite) fail('inval')
  return readiness(host, { userdata, type }, memory.u32(pointer + 16))
}

/** Files and streams are always ready: what is not there yet is waited for by the read itself. */
function readiness({ descriptors }: Host, event: Event, fd: number): Event {
  try {
    const descriptor = descriptors.get(fd)
    const reading = event.type === EVENT_TYPE.fdRead
    if ((descriptor.rights & (reading ? RIGHT.read : RIGHT.write)) === 0n) fail('badf')
    const left = descriptor.kind === 'file' && reading ? Math.max(0, descriptor.node.data.size - descriptor.offset) : 1
    return { ...event, bytes: BigInt(left) }
  } catch (error) {
    if (error instanceof Errno) return { ...event, error: error.code }
    throw error
  }
}

function waitUntil(dueNs: bigint): void {
  for (;;) {
    const leftNs = dueNs - process.hrtime.bigint()
    if (leftNs <= 0n) return
    Atomics.wait(sleeper, 0, 0, Math.min(Number(leftNs) / 1e6, LONGEST_WAIT_MS))
  }
}

function putEvent({ memory }: Host, pointer: number, event: Event): void {
  const record = memory.record(pointer, EVENT_BYTES)
  record.setBigUint64(0, event.userdata, true)
  record.setUint16(8, event.error ?? 0, true)
  record.setUint8(10, event.type)
  record.setBigUint64(16, event.bytes ?? 0n, true)
}
