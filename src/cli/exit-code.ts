import { constants } from 'node:os'
import type { SerialisedError } from '../protocol/errors.ts'
import type { Outcome } from '../protocol/execution.ts'
import type { LimitName } from '../protocol/limits.ts'

/** What the process exits with where that is not the task's own code. */
export const EXIT = {
  success: 0,
  /** A command of the operator failed, or what it looked at is not as it should be. */
  failure: 1,
  usage: 2,
  /** What was checked is in order, and does not say which of two is right. */
  undecided: 3,
  limit: 122,
  timeLimit: 124,
  /** Refused, or a fault of the provider, the network or the chain. */
  fault: 125,
  cancelled: 130,
  trap: 134,
  /** As a program that SIGPIPE ends: whoever read standard output went away. */
  brokenPipe: 141,
} as const

/** The rows of the table in the documentation. */
export const EXIT_CODE_MEANINGS: readonly (readonly [code: string, meaning: string])[] = [
  [
    '0…255',
    "`run`, `tasks result`: the task's own exit code (one above 255 becomes its lowest byte, or 1 where that is 0)",
  ],
  ['128+n', '`run`, `tasks result`: signal n ended the task'],
  [String(EXIT.timeLimit), '`run`, `tasks result`: a time limit ended the task: wall, CPU or idle time'],
  [String(EXIT.limit), '`run`, `tasks result`: another limit ended the task: memory, output, fuel, …'],
  [String(EXIT.trap), '`run`, `tasks result`: the WebAssembly program trapped'],
  [String(EXIT.cancelled), 'the task was cancelled, or the command was interrupted'],
  [
    String(EXIT.fault),
    '`run`, `tasks`, `quote`, `offers`, `peers`, `wallet show`, `channel`, `stake`: refused, or a fault of the provider, the network or the chain',
  ],
  [String(EXIT.usage), 'the task file or the command line is wrong'],
  [
    String(EXIT.undecided),
    '`verify`: a proof of a disagreement holds, and who was right is not decided (without `--run`, or where this host cannot say)',
  ],
  [String(EXIT.failure), 'every other command: it failed, or what it checked is not in order'],
  [String(EXIT.brokenPipe), 'whoever read standard output went away'],
]

const TIME_LIMITS: ReadonlySet<LimitName> = new Set<LimitName>(['wallTime', 'cpuTime', 'idleTime'])
/** The first real-time signal of Linux (signal(7)); C libraries keep some for themselves and count from there. */
const FIRST_REAL_TIME_SIGNAL = 34

/** How the process exits for what came of a task. */
export function exitCodeOfOutcome(outcome: Outcome): number {
  switch (outcome.kind) {
    case 'exited':
      // A process has eight bits; a failure must not become a success.
      return outcome.code <= 255 ? outcome.code : outcome.code % 256 || EXIT.failure
    case 'killed':
      return 128 + signalNumber(outcome.signal)
    case 'trapped':
      return EXIT.trap
    case 'limit':
      return TIME_LIMITS.has(outcome.limit) ? EXIT.timeLimit : EXIT.limit
    case 'cancelled':
      return EXIT.cancelled
  }
}

/** How the process exits for an error; `otherwise` is for what is neither usage nor cancellation. */
export function exitCodeOfError({
  error,
  otherwise,
}: {
  readonly error: Pick<SerialisedError, 'code'>
  readonly otherwise: number
}): number {
  switch (error.code) {
    case 'INVALID_INPUT':
    case 'INVALID_USAGE':
      return EXIT.usage
    case 'CANCELLED':
      return EXIT.cancelled
    default:
      return otherwise
  }
}

function signalNumber(name: string): number {
  const known = (constants.signals as Readonly<Record<string, number>>)[name]
  if (known !== undefined) return known
  const [, offset] = /^SIGRTMIN(?:\+(\d{1,2}))?$/.exec(name) ?? []
  return name.startsWith('SIGRTMIN') ? FIRST_REAL_TIME_SIGNAL + Number(offset ?? 0) : 127
}
