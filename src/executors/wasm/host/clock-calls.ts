import { RIGHT } from './rights.ts'
import { Errno, fail } from './errno.ts'
import type { Clock } from './clocks.ts'
import type { Host } from './host.ts'
import type { Preview1Calls } from './signatures.ts'

const CLOCK = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const
const EVENT_TYPE = { clock: 0, fdRead: 1, fdWrite: 2 } as const
/** The one bit of `subclockflags`. */
const ABSOLUTE_TIME = 1
const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const MAX_SUBSCRIPTIONS = 4096

function timeNs(clock: Clock, id: number): bigint {
  if (id === CLOCK.realtime) return clock.realtimeNs()
  if (id === CLOCK.monotonic) return clock.monotonicNs()
  if (id === CLOCK.processCpu || id === CLOCK.threadCpu) return clock.cpuNs()
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
  const { clock, memory } = host
  return {
    clock_res_get: (id, pointer) => {
      if (id >>> 0 > CLOCK.threadCpu) fail('inval')
      memory.setU64(pointer, clock.resolutionNs)
    },
    clock_time_get: (id, _precision, pointer) => memory.setU64(pointer, timeNs(clock, id)),
    poll_oneoff: (subscriptionsPointer, eventsPointer, count, resultPointer) => {
      if (count === 0 || count >>> 0 > MAX_SUBSCRIPTIONS) fail('inval')
      memory.bytes(subscriptionsPointer, count * SUBSCRIPTION_BYTES)
      memory.bytes(eventsPointer, count * EVENT_BYTES)
      memory.bytes(resultPointer, 4)
      const ready: Event[] = []
      const alarms: Alarm[] = []
      const startNs = clock.monotonicNs()
      for (let index = 0; index < count; index += 1) {
        const subscribed = readSubscription(host, subscriptionsPointer + index * SUBSCRIPTION_BYTES, startNs)
        if ('dueNs' in subscribed) alarms.push(subscribed)
        else ready.push(subscribed)
      }
      const [first] = alarms
      if (ready.length === 0 && first !== undefined)
        clock.sleepUntil(alarms.reduce((soonest, { dueNs }) => (dueNs < soonest ? dueNs : soonest), first.dueNs))
      const endNs = clock.monotonicNs()
      const events = [...ready, ...alarms.filter(({ dueNs }) => dueNs <= endNs).map(({ event }) => event)]
      for (const [index, event] of events.entries()) putEvent(host, eventsPointer + index * EVENT_BYTES, event)
      memory.setU32(resultPointer, events.length)
    },
  }
}

function readSubscription(host: Host, pointer: number, startNs: bigint): Event | Alarm {
  const { clock, memory } = host
  const userdata = memory.u64(pointer)
  const type = memory.u16(pointer + 8) & 0xff
  if (type === EVENT_TYPE.clock) {
    const event = { userdata, type }
    try {
      const now = timeNs(clock, memory.u32(pointer + 16))
      const timeoutNs = memory.u64(pointer + 24)
      const flags = memory.u16(pointer + 40)
      if ((flags & ~ABSOLUTE_TIME) !== 0) fail('inval')
      return { event, dueNs: startNs + (flags === ABSOLUTE_TIME ? timeoutNs - now : timeoutNs) }
    } catch (error) {
      return failed(event, error)
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
    const needed = RIGHT.poll_fd_readwrite | (reading ? RIGHT.fd_read : RIGHT.fd_write)
    if ((descriptor.rights & needed) !== needed) fail('notcapable')
    const left = descriptor.kind === 'file' && reading ? Math.max(0, descriptor.node.data.size - descriptor.offset) : 1
    return { ...event, bytes: BigInt(left) }
  } catch (error) {
    return failed(event, error)
  }
}

/** What is wrong with one subscription is told in its event. */
function failed(event: Event, error: unknown): Event {
  if (error instanceof Errno) return { ...event, error: error.code }
  throw error
}

function putEvent({ memory }: Host, pointer: number, event: Event): void {
  const record = memory.record(pointer, EVENT_BYTES)
  record.setBigUint64(0, event.userdata, true)
  record.setUint16(8, event.error ?? 0, true)
  record.setUint8(10, event.type)
  record.setBigUint64(16, event.bytes ?? 0n, true)
}
