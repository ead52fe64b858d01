import assert from 'node:assert/strict'
import type { RuntimeName } from '../../src/protocol/execution.ts'
import { exited, limit, MEMORY_LIMIT, MiB, REFUSED, refusedWith, type Attack } from './attack.ts'
import { ATTACKS_BY_FILES } from './attacks-by-files.ts'
import { ATTACKS_ON_LIMITS } from './attacks-on-limits.ts'
import { ATTACKS_ON_THE_HOST } from './attacks-on-the-host.ts'

const RESOURCES: readonly Attack[] = [
  {
    name: 'a fork bomb',
    program: 'fork-bomb',
    // Each fork that fails has used memory until then, of which the kernel lets go when it has time to (RCU).
    limits: { pids: 16, wallTimeMs: 1500, memoryBytes: 512 * MiB },
    expected: { outcome: limit('wallTime'), stdout: 'started\n', limitsHit: ['wallTime', 'pids'] },
  },
  {
    name: 'a thread bomb',
    program: 'thread-bomb',
    command: ['32'],
    limits: { pids: 32 },
    expected: { outcome: exited(0), stdout: 'held\n', limitsHit: ['pids'] },
  },
  {
    name: 'memory spread over children: the whole group dies',
    program: 'memory-of-children',
    limits: { memoryBytes: 48 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of the disk, which is in memory',
    program: 'file-memory',
    command: ['disk', '/tmp'],
    limits: { memoryBytes: 32 * MiB, diskBytes: 256 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of files without a name',
    program: 'file-memory',
    command: ['memfd'],
    limits: { memoryBytes: 32 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of /dev/shm, which is part of the disk',
    program: 'file-memory',
    command: ['disk', '/dev/shm'],
    limits: { memoryBytes: 32 * MiB },
    expected: { outcome: exited(0), stdout: 'started\n', limitsHit: ['disk', 'inodes'] },
  },
  {
    name: 'memory by way of System V segments',
    program: 'file-memory',
    command: ['shm'],
    limits: { memoryBytes: 32 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'threads that use the CPU and ignore what asks them to stop',
    program: 'spinning-threads',
    limits: { cpuTimeMs: 500 },
    expected: {
      outcome: limit('cpuTime'),
      stdout: 'started\n',
      limitsHit: ['cpuTime'],
      usage: (usage) => usage.cpuTimeMs >= 500,
    },
  },
  {
    name: 'processes left behind in other sessions, deaf, stopped or without descriptors',
    program: 'daemons',
    expected: { outcome: exited(0), stdout: 'left\n' },
  },
  {
    name: 'many processes with next to no CPU time: it is ended all the same',
    program: 'spinning-processes',
    limits: { pids: 250, cpuCores: 0.01, wallTimeMs: 4000 },
    expected: {
      outcome: limit('wallTime'),
      stdout: 'started\n',
      limitsHit: ['wallTime'],
      usage: (usage) => usage.cpuTimeMs < 1000,
    },
  },
  {
    name: 'a task that stops itself',
    program: 'stop-itself',
    limits: { idleTimeMs: 1000 },
    expected: { outcome: limit('idleTime'), stdout: 'started\n', limitsHit: ['idleTime'] },
  },
  {
    name: 'a process whose first thread is dead',
    program: 'leaderless',
    limits: { cpuTimeMs: 500 },
    expected: { outcome: limit('cpuTime'), stdout: 'started\n', limitsHit: ['cpuTime'] },
  },
  {
    name: 'children given to the task’s parent, whose ends are not the task’s',
    program: 'false-end',
    expected: { outcome: exited(5), stdout: 'still here\n' },
  },
  {
    name: 'output left in a pipe made large: all of it arrives',
    program: 'large-pipe',
    expected: { outcome: exited(0), stderr: /^\d+\n$/ },
    verify({ stdout, stderr }) {
      assert.equal(stdout.length, Number(stderr))
    },
  },
  {
    name: 'results of a terabyte, and several that fit only alone',
    program: 'sparse-results',
    command: ['/out', '600000'],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      stdout: refusedWith('EFBIG', 'ENOSPC', 'EINVAL', 'EPERM', 'ENOSYS'),
      outputs: {
        '/out/huge': '',
        '/out/sparse-0': '\0'.repeat(600_000),
        '/out/sparse-1': { error: 'TOO_LARGE' },
        '/out/sparse-2': { error: 'TOO_LARGE' },
      },
    },
  },
  {
    name: 'folders 100,000 deep',
    program: 'deep-folders',
    command: ['/out', '100000'],
    outputs: ['/out'],
    limits: { inodes: 100_100, memoryBytes: 512 * MiB },
    expected: { outcome: exited(0), stdout: 'depth 100000, file made\n' },
    verify({ execution }) {
      assert.ok(execution.outputs.length > 0, 'what cannot be handed over is named')
      for (const output of execution.outputs) assert.ok('error' in output, JSON.stringify(output))
    },
  },
  {
    name: 'an inode bomb of files, folders, links and pipes',
    program: 'inode-bomb',
    command: ['/tmp', '/out'],
    outputs: ['/out'],
    limits: { inodes: 200 },
    expected: { outcome: exited(0), stdout: 'made 200\n', limitsHit: ['inodes'] },
  },
  {
    name: 'descriptors and pipe buffers hoarded',
    program: 'hoard-descriptors',
    command: ['64'],
    limits: { openFiles: 64 },
    expected: { outcome: exited(0), stdout: 'held\n' },
  },
  {
    name: 'limits and priorities cannot be raised',
    program: 'raise-limits',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'EINVAL') },
  },
]

const HOST: readonly Attack[] = [
  {
    name: 'settings of the kernel cannot be opened for writing',
    program: 'write-proc',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    name: 'what tells of the host is hidden',
    program: 'read-proc',
    expected: { outcome: exited(0), stdout: /^(?:\S+ hidden\n)+$/ },
  },
  {
    name: 'a file of the host is not found by any way',
    program: 'find-host-file',
    command: ({ file }) => [file],
    expected: { outcome: exited(0), stdout: 'not found\n' },
  },
  {
    name: 'other processes cannot be looked into',
    program: 'other-processes',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    name: 'the first process of its sandbox can be neither limited nor slowed down',
    program: 'burden-init',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM') },
  },
  {
    name: 'killing everything kills nothing but its own',
    program: 'kill-everything',
    expected: { outcome: exited(7), stdout: 'alive\n' },
  },
  {
    name: 'nothing can be mounted or unmounted',
    program: 'mounts',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    name: 'no namespaces can be made or entered',
    program: 'namespaces',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    name: 'calls that few need and many have broken out by are refused',
    program: 'kernel-calls',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EACCES', 'ENOSYS') },
  },
  {
    name: 'sockets to the hypervisor, into the kernel and onto the wire are refused',
    program: 'sockets',
    expected: {
      outcome: exited(0),
      stdout: refusedWith('EPERM', 'EACCES', 'ENOSYS', 'EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'),
    },
  },
  {
    name: 'what listens on the host, and beyond it, cannot be reached',
    program: 'host-sockets',
    command: ({ abstractName, socketPath, port }) => [abstractName, socketPath, String(port)],
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'ECONNREFUSED', 'ENETUNREACH', 'EAFNOSUPPORT') },
  },
  {
    name: 'nothing can be typed into a terminal',
    program: 'terminals',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'ENOTTY', 'ENXIO', 'ENODEV', 'EIO') },
  },
  {
    name: 'devices can be neither made nor opened',
    program: 'devices',
    outputs: ['/out'],
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'ENXIO', 'ENODEV'), outputs: {} },
  },
  {
    name: 'no privileges, and none to be had',
    program: 'privileges',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const lines = stdout.toString().split('\n')
      const status = lines.filter((line) => line.includes(':')).map((line) => line.replaceAll(/\s+/g, ' ').trim())
      // An engine counts the task's own group among the others.
      const groups = status.findIndex((line) => line === 'Groups: 65534')
      if (groups >= 0) status[groups] = 'Groups:'
      assert.deepEqual(status.toSorted(), [
        'CapAmb: 0000000000000000',
        'CapBnd: 0000000000000000',
        'CapEff: 0000000000000000',
        'CapInh: 0000000000000000',
        'CapPrm: 0000000000000000',
        'Groups:',
        'NoNewPrivs: 1',
        'Seccomp: 2',
        'root: no',
      ])
      const attempts = lines.filter((line) => line !== '' && !line.includes(':'))
      assert.match(`${attempts.join('\n')}\n`, refusedWith(...REFUSED, 'EINVAL'))
    },
  },
  {
    name: 'a set-user-id copy of itself is run by nobody else',
    program: 'set-uid-copy',
    command: ['/tmp'],
    limits: { diskBytes: 4 * MiB },
    expected: { outcome: exited(0), stdout: 'not owned by root\nran as itself\n' },
  },
  {
    name: 'control groups can be neither changed nor left',
    program: 'control-groups',
    expected: { outcome: exited(0), stdout: 'nothing\n' },
  },
  {
    name: 'programs cannot be overwritten, neither its own nor that which started it',
    program: 'overwrite-program',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'ETXTBSY') },
  },
  {
    name: 'descriptors 0, 1 and 2 and the task’s environment are all that there is',
    program: 'inventory',
    env: { ONLY: 'this' },
    expected: { outcome: exited(0) },
    verify({ stdout }, { secret }) {
      const lines = stdout.toString().trim().split('\n')
      assert.deepEqual(
        lines.filter((line) => line.startsWith('descriptor')),
        ['descriptor 0 pipe', 'descriptor 1 pipe', 'descriptor 2 pipe'],
      )
      assert.ok(lines.includes('variable ONLY=this'))
      const names = lines.flatMap((line) => /^variable ([^=]+)=/.exec(line)?.[1] ?? [])
      for (const name of names) assert.match(name, /^(ONLY|SOUK_ESCAPE|PATH|HOME|HOSTNAME)$/)
      assert.ok(!stdout.includes(secret), 'a secret of the node is in an environment')
    },
  },
  {
    name: 'a crash leaves no core',
    program: 'crash-with-core',
    outputs: ['/out'],
    limits: { diskBytes: 16 * MiB },
    expected: { outcome: { kind: 'killed', signal: 'SIGSEGV' }, stdout: 'started\n', outputs: {} },
  },
  {
    name: 'nothing can be written but where the task was told so',
    program: 'write-root',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
]

const INPUTS_AND_RESULTS: readonly Attack[] = [
  {
    name: 'results that lead elsewhere are named, and not followed',
    program: 'odd-results',
    command: ({ file }) => ['/out', file],
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      outputs: {
        '/out/closed/file': '',
        '/out/environ': { error: 'SYMLINK' },
        '/out/loop': { error: 'SYMLINK' },
        '/out/moved/file': '',
        '/out/parent': { error: 'SYMLINK' },
        '/out/pipe': { error: 'NOT_REGULAR' },
        '/out/secret': { error: 'SYMLINK' },
        '/out/socket': { error: 'NOT_REGULAR' },
      },
    },
  },
  {
    name: 'an input cannot be changed by the ways around its mount',
    program: 'change-input',
    command: ['/in/file'],
    inputs: [{ target: '/in/file', content: 'as it was' }],
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const lines = stdout.toString().trim().split('\n')
      assert.equal(lines.pop(), 'as it was')
      assert.match(
        `${lines.join('\n')}\n`,
        refusedWith(...REFUSED, 'EXDEV', 'EBUSY', 'ENOTSUP', 'EOPNOTSUPP', 'ETXTBSY'),
      )
    },
  },
]

/** For every runtime whose tasks are processes of the host's kernel. */
const ATTACKS: readonly Attack[] = [
  ...RESOURCES,
  ...HOST,
  ...INPUTS_AND_RESULTS,
  ...ATTACKS_ON_LIMITS,
  ...ATTACKS_ON_THE_HOST,
  ...ATTACKS_BY_FILES,
]

/** Those that are tried in one runtime. */
export function attacksOn(runtime: RuntimeName): readonly Attack[] {
  return ATTACKS.filter(({ only }) => only === undefined || only === runtime)
}
