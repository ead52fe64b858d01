import { Buffer } from 'node:buffer'
import { dirname } from 'node:path'
import { rawEntry, paxHeader, type RawEntry } from '../../fixtures/raw-tar.ts'
import type { Bait } from '../bait.ts'

/** What of this host an image is made against, and the programs that it brings. */
export interface HostileParts {
  readonly bait: Bait
  /** Numbers of the disk that this host's temporary files are on. */
  readonly disk: readonly [major: number, minor: number]
  /** Says who it is, and what it may do (test/escape/programs/privileges.c). */
  readonly privileges: Uint8Array
  /** Names every way from its working folder to one outside of its root (leaked-folders.c). */
  readonly leakedFolders: Uint8Array
}

/** An image over one that has a shell, what its task is, and what comes of it. */
export interface HostileImage {
  readonly name: string
  readonly entries?: (parts: HostileParts) => readonly (RawEntry | Uint8Array)[]
  /** Its own word on how it is run, as an image's configuration has it. */
  readonly config?: object
  readonly command?: readonly string[]
  readonly outputs?: readonly string[]
  readonly inputs?: readonly string[]
  readonly workdir?: string
  /** Refused, with a message like this; both where it is that or runs, by the engine. */
  readonly refused?: RegExp
  /** All that its task says, where it runs and exits with 0, or with `code`. */
  readonly says?: RegExp
  readonly code?: number
}

const file = (name: string, content = '', mode = 0o644): RawEntry => ({ name, content, mode })
const folder = (name: string): RawEntry => ({ name, type: '5', mode: 0o755 })
const link = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname })
const pipe = (name: string): RawEntry => ({ name, type: '6', mode: 0o777 })

/** A device that anybody may use, as far as its mode goes. */
function device(name: string, type: 'c' | 'b', [major, minor]: readonly [number, number]): Uint8Array {
  const entry = Buffer.from(rawEntry({ name, type: type === 'c' ? '3' : '4', mode: 0o777 }))
  const octal = (value: number): string => `${value.toString(8).padStart(7, '0')}\0`
  entry.write(octal(major), 329)
  entry.write(octal(minor), 337)
  entry.write('        ', 148)
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  entry.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return entry
}

/** vfs_cap_data of version 2, effective: cap_sys_admin, cap_sys_ptrace and cap_setuid. */
const FILE_CAPABILITIES = '\u0001\0\0\u0002\u0080\0\u0028\0\0\0\0\0\0\0\0\0\0\0\0\0'.replace('\u0080', '\0')
const outsideOf = ({ bait }: HostileParts): string => dirname(bait.file)
const NOT_TO_BE_PUT = /cannot be put into it/
const WORKING_FOLDER = /its working folder is/
const NO_END = (name: string): RegExp => new RegExp(`its /etc/${name} (is|has)`)
const PROGRAM = /its program cannot be run/
const WRITES = ['sh', '-c', 'echo changed > /out/secret; echo wrote'] as const
/** The link may lead to what one of our own mounts lies over by then: nothing is there, inside. */
const WROTE = /^wrote\n(sh: can't create .+\n)?$/
const EMPTY = /^$/

/** Images that lead elsewhere by links in the places where something of ours is mounted. */
const LINKS: readonly HostileImage[] = [
  {
    name: 'whose result folder is a link to a folder of the host',
    entries: (parts) => [link('out', outsideOf(parts))],
    command: WRITES,
    outputs: ['/out'],
    says: WROTE,
  },
  {
    name: 'whose result folder is a link that leads up, and to a folder of the host',
    entries: (parts) => [link('out', `${'../'.repeat(20)}${outsideOf(parts).slice(1)}`)],
    command: WRITES,
    outputs: ['/out'],
    says: WROTE,
  },
  {
    name: 'whose result folder leads through links to the root of another process',
    entries: (parts) => [link('a', '/proc/1'), link('b', 'a/root'), link('out', `b${outsideOf(parts)}`)],
    command: WRITES,
    outputs: ['/out'],
    refused: NOT_TO_BE_PUT,
    // By then it leads into what nobody may look into.
    says: /^wrote\nsh: can't create \/out\/secret: Permission denied\n$/,
  },
  {
    name: 'whose result folder is a link to what the kernel shows',
    entries: () => [link('out', '/sys/fs/cgroup')],
    command: ['sh', '-c', 'ls /out; echo x > /out/x; echo wrote'],
    outputs: ['/out'],
    refused: NOT_TO_BE_PUT,
    // What is mounted there is read-only for everybody: such an image has no results.
    says: /^wrote\nsh: can't create \/out\/x: Read-only file system\n$/,
  },
  {
    name: 'whose result folder is a link to /dev, where our first process is',
    entries: () => [link('out', '/dev')],
    command: ['sh', '-c', 'echo x > /out/x && echo wrote'],
    outputs: ['/out'],
    refused: NOT_TO_BE_PUT,
    says: /^wrote\n$/,
  },
  {
    name: 'whose result folder is a link to the first process itself',
    entries: () => [link('out', '/dev/souk-init')],
    command: ['true'],
    outputs: ['/out'],
    refused: NOT_TO_BE_PUT,
    says: EMPTY,
  },
  {
    name: 'whose /tmp is a link to its root',
    entries: () => [link('tmp', '/')],
    command: ['sh', '-c', 'echo ran'],
    refused: /./,
    says: /^ran\n$/,
  },
  {
    name: 'whose folder of an input is a link to a folder of the host',
    entries: (parts) => [link('in', outsideOf(parts))],
    command: ['cat', '/in/secret'],
    inputs: ['/in/secret'],
    says: /^of the task\n$/,
  },
  {
    name: 'whose folder of an input is a link to itself',
    entries: () => [link('in', 'in')],
    command: ['cat', '/in/file'],
    inputs: ['/in/file'],
    refused: /./,
  },
  {
    name: 'whose /etc is a link to a folder of the host',
    entries: (parts) => [link('etc', outsideOf(parts))],
    command: ['echo', 'ran'],
    says: /^ran\n$/,
  },
  {
    name: 'whose /dev and /proc are links to folders of the host',
    entries: (parts) => [link('dev', outsideOf(parts)), link('proc', outsideOf(parts))],
    command: ['sh', '-c', 'test -c /dev/null && test -d /proc/self && echo ran'],
    refused: /./,
    says: /^ran\n$/,
  },
  {
    name: 'with a volume that is a link to a folder of the host',
    entries: (parts) => [link('v', outsideOf(parts))],
    config: { Volumes: { '/v': {} } },
    command: ['sh', '-c', 'echo changed > /v/secret; cat /v/secret; true'],
    // It lies where the link leads inside, and there it may be below another one of ours.
    says: /^(changed\n|sh: can't create \/v\/secret: .+\ncat: .+\n)$/,
  },
  {
    name: 'with files in the places of folders',
    entries: () => [file('tmp', 'x'), file('proc', 'x'), file('sys', 'x')],
    command: ['echo', 'ran'],
    refused: NOT_TO_BE_PUT,
  },
  {
    name: 'with a first process and a socket of its own',
    entries: () => [file('dev/souk-init', '#!/bin/sh\necho EVIL\n', 0o755), pipe('dev/souk')],
    command: ['echo', 'ran'],
    says: /^ran\n$/,
  },
]

/** As in CVE-2024-21626 of runc: a working folder that is one of whoever starts the container. */
const WORKING_FOLDERS: readonly HostileImage[] = [
  ...['/proc/self/fd/7', '/proc/1/root', '/tmp/../proc/self/cwd', '/dev/fd/8', 'proc/self/fd/7'].map((workdir) => ({
    name: `whose working folder is ${workdir}`,
    config: { WorkingDir: workdir },
    command: ['pwd'],
    refused: WORKING_FOLDER,
  })),
  ...[6, 7, 8, 9].map((descriptor) => ({
    name: `whose working folder is a link to descriptor ${descriptor} of whoever starts it`,
    entries: ({ leakedFolders }: HostileParts) => [
      link('w', `/proc/self/fd/${descriptor}`),
      { name: 'look', content: leakedFolders, mode: 0o755 },
    ],
    config: { WorkingDir: '/w' },
    command: ['/look'],
    refused: /./,
    says: /, and nowhere else\n$/,
  })),
  {
    name: 'in which the task’s working folder is a link to a descriptor',
    entries: ({ leakedFolders }) => [
      link('w', '/proc/self/fd/8'),
      { name: 'look', content: leakedFolders, mode: 0o755 },
    ],
    workdir: '/w',
    command: ['/look'],
    refused: NOT_TO_BE_PUT,
  },
  {
    name: 'in which the task’s working folder is a link to a folder of the host',
    entries: (parts) => [link('w', outsideOf(parts))],
    workdir: '/w',
    command: ['sh', '-c', 'echo changed > secret; ls'],
    refused: NOT_TO_BE_PUT,
    says: /^secret\n$/,
  },
]

/** With which an engine comes to no end, or takes the task for somebody else. */
const USERS: readonly HostileImage[] = [
  ...['passwd', 'group'].flatMap((name): HostileImage[] => [
    { name: `whose /etc/${name} is a pipe`, entries: () => [pipe(`etc/${name}`)], refused: NO_END(name) },
    {
      name: `whose /etc/${name} is a link to a pipe`,
      entries: () => [pipe('p'), link('q', '/p'), link(`etc/${name}`, '../q')],
      refused: NO_END(name),
    },
    {
      name: `whose /etc/${name} is a link to what it is to read`,
      entries: () => [link('a', '/proc/self'), link(`etc/${name}`, '/a/fd/0')],
      refused: NO_END(name),
    },
    {
      name: `whose /etc/${name} is a device without end`,
      entries: () => [device(`etc/${name}`, 'c', [1, 5])],
      refused: NO_END(name),
    },
    {
      name: `whose /etc/${name} has no end worth waiting for`,
      entries: () => [file(`etc/${name}`, 'x:x:1:1::/:\n'.repeat(100_000))],
      refused: NO_END(name),
    },
    { name: `whose /etc/${name} is a folder`, entries: () => [folder(`etc/${name}`)], refused: NO_END(name) },
    {
      name: `whose /etc/${name} is a link to itself`,
      entries: () => [link(`etc/${name}`, name)],
      refused: NO_END(name),
    },
  ]),
  {
    name: 'that says that our user is root, and in all groups',
    entries: () => [
      file('etc/passwd', 'nobody:x:65534:0::/root:/bin/sh\nother:x:0:0::/root:/bin/sh\n'),
      file('etc/group', 'root:x:0:nobody,65534\ndocker:x:999:nobody,65534\nnogroup:x:65534:nobody\n'),
    ],
    config: { User: 'root:docker' },
    command: ['sh', '-c', 'grep -E "^(Uid|Gid|Groups)" /proc/self/status'],
    says: /^Uid:(\t65534){4}\nGid:(\t65534){4}\nGroups:\t65534 \n$/,
  },
  ...['passwd', 'group'].map((name) => ({
    name: `whose /etc/${name} calls root by the number of our user`,
    entries: () => [file(`etc/${name}`, 'root:x:0:\n65534:x:0:0::/root:/bin/sh\n')],
    refused: new RegExp(`its /etc/${name} calls something else 65534`),
  })),
]

/** With programs that would have more rights than whoever starts them, and devices that nobody is to use. */
const RIGHTS: readonly HostileImage[] = [
  {
    name: 'with a set-user-id and set-group-id program of root',
    entries: ({ privileges }) => [{ name: 'root', content: privileges, mode: 0o6755 }],
    command: ['/root'],
    says: /^root: no\n(.*\n)*CapEff:\t0{16}\n/,
  },
  {
    name: 'with a program that has capabilities',
    entries: ({ privileges }) => [
      paxHeader({ 'SCHILY.xattr.security.capability': FILE_CAPABILITIES }),
      { name: 'able', content: privileges, mode: 0o755 },
    ],
    command: ['/able'],
    // The kernel does not even start what would have more than there may be (execve(2)).
    refused: PROGRAM,
    says: /^root: no\n(.*\n)*CapEff:\t0{16}\n/,
  },
  {
    name: 'with the host’s disk, its memory and its log, for anybody to read',
    entries: ({ disk }) => [device('disk', 'b', disk), device('mem', 'c', [1, 1]), device('log', 'c', [1, 11])],
    command: ['sh', '-c', 'for f in disk mem log; do head -c 1 /$f 2>&1 | grep -c "not permitted"; done'],
    says: /^1\n1\n1\n$/,
  },
]

/** With which something else would be started, or more than is to be. */
const PROGRAMS: readonly HostileImage[] = [
  { name: 'whose entrypoint is a folder', config: { Entrypoint: ['/bin'] }, refused: PROGRAM },
  {
    name: 'whose entrypoint is a link to itself',
    entries: () => [link('e', 'e')],
    config: { Entrypoint: ['/e'] },
    refused: PROGRAM,
  },
  {
    name: 'whose entrypoint is a pipe',
    entries: () => [pipe('e')],
    config: { Entrypoint: ['/e'] },
    refused: PROGRAM,
  },
  {
    name: 'whose entrypoint is a device',
    entries: () => [device('e', 'c', [1, 5])],
    config: { Entrypoint: ['/e'] },
    refused: PROGRAM,
  },
  {
    name: 'whose entrypoint is its own interpreter',
    entries: () => [file('e', '#!/e\n', 0o755)],
    config: { Entrypoint: ['/e'] },
    refused: PROGRAM,
  },
  { name: 'whose entrypoint is our first process', config: { Entrypoint: ['/proc/1/exe'] }, refused: PROGRAM },
  {
    name: 'whose entrypoint is our program for it, once more',
    config: { Entrypoint: ['../../dev/souk-init', '/dev/souk/control'] },
    command: [],
    code: 2,
    says: EMPTY,
  },
  {
    name: 'whose entrypoint is a script for our program',
    entries: () => [file('e', '#!/dev/souk-init\n', 0o755)],
    config: { Entrypoint: ['/e'] },
    command: [],
    code: 2,
    says: EMPTY,
  },
  {
    name: 'that would have a library loaded before anything else, and allocators tuned',
    entries: () => [file('evil.so', 'x', 0o755)],
    config: {
      Env: [
        'LD_PRELOAD=/evil.so',
        'LD_LIBRARY_PATH=/',
        'LD_AUDIT=/evil.so',
        'GLIBC_TUNABLES=glibc.rtld.nns=1',
        'PATH=/bin',
      ],
    },
    command: ['sh', '-c', 'echo ran'],
    says: /^ran\n$/,
  },
  {
    name: 'that says all that an image can say of how it is run',
    config: {
      ...{ User: 'root', Hostname: 'host', Domainname: 'example.org', Tty: true, OpenStdin: true, StdinOnce: true },
      ...{ AttachStdin: true, AttachStdout: true, NetworkDisabled: false, MacAddress: '02:00:00:00:00:01' },
      ...{ ExposedPorts: { '80/tcp': {} }, StopSignal: 'SIGWINCH', StopTimeout: 3600, ArgsEscaped: true },
      Healthcheck: { Test: ['CMD', 'touch', '/tmp/healthy'], Interval: 1_000_000, StartPeriod: 0 },
      OnBuild: ['RUN touch /built'],
      Shell: ['/bin/false'],
      Labels: { 'souk.instance': 'other', 'com.docker.compose.project': 'x', 'com.docker.swarm.task': 'y' },
    },
    command: ['sh', '-c', 'hostname; sleep 1; ls /tmp; ls /sys/class/net; test -t 0 || echo no terminal'],
    says: /^souk\nlo\nno terminal\n$/,
  },
]

export const HOSTILE_IMAGES: readonly HostileImage[] = [...LINKS, ...WORKING_FOLDERS, ...USERS, ...RIGHTS, ...PROGRAMS]
