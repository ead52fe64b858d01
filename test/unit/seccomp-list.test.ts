import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

const unsigned = z.int().nonnegative()
const ruleSchema = z.strictObject({
  comment: z.string().optional(),
  names: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).min(1),
  action: z.enum(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']),
  errnoRet: z.int().positive().max(4095).optional(),
  args: z
    .array(
      z.strictObject({
        index: z.int().min(0).max(5),
        value: unsigned,
        valueTwo: unsigned.optional(),
        op: z.enum(['SCMP_CMP_EQ', 'SCMP_CMP_MASKED_EQ', 'SCMP_CMP_LT', 'SCMP_CMP_GT']),
      }),
    )
    .optional(),
})
const profileSchema = z.strictObject({
  defaultAction: z.literal('SCMP_ACT_ERRNO'),
  archMap: z.array(z.strictObject({ architecture: z.string(), subArchitectures: z.array(z.string()) })),
  syscalls: z.array(ruleSchema),
})
type Rule = z.infer<typeof ruleSchema>

/** Calls that reach the kernel's privileged or barely tested parts, or other tasks; nothing that a task needs. */
const FORBIDDEN =
  `acct add_key adjtimex bpf chroot clock_adjtime clock_settime create_module delete_module fanotify_init fanotify_mark finit_module fsconfig fsmount
  fsopen fspick get_kernel_syms get_mempolicy init_module io_cancel io_destroy io_getevents io_setup io_submit io_uring_enter io_uring_register
  io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl listmount lookup_dcookie mbind migrate_pages modify_ldt mount mount_setattr
  move_mount move_pages name_to_handle_at nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
  process_vm_readv process_vm_writev ptrace query_module quotactl quotactl_fd reboot request_key set_mempolicy setdomainname sethostname setns
  settimeofday statmount swapoff swapon sync syncfs sysfs syslog umount umount2 unshare uselib userfaultfd ustat vhangup vm86 vm86old vmsplice`
    .split(/\s+/)
    .filter((name) => name !== '')

/** Calls whose arguments decide: always allowed only with comparisons. */
const CONDITIONAL = [
  'clone',
  'ioctl',
  'memfd_create',
  'mknod',
  'mknodat',
  'mmap',
  'personality',
  'prctl',
  'prlimit64',
  'sched_setattr',
  'sched_setparam',
  'sched_setscheduler',
  'seccomp',
  'setpriority',
  'setrlimit',
  'setsockopt',
  'shmget',
  'socket',
  'socketpair',
]

function applies(rule: Rule, values: readonly bigint[]): boolean {
  return (rule.args ?? []).every(({ index, value, valueTwo = 0, op }) => {
    const argument = values[index] ?? 0n
    if (op === 'SCMP_CMP_EQ') return argument === BigInt(value)
    if (op === 'SCMP_CMP_LT') return argument < BigInt(value)
    if (op === 'SCMP_CMP_GT') return argument > BigInt(value)
    return (argument & BigInt(value)) === BigInt(valueTwo)
  })
}

describe('the list of system calls', () => {
  let rules: readonly Rule[]
  let profile: z.infer<typeof profileSchema>

  before(async () => {
    const text = await readFile(new URL('../../src/executors/seccomp.json', import.meta.url), 'utf8')
    profile = profileSchema.parse(JSON.parse(text))
    rules = profile.syscalls
  })

  /** The errno that a call ends with (0: it is allowed), by the rules alone. */
  const decide = (name: string, ...values: readonly bigint[]): number => {
    const rule = rules.find((candidate) => candidate.names.includes(name) && applies(candidate, values))
    if (rule === undefined) return 1
    return rule.action === 'SCMP_ACT_ALLOW' ? 0 : (rule.errnoRet ?? 1)
  }

  it('is for 64-bit programs of the two architectures, and no others', () => {
    assert.deepEqual(profile.archMap, [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: [] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: [] },
    ])
  })

  it('is sorted and has no call twice', () => {
    const [plain, ...conditional] = rules
    assert.ok(plain !== undefined && plain.args === undefined && plain.action === 'SCMP_ACT_ALLOW')
    assert.deepEqual(plain.names, [...new Set(plain.names)].sort())
    const names = conditional.map((rule) => rule.names.join())
    assert.deepEqual(names, names.toSorted())
    assert.ok(conditional.every((rule) => rule.names.length === 1 && !plain.names.includes(rule.names[0] ?? '')))
    assert.deepEqual(
      [...new Set(conditional.filter((rule) => rule.args !== undefined).map((rule) => rule.names[0]))],
      CONDITIONAL,
    )
  })

  it('names no forbidden call', () => {
    const named = new Set(rules.flatMap((rule) => rule.names))
    assert.deepEqual(
      FORBIDDEN.filter((name) => named.has(name)),
      [],
    )
  })

  it('compares no argument twice in a rule, which runc would take for alternatives, and compares within masks', () => {
    for (const { args = [] } of rules) {
      assert.equal(new Set(args.map(({ index }) => index)).size, args.length)
      for (const { op, value, valueTwo = 0 } of args) {
        if (op === 'SCMP_CMP_MASKED_EQ') assert.equal(BigInt(valueTwo) & BigInt(value), BigInt(valueTwo))
        else assert.equal(valueTwo, 0)
      }
    }
  })

  it('lets no namespace be made', () => {
    const namespaces = [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]
    for (const flag of namespaces) assert.equal(decide('clone', flag | 17n), 1)
    // What pthread_create and fork ask for.
    assert.equal(decide('clone', 0x3d0f00n), 0)
    assert.equal(decide('clone', 0x1200011n), 0)
    // 38 is ENOSYS: C libraries fall back on clone.
    assert.equal(decide('clone3'), 38)
  })

  it('keeps what types into a terminal out of ioctl, whatever the high bits, and nothing else', () => {
    for (const high of [0n, 1n << 32n, 0xffffffffn << 32n])
      for (let request = 0x5400n; request < 0x5480n; request++)
        assert.equal(decide('ioctl', 0n, high | request), request === 0x5412n || request === 0x541cn ? 1 : 0)
    for (let bit = 0n; bit < 32n; bit++)
      for (const forbidden of [0x5412n, 0x541cn]) assert.equal(decide('ioctl', 0n, forbidden ^ (1n << bit)), 0)
  })

  it('gives sockets within the sandbox only', () => {
    assert.equal(decide('socket', 1n), 0)
    assert.equal(decide('socketpair', 1n), 0)
    // 97 is EAFNOSUPPORT. AF_INET, AF_NETLINK and AF_INET6; then AF_PACKET, AF_TIPC, AF_ALG, AF_VSOCK, AF_XDP.
    for (const family of [2n, 10n, 16n]) assert.equal(decide('socket', family), 97)
    for (const family of [17n, 30n, 38n, 40n, 44n]) assert.equal(decide('socket', family), 1)
    assert.equal(decide('socketpair', 30n), 1)
  })

  it('makes no device files', () => {
    const types = { fifo: 0o10000n, character: 0o20000n, block: 0o60000n, regular: 0o100000n, socket: 0o140000n }
    for (const [type, bits] of Object.entries(types)) {
      const expected = type === 'character' || type === 'block' ? 1 : 0
      assert.equal(decide('mknod', 0n, bits | 0o644n), expected, type)
      assert.equal(decide('mknodat', 0n, 0n, bits | 0o644n), expected, type)
    }
  })

  it('lets a process slow down and limit none but itself', () => {
    const low = 0x7fff0000n
    for (const call of ['sched_setattr', 'sched_setparam', 'sched_setscheduler']) {
      assert.equal(decide(call, 0n, 5n, low), 0, call)
      for (const pid of [1n, (1n << 32n) | 1n, 7n, 1n << 32n]) assert.equal(decide(call, pid, 5n, low), 1, call)
    }
    assert.equal(decide('setpriority', 0n, 0n, 19n), 0)
    // Of init, of a process group, and of all of a user.
    for (const [which, who] of [
      [0n, 1n],
      [0n, (1n << 32n) | 1n],
      [1n, 0n],
      [2n, 0n],
    ] as const)
      assert.equal(decide('setpriority', which, who, 19n), 1)
    assert.equal(decide('prlimit64', 0n, 7n, low, low), 0)
    assert.equal(decide('prlimit64', 1n, 7n, 0n, low), 0)
    for (const pid of [1n, (1n << 32n) | 1n, 7n]) assert.equal(decide('prlimit64', pid, 7n, low, 0n), 1)
  })

  it('has nothing of which one task could take what all others need', () => {
    for (const call of ['inotify_init', 'inotify_init1']) assert.equal(decide(call), 38, call)
    for (const call of ['io_setup', 'add_key', 'fanotify_init']) assert.equal(decide(call), 1, call)
    for (const high of [0n, 1n << 32n, 0xffffffffn << 32n]) {
      // SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF and _EBPF
      for (let option = 0n; option < 128n; option++)
        assert.equal(decide('setsockopt', 3n, 1n, high | option), [26n, 50n, 51n, 52n].includes(option) ? 1 : 0)
      // MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB, alone and beside others
      for (const others of [0n, 0x22n, 0x21n << 26n]) {
        assert.equal(decide('mmap', 0n, 4096n, 3n, high | others), 0)
        assert.equal(decide('mmap', 0n, 4096n, 3n, high | others | 0x40000n), 1)
        assert.equal(decide('memfd_create', 0n, high | (others & ~4n)), 0)
        assert.equal(decide('memfd_create', 0n, high | others | 4n), 1)
      }
      assert.equal(decide('shmget', 0n, 4096n, high | 0o1600n), 0)
      assert.equal(decide('shmget', 0n, 4096n, high | 0o5600n), 1)
    }
  })

  it('lets the limit on cores be read, and not be changed: as if the kernel had no such call', () => {
    const low = 0x7fff0000n
    for (let resource = 0n; resource < 16n; resource++) {
      const expected = resource === 4n ? 38 : 0
      for (const high of [0n, 1n << 32n]) {
        assert.equal(decide('setrlimit', high | resource, low), expected)
        assert.equal(decide('prlimit64', 0n, high | resource, low), expected)
        assert.equal(decide('prlimit64', 0n, high | resource, 1n << 32n), expected)
        assert.equal(decide('prlimit64', 0n, high | resource, 0n, low), 0)
      }
    }
  })

  it('holds back the rest by its arguments', () => {
    assert.equal(decide('personality', 0n), 0)
    assert.equal(decide('personality', 0xffffffffn), 0)
    // ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, PER_LINUX32
    for (const persona of [0x40000n, 0x400000n, 8n]) assert.equal(decide('personality', persona), 1)
    for (const option of [1n, 15n, 21n, 23n, 24n, 31n, 32n, 38n, 47n, 48n, 55n, 56n, 59n, 60n, 61n, 63n, 65n])
      assert.equal(decide('prctl', option), 0, String(option))
    // PR_SET_SECCOMP, also with a high bit that the kernel ignores
    for (const option of [22n, (1n << 32n) | 22n, (1n << 63n) | 22n]) assert.equal(decide('prctl', option), 1)
    // PR_SCHED_CORE, also with a high bit that the kernel ignores
    assert.equal(decide('prctl', 62n), 1)
    assert.equal(decide('prctl', (1n << 32n) | 62n), 1)
    assert.equal(decide('seccomp', 2n), 0)
    // SECCOMP_SET_MODE_FILTER, without flags and with SECCOMP_FILTER_FLAG_NEW_LISTENER
    for (const flags of [0n, 8n]) assert.equal(decide('seccomp', 1n, flags), 1)
  })
})
