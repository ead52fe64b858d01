import assert from 'node:assert/strict'
import { exited, killed, REFUSED, refusedWith, type Attack } from './attack.ts'

const NOWHERE = /^in \/\S*, and nowhere else\n$/
const INPUT = [{ target: '/in/file', content: 'as it was' }]

/** What every mount of a native task must have set, besides those below /proc (proc_pid_mountinfo(5)). */
const MOUNTS: Readonly<Record<string, readonly string[]>> = {
  '/': ['ro', 'nosuid', 'nodev'],
  '/dev': ['ro', 'nosuid', 'noexec'],
  '/dev/mqueue': ['rw', 'nosuid', 'nodev', 'noexec'],
  '/dev/shm': ['rw', 'nosuid', 'nodev'],
  '/in/file': ['ro', 'nosuid', 'nodev', 'noexec'],
  '/out': ['rw', 'nosuid', 'nodev'],
  '/proc': ['ro', 'nosuid', 'nodev', 'noexec'],
  '/program': ['ro', 'nosuid', 'nodev'],
  '/tmp': ['rw', 'nosuid', 'nodev'],
}

/** Ways to the host: by what is shared with it, by what was left open, and by calls that sandboxes have been left through. */
export const ATTACKS_ON_THE_HOST: readonly Attack[] = [
  {
    // As in CVE-2024-21626 of runc.
    name: 'no folder beyond its root was left open, nor is one above its working folder',
    program: 'leaked-folders',
    workdir: '/tmp/deep/er',
    expected: { outcome: exited(0), stdout: NOWHERE },
  },
  {
    // As in CVE-2016-9962 of runc.
    name: 'what the first process of its sandbox is and holds cannot be opened',
    program: 'init-handles',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    // As in CVE-2019-5736 of runc: what starts the task is what a script for /proc/self/exe is run by. Native refuses it.
    name: 'a program that names /proc/self/exe as its interpreter starts nothing but a question how to start it',
    program: 'interpreted-by-itself',
    command: ['--socket', '/tmp/socket'],
    only: 'docker',
    expected: { outcome: exited(2), stdout: '' },
  },
  {
    name: 'files that are nearly programs are not loaded',
    program: 'odd-programs',
    only: 'native',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const [own, others] = partition(stdout.toString(), 'a script for /proc/self/exe')
      assert.equal(own, 'a script for /proc/self/exe exited 77\n')
      assert.match(others, refusedWith('ENOEXEC', 'EACCES', 'ENOENT', 'ELOOP'))
    },
  },
  {
    name: 'calls by the numbers of x32 do not exist',
    program: 'foreign-calls',
    command: ['x32'],
    expected: { outcome: exited(0), stdout: refusedWith('ENOSYS') },
    in: { docker: { why: 'runc takes x32 for another architecture.', outcome: killed('SIGSYS'), stdout: '' } },
  },
  {
    name: 'a call by the numbers of i386 is the last',
    program: 'foreign-calls',
    command: ['i386'],
    expected: { outcome: killed('SIGSYS'), stdout: 'started\n' },
  },
  {
    // As in CVE-2022-0492 of Linux.
    name: 'no hierarchy of control groups for a release agent of its own',
    program: 'release-agent',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED) },
  },
  {
    // As in CVE-2022-0185 of Linux.
    name: 'file systems can be neither made, configured nor asked to write out',
    program: 'file-systems',
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'ENOSYS') },
  },
  {
    name: 'clocks, names and the log of the host are not its own',
    program: 'host-clock',
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EOPNOTSUPP') },
  },
  {
    name: 'no hold on another process by a descriptor of it',
    program: 'pidfds',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'ECHILD') },
  },
  {
    name: 'files get no capabilities, labels, owners or flags that the host would heed',
    program: 'attributes',
    only: 'native',
    command: ['/tmp'],
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EROFS', 'EINVAL') },
  },
  {
    // As in CVE-2016-5195 of Linux (Dirty COW).
    name: 'a file that it may only read is not changed by way of memory',
    program: 'shared-pages',
    command: ['/in/file', 'as'],
    inputs: INPUT,
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const [end, attempts] = partition(stdout.toString(), 'as it was')
      assert.equal(end, 'as it was\n')
      // An engine leaves /proc/self/mem writable.
      assert.match(attempts.replace('past protection DONE\n', ''), refusedWith(...REFUSED, 'EINVAL', 'EFAULT'))
    },
  },
  {
    // As in CVE-2022-0847 of Linux (Dirty Pipe).
    name: 'a file that it may only read is not changed by way of pipes',
    program: 'shared-pipes',
    only: 'native',
    command: ['/in/file', 'as'],
    inputs: INPUT,
    expected: {
      outcome: exited(0),
      stdout: 'lend memory EPERM\nsplice into it EBADF\nsend into it EBADF\ncopy into it EBADF\nas it was\n',
    },
  },
  {
    name: 'the file system under its input is neither frozen, leased, locked nor flagged',
    program: 'shared-files',
    command: ['/in/file'],
    inputs: INPUT,
    expected: {
      outcome: exited(0),
      stdout: refusedWith(...REFUSED, 'ENOTTY', 'EOPNOTSUPP', 'EBADF', 'EINVAL'),
    },
  },
  {
    name: 'nor that under its program',
    program: 'shared-files',
    command: ['/proc/self/exe'],
    only: 'native',
    expected: {
      outcome: exited(0),
      stdout: refusedWith(...REFUSED, 'ENOTTY', 'EOPNOTSUPP', 'EBADF', 'EINVAL', 'ETXTBSY'),
    },
  },
  {
    name: 'devices that all share cannot be changed, and do not run out',
    program: 'shared-devices',
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'EINVAL', 'ENOSPC') },
  },
  {
    name: 'nobody else’s credentials pass over a socket',
    program: 'forged-credentials',
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EINVAL', 'ENOPROTOOPT') },
  },
  {
    name: 'no programs in the kernel by way of sockets',
    program: 'socket-filters',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM') },
  },
  {
    name: 'its memory, personality, core and filter stay as they are',
    program: 'own-attributes',
    only: 'native',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EINVAL') },
  },
  {
    name: 'a program that lies in memory only has no more rights than one that does not',
    program: 'nameless-program',
    only: 'native',
    limits: { diskBytes: 4 * 1024 * 1024 },
    expected: { outcome: exited(0), stdout: 'overwrite itself ETXTBSY\nmount EPERM\nran as itself\n' },
  },
  {
    name: 'an environment that would have loaders and interpreters run something else',
    program: 'exit-code',
    command: ['5'],
    only: 'native',
    env: {
      LD_PRELOAD: '/tmp/none.so',
      LD_LIBRARY_PATH: '/tmp',
      LD_AUDIT: '/tmp/none.so',
      GLIBC_TUNABLES: `glibc.malloc.mxfast=${'A'.repeat(4096)}`,
      NODE_OPTIONS: '--require /tmp/none.js',
      BASH_ENV: '/tmp/none.sh',
      IFS: '/',
      PATH: '/proc/self/fd:.',
    },
    expected: { outcome: exited(5), stdout: '' },
  },
  {
    name: 'what its namespaces show it is nobody else’s: names, ids, groups, interfaces, memory',
    program: 'told-of-itself',
    only: 'native',
    expected: {
      outcome: exited(0),
      stdout: `${[
        'host souk, domain ',
        'users 65534 65534 1',
        'groups 65534 65534 1',
        'control groups above: 0',
        'interfaces besides lo: 0',
        'lo is down',
        'routes: 0',
        'sockets besides its own: 0',
        'segments: 0',
        'first of its session: yes',
      ].join('\n')}\n`,
    },
  },
  {
    name: 'its root has what it was given, /dev, /proc and /tmp, and nothing more',
    program: 'list-root',
    only: 'native',
    inputs: INPUT,
    outputs: ['/out'],
    expected: {
      outcome: exited(0),
      stdout: `${[
        ...['/dev folder', '/in folder', '/out folder', '/proc folder', '/program file', '/tmp folder'],
        ...[
          '/dev/fd link',
          '/dev/full device 1:7',
          '/dev/mqueue folder',
          '/dev/null device 1:3',
          '/dev/random device 1:8',
          '/dev/shm folder',
        ],
        ...[
          '/dev/stderr link',
          '/dev/stdin link',
          '/dev/stdout link',
          '/dev/urandom device 1:9',
          '/dev/zero device 1:5',
        ],
      ].join('\n')}\n`,
    },
  },
  {
    name: 'every mount is nosuid, none but /dev has devices, and only the disk and message queues can be written to',
    program: 'mount-flags',
    only: 'native',
    inputs: INPUT,
    outputs: ['/out'],
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const seen = new Map<string, readonly string[]>()
      for (const line of stdout.toString().trim().split('\n')) {
        const [point = '', options = ''] = line.split(' ')
        const heeded = options.split(',').filter((option) => /^(ro|rw|no(suid|dev|exec))$/.test(option))
        if (point.startsWith('/proc/')) assert.deepEqual(heeded, MOUNTS['/proc'], point)
        else seen.set(point, heeded)
      }
      assert.deepEqual(Object.fromEntries(seen), MOUNTS)
    },
  },
]

/** The lines that begin with `start`, and all others. */
function partition(text: string, start: string): readonly [string, string] {
  const lines = text.split(/(?<=\n)/)
  return [
    lines.filter((line) => line.startsWith(start)).join(''),
    lines.filter((line) => !line.startsWith(start)).join(''),
  ]
}
