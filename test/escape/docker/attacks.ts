import assert from 'node:assert/strict'
import { exited, limit, MEMORY_LIMIT, MiB, REFUSED, refusedWith, type Attack } from '../attack.ts'

const OUTPUT_BYTES = 3_000_000

/** On what only containers have: their first process, its socket, what an engine makes of /dev, /proc and /sys. */
const ON_CONTAINERS: readonly Attack[] = [
  {
    name: 'its first process’s socket and program can be neither reached, removed, replaced nor named elsewhere',
    program: 'control-socket',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const [connections = '', ...attempts] = stdout.toString().split(/(?<=\n)/)
      // The node listens no more, so that there is nobody who would have to tell one from the other.
      assert.equal(connections, '0 connections\n')
      assert.match(attempts.join(''), refusedWith(...REFUSED, 'EXDEV', 'EADDRINUSE', 'ETXTBSY', 'EBUSY'))
    },
  },
  {
    name: 'signals to its first process, all there are and one without end',
    program: 'init-signals',
    expected: { outcome: exited(5), stdout: 'alive\n' },
  },
  {
    name: 'an end with all processes there that it may have, so that nobody could start one more',
    program: 'pids-full',
    limits: { pids: 24 },
    expected: { outcome: exited(7), stdout: 'full\n', limitsHit: ['pids'] },
  },
  {
    name: 'pipes made large, writes that never wait, floods on both: exactly the limit arrives',
    program: 'both-floods',
    limits: { outputBytes: OUTPUT_BYTES },
    expected: {
      outcome: limit('output'),
      stdout: /^x*$/,
      stderr: /^x*$/,
      limitsHit: ['output'],
      usage: (usage) => usage.outputBytes === OUTPUT_BYTES,
    },
  },
  {
    name: 'streams opened by their other ends, filled, signed up for signals, and kept by who is left behind',
    program: 'ends-of-pipes',
    stdin: new Uint8Array(100_000),
    expected: { outcome: exited(5), stdout: '' },
  },
  {
    name: 'message queues without end, left full',
    program: 'queues',
    limits: { openFiles: 1024 },
    expected: { outcome: exited(0), stdout: 'some\n' },
  },
  {
    name: 'message queues again: those that a task has left are gone with it',
    program: 'queues',
    limits: { openFiles: 512 },
    expected: { outcome: exited(0), stdout: 'some\n' },
  },
  {
    name: 'of all that the kernel shows as files it may write to nothing but devices',
    program: 'writable-kernel',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      assert.deepEqual(stdout.toString().trim().split('\n').toSorted(), [
        '/dev/full',
        '/dev/mqueue',
        '/dev/null',
        '/dev/random',
        '/dev/tty',
        '/dev/urandom',
        '/dev/zero',
      ])
    },
  },
  {
    name: 'no mount spreads from it to the host',
    program: 'mount-propagation',
    inputs: [{ target: '/in/file', content: 'as it was' }],
    outputs: ['/out'],
    // What the host mounts on the root of a container the container would see: engines make it so, and nobody does.
    expected: { outcome: exited(0), stdout: /^(\/ master:\n)?looked\n$/ },
  },
  {
    name: 'pseudo-terminals, which all of the host has together',
    program: 'pseudo-terminals',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'ENXIO', 'EIO', 'ENODEV') },
  },
  {
    name: 'memory locked, and priority over others',
    program: 'locked-memory',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'ENOMEM', 'EAGAIN', 'EACCES') },
  },
  {
    // As in CVE-2020-15257 of containerd.
    name: 'neither the engine nor what runs its containers can be reached',
    program: 'engine-sockets',
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      // The other end of its first process's connection counts as of its network (unix(7)), and has a name of the node's.
      const text = stdout.toString().replace(/^SEES \/proc\/self\/fd\/\d+\/control\n/m, '')
      assert.match(text, refusedWith('ENOENT', 'ECONNREFUSED'))
    },
  },
]

/** Tried on native tasks, too, where other walls hold them back. */
const BY_OTHER_WALLS: readonly Attack[] = [
  {
    name: 'memory by way of System V messages, in a container',
    program: 'file-memory',
    command: ['messages'],
    limits: { memoryBytes: 32 * MiB },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'memory by way of sockets that nobody reads, in a container',
    program: 'file-memory',
    command: ['sockets'],
    limits: { memoryBytes: 16 * MiB, openFiles: 256 },
    expected: MEMORY_LIMIT,
  },
  {
    name: 'labels, capabilities and owners of files, where no user namespace would make them its own',
    program: 'attributes',
    command: ['/tmp'],
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EROFS', 'EINVAL', 'EOPNOTSUPP', 'ENOTTY') },
  },
  {
    name: 'others’ credentials over a socket, where no user namespace tells users apart',
    program: 'forged-credentials',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EINVAL', 'ENOPROTOOPT') },
  },
  {
    name: 'clocks, names and the log of the host, in a container',
    program: 'host-clock',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EOPNOTSUPP') },
  },
  {
    name: 'file systems made, configured or written out, in a container',
    program: 'file-systems',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'ENOSYS') },
  },
  {
    name: 'memory, personality, core and filter of its own, in a container',
    program: 'own-attributes',
    expected: { outcome: exited(0), stdout: refusedWith('EPERM', 'EINVAL') },
  },
  {
    name: 'devices that an engine gives to all, changed for others',
    program: 'shared-devices',
    expected: { outcome: exited(0), stdout: refusedWith(...REFUSED, 'EINVAL', 'ENOSPC') },
  },
  {
    name: 'a loader, a tuned allocator and interpreters that its environment names: they run nothing else',
    program: 'exit-code',
    command: ['5'],
    env: {
      LD_PRELOAD: '/tmp/none.so',
      LD_LIBRARY_PATH: '/tmp',
      LD_AUDIT: '/tmp/none.so',
      GLIBC_TUNABLES: `glibc.malloc.mxfast=${'A'.repeat(4096)}`,
      NODE_OPTIONS: '--require /tmp/none.js',
      PATH: '/proc/self/fd:.',
    },
    expected: { outcome: exited(5), stdout: '' },
  },
  {
    name: 'what a container shows of its host: names, groups, interfaces, memory',
    program: 'told-of-itself',
    expected: {
      outcome: exited(0),
      stdout: `${[
        'host souk, domain (none)',
        'users 0 0 4294967295',
        'groups 0 0 4294967295',
        'control groups above: 0',
        'interfaces besides lo: 0',
        'lo is UP',
        'routes: 0',
        // Both ends of its first process's connection to the node.
        'sockets besides its own: 2',
        'segments: 0',
        'first of its session: yes',
      ].join('\n')}\n`,
    },
  },
  {
    name: 'its folders, devices and mounts: what an engine makes, and nothing of the host’s',
    program: 'mount-flags',
    inputs: [{ target: '/in/file', content: 'as it was' }],
    outputs: ['/out'],
    expected: { outcome: exited(0) },
    verify({ stdout }) {
      const writable = stdout
        .toString()
        .trim()
        .split('\n')
        .filter((line) => / rw(,|$)/.test(line))
        .map((line) => line.split(' '))
        // What is hidden there is covered with /dev/null.
        .filter(([point = '']) => !point.startsWith('/proc/'))
      assert.deepEqual(writable.map(([point = '']) => point).sort(), [
        '/dev',
        '/dev/mqueue',
        '/dev/pts',
        '/dev/shm',
        '/out',
        '/proc',
        '/sys/fs/cgroup',
        '/tmp',
      ])
      for (const [point = '', options = ''] of writable) {
        assert.match(options, /nosuid/, point)
        if (!['/dev', '/dev/pts'].includes(point)) assert.match(options, /nodev/, point)
      }
    },
  },
  {
    name: 'a program that lies in memory only, in a container',
    program: 'nameless-program',
    limits: { diskBytes: 4 * MiB },
    expected: { outcome: exited(0), stdout: 'overwrite itself ETXTBSY\nmount EPERM\nran as itself\n' },
  },
]

/** What is tried in containers besides what is tried in every runtime that runs processes. */
export const ATTACKS_ON_CONTAINERS: readonly Attack[] = [...ON_CONTAINERS, ...BY_OTHER_WALLS]
