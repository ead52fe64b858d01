import assert from 'node:assert/strict'
import { identityBeside } from '../../src/native/identity.ts'
import { isolationOf } from '../../src/native/isolation.ts'
import { requireWalls, unheldLimits, type NativeMode } from '../../src/native/mode.ts'
import type { Hello } from '../../src/native/report.ts'
import { isSoukError } from '../../src/protocol/errors.ts'
import { limitsMissingIn } from '../../src/protocol/execution.ts'

const WHOLE: Hello = {
  version: '1',
  cgroup: 'v2',
  controllers: ['memory', 'pids', 'cpu', 'cpuacct'],
  root: true,
  userNamespace: true,
  timeNamespace: true,
  landlock: 6,
  seccomp: true,
  missing: [],
}
const WITHOUT_GROUPS: Partial<Hello> = {
  cgroup: 'none',
  controllers: [],
  root: false,
  missing: ['No control group has been delegated to this user: Permission denied.'],
}

/** Why nothing is offered; undefined where native tasks are. */
function refusal(mode: NativeMode, changes: Partial<Hello>): string | undefined {
  try {
    requireWalls({ ...WHOLE, ...changes }, mode)
    return undefined
  } catch (error) {
    assert.ok(isSoukError(error, 'RUNTIME_UNAVAILABLE'), String(error))
    return `${error.details.why}. ${error.hint}`
  }
}

describe('modes of the native runtime', () => {
  it('are both content with a host that has everything', () => {
    assert.equal(refusal('strict', {}), undefined)
    assert.equal(refusal('degraded', {}), undefined)
    assert.deepEqual(unheldLimits(WHOLE), [])
    assert.deepEqual(isolationOf(WHOLE, 65_534).missing, [])
  })

  it('differ where limits cannot be held: strict offers nothing and says what to do, degraded goes on', () => {
    const why = refusal('strict', WITHOUT_GROUPS) ?? assert.fail('it is offered')
    assert.match(why, /no control groups .* \(No control group has been delegated to this user: Permission denied\)/)
    assert.match(why, /delegate a control group .*--degraded.*sandbox\.native\.mode: degraded/)
    assert.equal(refusal('degraded', WITHOUT_GROUPS), undefined)
    for (const lost of ['memory', 'pids', 'cpu']) {
      const controllers = WHOLE.controllers.filter((each) => each !== lost)
      assert.match(refusal('strict', { controllers }) ?? '', /no control groups/, lost)
      assert.equal(refusal('degraded', { controllers }), undefined)
    }
    // Without it a limit on CPU time is not offered, and the rest is.
    assert.equal(refusal('strict', { controllers: ['memory', 'pids', 'cpu'] }), undefined)
  })

  it('both refuse what would be no sandbox', () => {
    for (const mode of ['strict', 'degraded'] as const) {
      assert.match(refusal(mode, { seccomp: false }) ?? '', /no seccomp filters/)
      assert.match(refusal(mode, { ...WITHOUT_GROUPS, userNamespace: false }) ?? '', /no user namespace/)
    }
    assert.match(refusal('strict', { userNamespace: false }) ?? '', /no user namespace .*max_user_namespaces/)
    assert.equal(refusal('degraded', { userNamespace: false }), undefined)
  })

  it('name each limit that nothing holds in the isolation', () => {
    const isolation = isolationOf({ ...WHOLE, ...WITHOUT_GROUPS }, 1000)
    assert.deepEqual(limitsMissingIn(isolation).toSorted(), [
      'cpuCores',
      'cpuShares',
      'cpuTimeMs',
      'idleTimeMs',
      'memoryBytes',
      'pids',
    ])
    assert.ok(isolation.missing.includes('cgroup'))
    const withoutCpu = isolationOf({ ...WHOLE, controllers: ['memory', 'pids', 'cpuacct'] }, 65_534)
    assert.deepEqual(limitsMissingIn(withoutCpu), ['cpuCores', 'cpuShares'])
  })

  it('run tasks as nobody beside root, as oneself without, and as whom one says', () => {
    const own = { uid: process.getuid?.(), gid: process.getgid?.() }
    assert.deepEqual(identityBeside({ root: true }, {}), { uid: 65_534, gid: 65_534 })
    assert.deepEqual(identityBeside({ root: false }, {}), own)
    assert.deepEqual(identityBeside({ root: false }, { uid: 7, gid: 8 }), { uid: 7, gid: 8 })
  })
})
