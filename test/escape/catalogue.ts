/** A test in another file, by its title. */
export interface Elsewhere {
  readonly file: string
  readonly title: string
}

/** The classes of attack that a sandbox for processes has to survive, and what stands for each: attacks by name, and tests elsewhere. */
export const CATALOGUE: Readonly<Record<string, readonly (string | Elsewhere)[]>> = {
  'fork bomb': ['a fork bomb', 'a fork bomb of processes that wait for each other'],
  'thread bomb': ['a thread bomb'],
  'memory allocated and touched': [behaviour('memory: no more than the limit, its output kept')],
  'memory split over many children': ['memory spread over children: the whole group dies'],
  'tmpfs filled': ['memory by way of the disk, which is in memory'],
  'memfd filled': ['memory by way of files without a name'],
  '/dev/shm filled': ['memory by way of /dev/shm, which is part of the disk'],
  'CPU spin': [behaviour('CPU time ends a task, its output kept')],
  'threads spinning': [
    'threads that use the CPU and ignore what asks them to stop',
    'a process whose first thread is dead',
  ],
  'SIGXCPU caught': ['threads that use the CPU and ignore what asks them to stop'],
  'sleep forever': [behaviour('wall time ends a task that sleeps, its output kept'), 'a task that stops itself'],
  'SIGTERM ignored': [behaviour('wall time ends a task that ignores every signal, and its children')],
  'daemon in a session of its own': [
    'processes left behind in other sessions, deaf, stopped or without descriptors',
    'a process left behind that is another one all the time',
  ],
  'stdout closed, and running on': [behaviour('closing its output does not free a task of its limits')],
  'stdout flood, the node’s memory bounded': [
    behaviour('output: exactly the limit is kept, and the task ends'),
    elsewhere('test/escape/escape-tests.ts', 'a flood whose reader is slow fills no memory of the node'),
  ],
  'stderr and stdout flood in turn': [
    behaviour('output: both streams count together, megabytes of them'),
    'output in single bytes: exactly the limit arrives',
  ],
  'huge file': [behaviour('disk: writing past the limit fails, sparse files too')],
  'sparse file of a terabyte': ['results of a terabyte, and several that fit only alone'],
  'inode bomb': ['an inode bomb of files, folders, links and pipes'],
  'folders 100,000 deep': ['folders 100,000 deep'],
  'descriptors exhausted': ['descriptors and pipe buffers hoarded'],
  'megabytes of environment or arguments': [
    elsewhere('test/escape/escape-tests.ts', 'megabytes of arguments'),
    elsewhere('test/escape/escape-tests.ts', 'an argument longer than the kernel takes'),
    elsewhere('test/escape/escape-tests.ts', 'a variable longer than the kernel takes'),
  ],
  'a NUL byte in them': [
    elsewhere(
      'test/fuzz/task-file.test.ts',
      'refuses a hundred malformed ones, each for a reason, in a second of CPU time',
    ),
  ],
  'System V memory': ['memory by way of System V segments'],
  'message queues': ['memory by way of System V messages'],
  'pipe buffers hoarded': ['memory by way of pipes that nobody reads', 'descriptors and pipe buffers hoarded'],
  '/proc/sysrq-trigger and /proc/sys': ['settings of the kernel cannot be opened for writing'],
  'core_pattern, and a pipe for cores': [
    'a crash leaves no core',
    'cores cannot be had, nor a limit at which the host is asked to take them',
  ],
  '/proc/<host pid>/root': ['a file of the host is not found by any way'],
  '/proc/kcore, keys, interrupts': ['what tells of the host is hidden'],
  'ptrace, process_vm_*': ['other processes cannot be looked into'],
  'mount, umount, fsopen, open_tree': [
    'nothing can be mounted or unmounted',
    'file systems can be neither made, configured nor asked to write out',
  ],
  'unshare, setns, clone3(CLONE_NEWUSER)': ['no namespaces can be made or entered'],
  keyctl: ['calls that few need and many have broken out by are refused'],
  io_uring: ['calls that few need and many have broken out by are refused'],
  bpf: ['calls that few need and many have broken out by are refused'],
  perf_event_open: ['calls that few need and many have broken out by are refused'],
  userfaultfd: ['calls that few need and many have broken out by are refused'],
  'AF_VSOCK, AF_ALG, AF_PACKET': ['sockets to the hypervisor, into the kernel and onto the wire are refused'],
  'abstract socket of the host': ['what listens on the host, and beyond it, cannot be reached'],
  'abstract socket of another task': [
    elsewhere(
      'test/escape/native/neighbours.test.ts',
      'one finds nothing of the other: no socket, memory, queue, file or process',
    ),
  ],
  'TIOCSTI, TIOCLINUX': ['nothing can be typed into a terminal'],
  'mknod, /dev/kmsg': ['devices can be neither made nor opened'],
  'set-user-id programs': ['a set-user-id copy of itself is run by nobody else'],
  'programs with file capabilities': ['files get no capabilities, labels, owners or flags that the host would heed'],
  open_by_handle_at: ['calls that few need and many have broken out by are refused'],
  'release_agent of a control group': ['no hierarchy of control groups for a release agent of its own'],
  'its own control group’s files': ['control groups can be neither changed nor left'],
  '/proc/self/exe overwritten': [
    'programs cannot be overwritten, neither its own nor that which started it',
    elsewhere('test/escape/escape-tests.ts', 'a program that names itself as its interpreter'),
  ],
  'descriptors besides 0, 1, 2': [
    'descriptors 0, 1 and 2 and the task’s environment are all that there is',
    'no folder beyond its root was left open, nor is one above its working folder',
  ],
  'the node’s secrets in the environment': [
    'descriptors 0, 1 and 2 and the task’s environment are all that there is',
    'what the first process of its sandbox is and holds cannot be opened',
  ],
  'root file system whose /dev is a symlink': [
    elsewhere('test/escape/native/roots.test.ts', 'one whose /dev is a link is refused, leading host, for every task'),
  ],
  'root file system whose /proc is a symlink': [
    elsewhere('test/escape/native/roots.test.ts', 'one whose /proc is a link is refused, leading host, for every task'),
  ],
  'root file system whose /dev/null is a symlink': [
    elsewhere('test/escape/native/roots.test.ts', 'one whose /dev/null is a link or a file gets the sandbox’s own'),
  ],
  '169.254.169.254, DNS, TCP': [
    'what listens on the host, and beyond it, cannot be reached',
    behaviour('no network: neither this host, nor the next, nor a name server'),
  ],
  'result that is a symlink to a file of the host': ['results that lead elsewhere are named, and not followed'],
  'parent folder of a result that is a symlink': ['results that lead elsewhere are named, and not followed'],
  'result that is a FIFO, socket or device': [
    'results that lead elsewhere are named, and not followed',
    'devices can be neither made nor opened',
  ],
  'tar bomb': [
    elsewhere('test/integration/native-executor.test.ts', 'refuses a tar that is none, or that unpacks to too much'),
  ],
  'archive in an archive': [
    elsewhere('test/unit/unpack-tar.test.ts', 'is refused where it is an archive of an archive'),
  ],
  'tar entry with ../ or an absolute path': [elsewhere('test/unit/unpack-tar.test.ts', 'that lead out are refused')],
  'tar entry written through a symlink': [elsewhere('test/unit/unpack-tar.test.ts', 'are never written through')],
  'content that does not match its digest': [
    elsewhere('test/unit/artifacts-store.test.ts', 'takes as many bytes as are declared, and no other content'),
  ],
}

function elsewhere(file: string, title: string): Elsewhere {
  return { file, title }
}

/** Of the table that every runtime has to pass. */
function behaviour(title: string): Elsewhere {
  return elsewhere('test/conformance/behaviours.ts', title)
}
