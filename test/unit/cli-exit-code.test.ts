import assert from 'node:assert/strict'
import { exitCodeOfError, exitCodeOfOutcome } from '../../src/cli/exit-code.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/protocol/error-codes.ts'
import { LIMIT_NAMES } from '../../src/protocol/limits.ts'

describe('exit codes', () => {
  it('are the task’s own, and never make a success of a failure', () => {
    for (const [code, expected] of [
      [0, 0],
      [7, 7],
      [255, 255],
      [256, 1],
      [257, 1],
      [512 + 3, 3],
      [0xffff_ffff, 255],
    ] as const) {
      assert.equal(exitCodeOfOutcome({ kind: 'exited', code }), expected, String(code))
    }
  })

  it('are 128 and the number of the signal', () => {
    for (const [signal, expected] of [
      ['SIGKILL', 137],
      ['SIGSEGV', 139],
      ['SIGTERM', 143],
      ['SIGRTMIN', 162],
      ['SIGRTMIN+3', 165],
      ['SIGNONE', 255],
    ] as const) {
      assert.equal(exitCodeOfOutcome({ kind: 'killed', signal }), expected, signal)
    }
  })

  it('are 124 for each time limit and 122 for every other', () => {
    const codes = LIMIT_NAMES.map((limit) => [limit, exitCodeOfOutcome({ kind: 'limit', limit })])
    assert.deepEqual(
      codes.filter(([, code]) => code === 124).map(([limit]) => limit),
      ['wallTime', 'cpuTime', 'idleTime'],
    )
    assert.ok(codes.every(([, code]) => code === 124 || code === 122))
  })

  it('are 134 for a trap and 130 for a cancellation', () => {
    assert.equal(exitCodeOfOutcome({ kind: 'trapped', trap: 'unreachable' }), 134)
    assert.equal(exitCodeOfOutcome({ kind: 'cancelled' }), 130)
  })

  it('tell usage and cancellation from what the command says of everything else', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const expected = code === 'INVALID_INPUT' || code === 'INVALID_USAGE' ? 2 : code === 'CANCELLED' ? 130 : 125
      assert.equal(exitCodeOfError({ error: { code }, otherwise: 125 }), expected, code)
    }
  })
})
