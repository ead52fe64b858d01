import assert from 'node:assert/strict'
import type { Execution } from '../../src/protocol/execution.ts'
import type { Behaviour } from './behaviours.ts'
import { assertBehaviour, runBehaviour, type ConformanceSubject } from './executor-conformance.ts'
import type { NativeTask } from '../../src/executors/executor.ts'

/** What is counted of a native run besides what every runtime counts, shown by one program. */
interface Account extends Pick<Behaviour, 'limits' | 'expected'> {
  readonly name: string
  readonly command: readonly string[]
  /** Needs control groups. */
  readonly inGroups?: true
  readonly holds: (execution: Execution) => void
}

/** Far less than the limits on the tests, and far more than an end takes on a busy machine. */
const BOUNDED_MS = 20_000
const exited = { outcome: { kind: 'exited', code: 0 } } as const
const ended = (limit: 'wallTime' | 'cpuTime' | 'idleTime'): Behaviour['expected'] => ({
  outcome: { kind: 'limit', limit },
  limitsHit: [limit],
})

/**
 * Of processes that are alive when a run ends nobody waits, and the kernel forgets how often they slept. They are in
 * the numbers that the control group keeps.
 */
const ACCOUNTS: readonly Account[] = [
  {
    name: 'context switches and bytes of disks, of processes that were waited for',
    command: ['switches', '2000'],
    expected: exited,
    holds: ({ usage }) => {
      const { contextSwitches = 0, ioReadBytes, ioWriteBytes } = usage
      assert.ok(contextSwitches >= 2000 && contextSwitches < 100_000, JSON.stringify(usage))
      assert.ok(ioReadBytes !== undefined && ioWriteBytes === 0, JSON.stringify(usage))
    },
  },
  {
    name: 'no context switches of a process that is left behind, holding standard output',
    command: ['left-behind', '2000'],
    limits: { wallTimeMs: 3 * BOUNDED_MS },
    expected: exited,
    holds: ({ usage }) => {
      assert.ok((usage.contextSwitches ?? Infinity) < 1000, JSON.stringify(usage))
      assert.ok(usage.wallTimeMs < BOUNDED_MS, JSON.stringify(usage))
    },
  },
  {
    name: 'an end in time where a stopped process holds standard output',
    command: ['stopped', '10'],
    limits: { wallTimeMs: 3 * BOUNDED_MS },
    expected: exited,
    holds: ({ usage }) => assert.ok(usage.wallTimeMs < BOUNDED_MS, JSON.stringify(usage)),
  },
  {
    name: 'nothing that only a wait would tell, of a task whose processes are all stopped and then killed',
    command: ['stop-all', '5'],
    inGroups: true,
    limits: { idleTimeMs: 1000, pids: 10, wallTimeMs: 3 * BOUNDED_MS },
    expected: { ...ended('idleTime'), stdout: 'started\n' },
    holds: ({ usage }) => {
      assert.deepEqual(
        [usage.contextSwitches, usage.ioReadBytes, usage.ioWriteBytes],
        [undefined, undefined, undefined],
      )
      assert.ok(usage.overshootMs !== undefined && usage.overshootMs < BOUNDED_MS, JSON.stringify(usage))
    },
  },
  {
    name: 'the most processes at once',
    command: ['processes', '7'],
    inGroups: true,
    limits: { pids: 20 },
    expected: exited,
    // The kernel counts it from 6.11 on.
    holds: ({ usage: { pidsPeak } }) => assert.ok(pidsPeak === undefined || pidsPeak === 8, `${pidsPeak}`),
  },
  {
    name: 'user and system time, which are CPU time together: its own instructions',
    command: ['user', '300'],
    expected: exited,
    holds: ({ usage }) => {
      const { userTimeMs = 0, systemTimeMs = 0, cpuTimeMs } = usage
      assert.ok(userTimeMs > systemTimeMs && userTimeMs + systemTimeMs === cpuTimeMs, JSON.stringify(usage))
    },
  },
  {
    name: 'user and system time, which are CPU time together: the kernel’s',
    command: ['kernel', '300'],
    expected: exited,
    holds: ({ usage }) => {
      const { userTimeMs = 0, systemTimeMs = 0, cpuTimeMs } = usage
      assert.ok(systemTimeMs > userTimeMs && userTimeMs + systemTimeMs === cpuTimeMs, JSON.stringify(usage))
    },
  },
  {
    name: 'how far past its CPU time a task was ended',
    command: ['user', '100000'],
    inGroups: true,
    limits: { cpuTimeMs: 100, wallTimeMs: 3 * BOUNDED_MS },
    expected: ended('cpuTime'),
    holds: ({ usage }) => assert.equal(usage.overshootMs, usage.cpuTimeMs - 100, JSON.stringify(usage)),
  },
  {
    name: 'denied system calls, by name',
    command: ['denied', '3'],
    expected: exited,
    holds: ({ denials }) => assert.deepEqual(denials?.seccomp, { total: 4, calls: { mount: 3, swapoff: 1 } }),
  },
  {
    name: 'denied system calls by the hundred: the error is the same, and comes later',
    command: ['denied', '400'],
    expected: exited,
    holds: ({ denials }) => assert.deepEqual(denials?.seccomp, { total: 401, calls: { mount: 400, swapoff: 1 } }),
  },
  {
    name: 'no denials of a program that does what programs do',
    command: ['processes', '2'],
    expected: exited,
    holds: ({ denials }) => assert.deepEqual(denials, { seccomp: { total: 0, calls: {} }, oomKills: 0, pids: 0 }),
  },
  {
    name: 'a flood of denied system calls: what it costs the host is bounded, and its output is served',
    command: ['flood', '5'],
    inGroups: true,
    limits: { wallTimeMs: 2000, pids: 10 },
    expected: { ...ended('wallTime'), stdout: /^(\d+\n){5,}$/ },
    holds: ({ denials, usage }) => {
      const { total = 0, calls = {} } = denials?.seccomp ?? {}
      // src/native/launcher/notify.h: a burst, then ten for each pause of ten milliseconds.
      assert.ok(total > 256 && total <= 256 + usage.wallTimeMs + 10, JSON.stringify({ denials, usage }))
      assert.deepEqual(calls, { mount: total })
    },
  },
  {
    name: 'a call of another architecture, which ends it, as a denial',
    command: ['foreign'],
    expected: { outcome: { kind: 'killed', signal: 'SIGSYS' } },
    holds: ({ denials }) => assert.deepEqual(denials?.seccomp, { total: 1, calls: {} }),
  },
  {
    name: 'forks that were refused, as often as the kernel counts them',
    command: ['processes', '20'],
    inGroups: true,
    limits: { pids: 5 },
    expected: { outcome: { kind: 'exited', code: 1 }, limitsHit: ['pids'] },
    holds: ({ denials }) => assert.equal(denials?.pids, 1),
  },
]

/** The accounts that there are with control groups, or without. */
const accountsIn = (groups: boolean): readonly Account[] => ACCOUNTS.filter(({ inGroups }) => groups || !inGroups)

/** The titles of what {@link nativeAccounting} defines. */
export const accountTitles = (groups: boolean): readonly string[] =>
  accountsIn(groups).map(({ name }) => `counts ${name}`)

/** Defines a test for each account. */
export function nativeAccounting({
  subject,
  groups,
}: {
  readonly subject: () => Pick<ConformanceSubject<NativeTask>, 'executor' | 'task'>
  readonly groups: boolean
}): void {
  for (const { name, command, limits = {}, expected, holds } of accountsIn(groups))
    it(`counts ${name}`, async () => {
      const behaviour: Behaviour = { name, program: 'accounting', command, limits, expected }
      const ran = await runBehaviour(subject(), behaviour)
      assertBehaviour(ran, behaviour)
      holds(ran.execution)
    })
}
