import assert from 'node:assert/strict'
import { constants } from 'node:os'
import { leasesIn } from '../../src/native/capped-storage.ts'
import { LauncherProtocolError } from '../../src/native/launcher-frames.ts'
import { createRecordWriter, decodeRecords, type Records } from '../../src/native/launcher-records.ts'
import { parseFailure, parseHello, parseReport, signalName } from '../../src/native/report.ts'
import { outcomeSchema } from '../../src/protocol/execution.ts'

const TAGS = {
  ...{ exitCode: 1, signal: 2, reason: 3, cpu: 4, wall: 5, memory: 6, oom: 7, pids: 8, disk: 9, inodes: 10 },
  ...{ user: 11, pidsPeak: 13, read: 14, written: 15, switches: 16, overshoot: 17, denied: 18 },
}
const DENIED_CALL = 19
type Fields = Partial<Record<keyof typeof TAGS, number | string>>

function report(fields: Fields, deniedCalls: readonly string[] = []): Records {
  const all: Fields = { reason: '', cpu: 0, wall: 0, memory: 0, oom: 0, pids: 0, disk: 0, inodes: 0, ...fields }
  const writer = createRecordWriter()
  for (const [name, value] of Object.entries(all)) {
    const tag = TAGS[name as keyof typeof TAGS]
    if (typeof value === 'number') writer.number(tag, value)
    else writer.text(tag, value)
  }
  for (const call of deniedCalls) writer.text(DENIED_CALL, call)
  return decoded(writer.end())
}

function decoded(bytes: Buffer): Records {
  const records = decodeRecords(bytes)
  assert.ok(records !== undefined)
  return records
}

describe('report of the launcher', () => {
  it('tells how a task ended by itself', () => {
    assert.deepEqual(parseReport(report({ exitCode: 42 })).outcome, { kind: 'exited', code: 42 })
    assert.deepEqual(parseReport(report({ signal: 11 })).outcome, { kind: 'killed', signal: 'SIGSEGV' })
  })

  it('names the limit that ended it, whatever it died of', () => {
    for (const limit of ['wallTime', 'cpuTime', 'idleTime', 'memory'])
      assert.deepEqual(parseReport(report({ signal: 9, reason: limit })).outcome, { kind: 'limit', limit })
  })

  it('knows a task that the kernel killed for its memory from one that lost a child to it', () => {
    const killed = parseReport(report({ signal: 9, oom: 1 }))
    assert.deepEqual(killed.outcome, { kind: 'limit', limit: 'memory' })
    const survived = parseReport(report({ exitCode: 0, oom: 1 }))
    assert.deepEqual(survived.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(survived.limitsHit, ['memory'])
    assert.deepEqual(parseReport(report({ signal: 9 })).outcome, { kind: 'killed', signal: 'SIGKILL' })
  })

  it('leaves it open why a task was killed that was to be', () => {
    assert.equal(parseReport(report({ signal: 9, reason: 'killed' })).outcome, undefined)
  })

  it('has usage in the units of a receipt, and the limits that calls met', () => {
    const seen = parseReport(
      report({ exitCode: 0, cpu: 1499, wall: 2500, memory: 4096, pids: 3, disk: 1, inodes: 1, oom: 2 }),
    )
    assert.deepEqual(
      { ...seen, outcome: undefined },
      {
        outcome: undefined,
        cpuTimeMs: 1,
        wallTimeMs: 3,
        memoryPeakBytes: 4096,
        details: {},
        limitsHit: ['memory', 'pids', 'disk', 'inodes'],
        denials: { oomKills: 2, pids: 3 },
      },
    )
  })

  it('has what only some kernels and ends count, where it was counted', () => {
    const { details } = parseReport(
      report({
        ...{ signal: 9, reason: 'cpuTime', cpu: 10_600, user: 7_500, pidsPeak: 4, read: 512, written: 1024 },
        ...{ switches: 7, overshoot: 1_400 },
      }),
    )
    assert.deepEqual(details, {
      userTimeMs: 8,
      systemTimeMs: 3,
      pidsPeak: 4,
      ioReadBytes: 512,
      ioWriteBytes: 1024,
      contextSwitches: 7,
      overshootMs: 1,
    })
    // Rounded up, one part is never more than the whole.
    assert.deepEqual(parseReport(report({ exitCode: 0, cpu: 400, user: 800 })).details, {
      userTimeMs: 0,
      systemTimeMs: 0,
    })
  })

  it('says which system calls were denied, and nothing where nobody counted them', () => {
    assert.equal(parseReport(report({ exitCode: 0 })).denials.seccomp, undefined)
    assert.deepEqual(parseReport(report({ exitCode: 0, denied: 0 })).denials.seccomp, { total: 0, calls: {} })
    assert.deepEqual(
      parseReport(report({ exitCode: 0, denied: 6 }, ['mount 3', 'syscall_300 2', 'bpf 1'])).denials.seccomp,
      { total: 6, calls: { mount: 3, syscall_300: 2, bpf: 1 } },
    )
    for (const call of [
      'mount',
      'mount 0',
      'mount -1',
      ' 1',
      'Mount 1',
      '__proto__ 1',
      'mount 1e9',
      `mount ${'9'.repeat(40)}`,
    ])
      assert.throws(() => parseReport(report({ exitCode: 0, denied: 1 }, [call])), LauncherProtocolError, call)
    const many = Array.from({ length: 9 }, (_, index) => `call_${index} 1`)
    assert.throws(() => parseReport(report({ exitCode: 0, denied: 9 }, many)), LauncherProtocolError)
  })

  it('is refused where it says too little or too much', () => {
    for (const fields of [
      {},
      { exitCode: 0, signal: 9 },
      { exitCode: 256 },
      { signal: 65 },
      { exitCode: 0, reason: 'x' },
    ])
      assert.throws(() => parseReport(report(fields)), LauncherProtocolError, JSON.stringify(fields))
    const withoutUsage = createRecordWriter()
    withoutUsage.number(TAGS.exitCode, 0)
    assert.throws(() => parseReport(decoded(withoutUsage.end())), LauncherProtocolError)
  })

  it('names every signal that Linux has as a receipt takes it', () => {
    for (let number = 1; number <= 64; number += 1) {
      const outcome = { kind: 'killed', signal: signalName(number) }
      assert.ok(outcomeSchema.safeParse(outcome).success, outcome.signal)
    }
    assert.equal(signalName(constants.signals.SIGABRT), 'SIGABRT')
    assert.equal(signalName(constants.signals.SIGSYS), 'SIGSYS')
    assert.equal(signalName(37), 'SIGRTMIN+3')
    assert.throws(() => signalName(0), LauncherProtocolError)
  })

  it('says what the launcher is', () => {
    const writer = createRecordWriter()
    writer.text(20, '1.0')
    writer.text(21, 'v1')
    writer.text(22, 'memory,pids')
    for (const tag of [23, 24, 25]) writer.number(tag, 1)
    writer.number(27, 6)
    writer.number(28, 0)
    writer.text(26, 'no this')
    writer.text(26, 'no that')
    assert.deepEqual(parseHello(decoded(writer.end())), {
      version: '1.0',
      cgroup: 'v1',
      controllers: ['memory', 'pids'],
      root: true,
      userNamespace: true,
      seccomp: true,
      landlock: 6,
      timeNamespace: false,
      missing: ['no this', 'no that'],
    })
  })

  it('blames the host where it does not say whom', () => {
    assert.deepEqual(parseFailure(new Map()), { blame: 'host', stage: '', errno: 0, message: '' })
    const writer = createRecordWriter()
    writer.text(1, 'request')
    writer.text(2, 'exec')
    writer.number(3, 2)
    writer.text(4, 'There is no /bin/x.')
    assert.deepEqual(parseFailure(decoded(writer.end())), {
      blame: 'request',
      stage: 'exec',
      errno: 2,
      message: 'There is no /bin/x',
    })
  })
})

describe('mounts of a dead node', () => {
  it('are those of the launcher’s file systems at or below a folder, the innermost first', () => {
    const mountinfo = [
      '22 1 0:20 / / rw - ext4 /dev/vda rw',
      '30 22 0:30 / /data/node/a rw,nosuid shared:5 - tmpfs souk-disk-x rw,size=1k',
      String.raw`31 22 0:31 / /data/node/b\040c/d rw - tmpfs souk-disk-x rw`,
      '32 22 0:32 / /data/node/other rw - tmpfs tmpfs rw',
      '33 22 0:33 / /data/nodeshop rw - tmpfs souk-disk-x rw',
      '34 22 0:34 / /data/node/e rw - ext4 souk-disk-x rw',
      '',
    ].join('\n')
    assert.deepEqual(leasesIn(mountinfo, '/data/node'), ['/data/node/b c/d', '/data/node/a'])
  })
})
