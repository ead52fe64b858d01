import { constants } from 'node:os'
import type { Denials, Outcome, Usage, UsageDetail } from '../protocol/execution.ts'
import type { LimitName } from '../protocol/limits.ts'
import { LauncherProtocolError } from './launcher-frames.ts'
import { numberOf, textsOf, type Records } from './launcher-records.ts'

/** Tags of a report's records (src/native/launcher/README.md). */
const REPORT = {
  exitCode: 1,
  signal: 2,
  reason: 3,
  cpuTimeUs: 4,
  wallTimeUs: 5,
  memoryPeakBytes: 6,
  oomKills: 7,
  pidsDenied: 8,
  diskFull: 9,
  inodesFull: 10,
  userTimeUs: 11,
  pidsPeak: 13,
  ioReadBytes: 14,
  ioWriteBytes: 15,
  contextSwitches: 16,
  overshootUs: 17,
  seccompDenied: 18,
  seccompCall: 19,
  version: 20,
  cgroup: 21,
  controllers: 22,
  root: 23,
  userNamespace: 24,
  seccomp: 25,
  missing: 26,
  landlock: 27,
  timeNamespace: 28,
} as const
const FAILED = { blame: 1, stage: 2, errno: 3, message: 4 } as const

const REASON_OUTCOMES = {
  wallTime: { kind: 'limit', limit: 'wallTime' },
  cpuTime: { kind: 'limit', limit: 'cpuTime' },
  idleTime: { kind: 'limit', limit: 'idleTime' },
  memory: { kind: 'limit', limit: 'memory' },
} as const satisfies Record<string, Outcome>

const SIGKILL = constants.signals.SIGKILL
/** The first real-time signal that glibc and musl leave to programs (signal(7)). */
const SIGRTMIN = 34
const MAX_SIGNAL = 64
const MAX_EXIT_CODE = 255
const MAX_SENTENCE_CHARACTERS = 1000
const MAX_NAMED_CALLS = 8
const MAX_CALL_CHARACTERS = 64

/** How a task ended, as the launcher saw it. */
export interface TaskReport {
  /** What the task came to by itself or by a limit; undefined where the launcher was told to kill it. */
  readonly outcome: Outcome | undefined
  readonly wallTimeMs: number
  readonly cpuTimeMs: number
  readonly memoryPeakBytes: number
  /** What the kernel counts of some runs only. */
  readonly details: Pick<Usage, UsageDetail>
  /** Limits that the kernel counts hits of. */
  readonly limitsHit: readonly LimitName[]
  readonly denials: Denials
}

/** @throws LauncherProtocolError where something is missing or cannot be. */
export function parseReport(records: Records): TaskReport {
  const number = (tag: number): number => needed(numberOf(records, tag), tag)
  const [oomKills, pids] = [number(REPORT.oomKills), number(REPORT.pidsDenied)]
  const seccomp = seccompDenials(records)
  const hit: LimitName[] = []
  if (oomKills > 0) hit.push('memory')
  if (pids > 0) hit.push('pids')
  const cpuTimeMs = milliseconds(number(REPORT.cpuTimeUs))
  return {
    outcome: outcomeOf(records, oomKills),
    wallTimeMs: milliseconds(number(REPORT.wallTimeUs)),
    cpuTimeMs,
    memoryPeakBytes: number(REPORT.memoryPeakBytes),
    details: usageDetails(records, cpuTimeMs),
    limitsHit: [...hit, ...parseDiskReport(records)],
    denials: { ...(seccomp !== undefined && { seccomp }), oomKills, pids },
  }
}

const milliseconds = (microseconds: number): number => Math.round(microseconds / 1000)

function usageDetails(records: Records, cpuTimeMs: number): Pick<Usage, UsageDetail> {
  const details: { [D in UsageDetail]?: number } = {}
  for (const detail of ['pidsPeak', 'ioReadBytes', 'ioWriteBytes', 'contextSwitches'] as const) {
    const value = numberOf(records, REPORT[detail])
    if (value !== undefined) details[detail] = value
  }
  const [userUs, overshootUs] = [numberOf(records, REPORT.userTimeUs), numberOf(records, REPORT.overshootUs)]
  if (userUs !== undefined) {
    // The two are the whole, rounded or not.
    details.userTimeMs = Math.min(cpuTimeMs, milliseconds(userUs))
    details.systemTimeMs = cpuTimeMs - details.userTimeMs
  }
  if (overshootUs !== undefined) details.overshootMs = milliseconds(overshootUs)
  return details
}

function seccompDenials(records: Records): Denials['seccomp'] {
  const total = numberOf(records, REPORT.seccompDenied)
  if (total === undefined) return undefined
  const calls = textsOf(records, REPORT.seccompCall, MAX_CALL_CHARACTERS)
  if (calls.length > MAX_NAMED_CALLS) throw new LauncherProtocolError(`${calls.length} denied calls by name`)
  return { total, calls: Object.fromEntries(calls.map(deniedCall)) }
}

/** `mount 12` */
function deniedCall(text: string): readonly [string, number] {
  const [, name, times] = /^([a-z][a-z0-9_]{0,39}) ([1-9]\d{0,14})$/.exec(text) ?? []
  if (name === undefined) throw new LauncherProtocolError('a denied call of another form')
  return [name, Number(times)]
}

/** Which limits of the writable space were met. @throws LauncherProtocolError */
export function parseDiskReport(records: Records): readonly ('disk' | 'inodes')[] {
  return (['disk', 'inodes'] as const).filter((limit) => {
    const tag = limit === 'disk' ? REPORT.diskFull : REPORT.inodesFull
    return needed(numberOf(records, tag), tag) > 0
  })
}

function outcomeOf(records: Records, oomKills: number): Outcome | undefined {
  const [reason] = textsOf(records, REPORT.reason, 20)
  if (reason === 'killed') return undefined
  if (reason !== undefined && Object.hasOwn(REASON_OUTCOMES, reason))
    return REASON_OUTCOMES[reason as keyof typeof REASON_OUTCOMES]
  if (reason !== '') throw new LauncherProtocolError('a report with a reason of another form')
  const code = numberOf(records, REPORT.exitCode)
  const signal = numberOf(records, REPORT.signal)
  if ((code === undefined) === (signal === undefined))
    throw new LauncherProtocolError('a report with neither or both of exit code and signal')
  if (code !== undefined) {
    if (code > MAX_EXIT_CODE) throw new LauncherProtocolError(`the exit code ${code}`)
    return { kind: 'exited', code }
  }
  // Nobody but the kernel kills a task thus: it had no more memory to give.
  if (signal === SIGKILL && oomKills > 0) return REASON_OUTCOMES.memory
  return { kind: 'killed', signal: signalName(signal ?? 0) }
}

const SIGNAL_NAMES: ReadonlyMap<number, string> = new Map(
  // Of two names for one number the first is the usual one: SIGABRT before SIGIOT.
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
)

/** `SIGSEGV`, or `SIGRTMIN+3`. @throws LauncherProtocolError where Linux has no such signal. */
export function signalName(number: number): string {
  if (number < 1 || number > MAX_SIGNAL) throw new LauncherProtocolError(`the signal ${number}`)
  const name = SIGNAL_NAMES.get(number)
  if (name !== undefined) return name
  return number >= SIGRTMIN ? `SIGRTMIN+${number - SIGRTMIN}` : `SIG${number}`
}

/** What the launcher is, and what this host lets it do. */
export interface Hello {
  readonly version: string
  readonly cgroup: 'v1' | 'v2' | 'none'
  readonly controllers: readonly string[]
  readonly root: boolean
  readonly userNamespace: boolean
  readonly seccomp: boolean
  readonly timeNamespace: boolean
  /** ABI of the Landlock that confines tasks; 0 where none does. */
  readonly landlock: number
  /** Walls that cannot be put up here, a sentence each. */
  readonly missing: readonly string[]
}

/** @throws LauncherProtocolError */
export function parseHello(records: Records): Hello {
  const text = (tag: number): string => needed(textsOf(records, tag, 100)[0], tag)
  const flag = (tag: number): boolean => needed(numberOf(records, tag), tag) > 0
  const cgroup = text(REPORT.cgroup)
  if (cgroup !== 'v1' && cgroup !== 'v2' && cgroup !== 'none')
    throw new LauncherProtocolError(`control groups ${JSON.stringify(cgroup)}`)
  return {
    version: text(REPORT.version),
    cgroup,
    controllers: text(REPORT.controllers)
      .split(',')
      .filter((controller) => controller !== ''),
    root: flag(REPORT.root),
    userNamespace: flag(REPORT.userNamespace),
    seccomp: flag(REPORT.seccomp),
    timeNamespace: flag(REPORT.timeNamespace),
    landlock: needed(numberOf(records, REPORT.landlock), REPORT.landlock),
    missing: textsOf(records, REPORT.missing, 200),
  }
}

/** Why the launcher could not do what it was asked. */
export interface LauncherFailure {
  readonly blame: 'host' | 'request'
  readonly stage: string
  readonly errno: number
  readonly message: string
}

/** What is missing in it, or cannot be, is the host's fault. Never throws. */
export function parseFailure(records: Records): LauncherFailure {
  const text = (tag: number): string => textsOf(records, tag, MAX_SENTENCE_CHARACTERS)[0] ?? ''
  return {
    blame: text(FAILED.blame) === 'request' ? 'request' : 'host',
    stage: text(FAILED.stage),
    errno: numberOf(records, FAILED.errno) ?? 0,
    message: text(FAILED.message).replace(/\.$/, ''),
  }
}

function needed<T>(value: T | undefined, tag: number): T {
  if (value === undefined) throw new LauncherProtocolError(`a report without its record ${tag}`)
  return value
}
