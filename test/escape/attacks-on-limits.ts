import assert from 'node:assert/strict'
import { exited, killed, limit, MEMORY_LIMIT, MiB, REFUSED, refusedWith, type Attack } from './attack.ts'

/** Ways to have more than was given, to look like something else, or to outlive the end. */
export const ATTACKS_ON_LIMITS: readonly Attack[] = [
  {
    name: 'memory by way of System V messages',
    program: 'file-memory',
    only: 'native',
    command: ['messages'],
    limits: { memoryBytes: 32 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of System V semaphores',
    program: 'file-memory',
    only: 'native',
    command: ['semaphores'],
    limits: { memoryBytes: 32 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of pipes that nobody reads',
    program: 'file-memory',
    only: 'native',
    command: ['pipes'],
    limits: { memoryBytes: 16 * MiB, openFiles: 256 },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of sockets that nobody reads',
    program: 'file-memory',
    only: 'native',
    command: ['sockets'],
    limits: { memoryBytes: 16 * MiB, openFiles: 256 },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of what files are labelled with',
    program: 'hoard-attributes',
    only: 'native',
    command: ['/tmp'],
    expected: { outcome: exited(0), stdout: 'started\nheld\n', limitsHit: ['inodes'] },
  },
  {
    name: 'memory by way of huge pages, which count towards nobody',
    program: 'huge-pages',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM') },
  },
  {
    name: 'a stack beyond its limit',
    program: 'deep-stack',
    limits: { stackBytes: MiB },
    expected: { outcome: killed('SIGSEGV'), stdout: 'raise EPERM\n1048576 bytes\n' },
  },
  {
    name: 'disk filled by files that have no name',
    program: 'nameless-files',
    only: 'native',
    command: ['/out'],
    outputs: ['/out'],
    expected: { outcome: exited(0), stdout: 'full\n', outputs: {} },
  },
  {
    name: 'a fork bomb of processes that wait for each other',
    program: 'vfork-bomb',
    limits: { pids: 16, wallTimeMs: 500 },
    expected: { outcome: limit('wallTime'), stdout: 'started\n', limitsHit: ['wallTime', 'pids'] },
  },
  {
    name: 'processes that have ended and are never asked how',
    program: 'zombies',
    only: 'native',
    command: ['32'],
    limits: { pids: 32 },
    expected: { outcome: exited(0), stdout: 'held\n', limitsHit: ['pids'] },
  },
  {
    name: 'a process left behind that is another one all the time',
    program: 'orphan-chain',
    limits: { pids: 400 },
    expected: { outcome: exited(0), stdout: 'left\n' },
  },
  {
    name: 'everybody stopped whom it can reach',
    program: 'stop-everybody',
    limits: { idleTimeMs: 1000 },
    expected: { outcome: limit('idleTime'), stdout: 'started\n', limitsHit: ['idleTime'] },
  },
  {
    name: 'an end by the signal that a limit ends tasks with is no limit',
    program: 'kill-itself',
    expected: { outcome: killed('SIGKILL'), stdout: 'started\n' },
  },
  {
    name: 'output in single bytes: exactly the limit arrives',
    program: 'tiny-writes',
    only: 'native',
    limits: { outputBytes: 20_001 },
    expected: {
      outcome: limit('output'),
      stdout: /^x+$/,
      stderr: /^x+$/,
      limitsHit: ['output'],
      usage: (usage) => usage.outputBytes === 20_001,
    },
  },
  {
    name: 'sockets left open in each other only',
    program: 'in-flight',
    only: 'native',
    expected: { outcome: exited(0), stdout: 'left 5\n' },
  },
  {
    name: 'what waits for others, in rings, too deep, and with timers that never stop',
    program: 'nests',
    only: 'native',
    expected: { outcome: exited(0), stdout: 'itself EINVAL\nring ELOOP\ndepth held\n' },
  },
  {
    name: 'streams turned around, unblocked, made small and signed up for signals: all of the output arrives',
    program: 'odd-streams',
    stdin: new Uint8Array(100_000),
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const text = stdout.toString()
      const lines = text.slice(0, -100_000)
      assert.equal(text.slice(-100_000), '.'.repeat(100_000))
      // A stream opened anew is another way to the same pipe: it gains nothing, and engines allow it.
      assert.match(
        lines.replaceAll(/^(in|out)put opened .*\n/gm, ''),
        refusedWith('EBADF', 'ESPIPE', 'EINVAL', 'EACCES'),
      )
    },
  },
  {
    name: 'cores cannot be had, nor a limit at which the host is asked to take them',
    program: 'core-limit',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const [limits = '', ...attempts] = stdout.toString().split('\n')
      assert.equal(limits, '1 of 1')
      assert.match(attempts.join('\n'), refusedWith('EPERM', 'ENOSYS'))
    },
  },
  {
    name: 'calls that are denied, without end: who looks at them takes his time',
    program: 'denied-calls',
    only: 'native',
    limits: { wallTimeMs: 500 },
    expected: {
      outcome: limit('wallTime'),
      stdout: 'started\n',
      limitsHit: ['wallTime'],
      // A machine that has much else to do takes a while for its end, too; without one it would go on for ever.
      usage: (usage) => usage.wallTimeMs < 30_000,
    },
  },
  {
    name: 'what it may set of itself in /proc elsewhere',
    program: 'write-own-proc',
    // An engine leaves the rest of /proc writable; what a process has there concerns itself.
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
]
