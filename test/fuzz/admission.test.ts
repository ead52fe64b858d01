import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseSpec } from '../../src/node/admission/spec-bytes.ts'
import { TASK_BOUNDS } from '../../src/protocol/task.ts'
import { bytesOf, taskSpec } from '../fixtures/provider-tasks.ts'

const valid = bytesOf(taskSpec({ stdin: { sha256: 'ab'.repeat(32), bytes: 1 }, outputs: [{ path: '/out' }] }))

/** Either a spec, or issues that can be sent to a person. */
function check(bytes: Uint8Array): void {
  const parsed = parseSpec(bytes)
  if (parsed.ok) return
  assert(parsed.issues.length > 0 && parsed.issues.length <= 51)
  for (const { path, message } of parsed.issues) {
    assert(path.length <= 201 && message.length > 0 && message.length <= 2000)
    assert(!message.includes('Internal'))
  }
}

describe('the bytes of a spec, whatever they are', () => {
  it('are read or named wrong, never more than that', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), check), { numRuns: 1000 })
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => check(new Uint8Array(Buffer.from(text)))),
      { numRuns: 1000 },
    )
  })

  it('are read or named wrong when they were a spec before a few bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = valid.slice()
        for (const [index, byte] of list) bytes[index] = byte
        check(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it('are read or named wrong when one value is another', () => {
    const keys = Object.keys(taskSpec())
    fc.assert(
      fc.property(fc.constantFrom(...keys, '__proto__', 'constructor', 'toString'), fc.jsonValue(), (key, value) => {
        check(
          new Uint8Array(
            Buffer.from(`${JSON.stringify(taskSpec()).slice(0, -1)},${JSON.stringify(key)}:${JSON.stringify(value)}}`),
          ),
        )
      }),
      { numRuns: 2000 },
    )
    assert.equal(Object.getPrototypeOf({}).polluted, undefined)
  })

  it('take a bounded time, also when they are made to be slow', function () {
    this.timeout(60_000)
    const sized = (make: (count: number) => unknown): Uint8Array => {
      for (let count = 65_536; ; count = Math.floor(count * 0.7)) {
        const bytes = bytesOf(make(count))
        if (bytes.byteLength <= TASK_BOUNDS.specBytes) return bytes
      }
    }
    const target = (index: number): string =>
      `/${String(index).padStart(5, '0')}/${'x'.repeat(200)}/${'y'.repeat(200)}/${'z'.repeat(200)}`
    const source = { sha256: 'ab'.repeat(32), bytes: 1 }
    const slow = [
      sized((count) =>
        taskSpec({
          inputs: Array.from({ length: Math.min(count, 1024) }, (_, index) => ({ source, target: target(index) })),
        }),
      ),
      sized((count) =>
        taskSpec({ env: Object.fromEntries(Array.from({ length: count }, (_, index) => [`E${index}`, ''])) }),
      ),
      sized((count) => ({
        ...taskSpec(),
        ...Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1])),
      })),
      sized((count) => taskSpec({ command: Array<string>(count).fill('') })),
      sized((count) => taskSpec({ name: 'a '.repeat(count * 10) })),
      new Uint8Array(Buffer.from(`[${'[],'.repeat(340_000)}[]]`)),
    ]
    for (const bytes of slow) {
      const before = process.cpuUsage()
      check(bytes)
      const { user } = process.cpuUsage(before)
      // A megabyte of JSON takes some 20 ms; what grows with the square of it takes seconds.
      assert(user < 1_000_000, `${user / 1000} ms of CPU for ${Buffer.from(bytes).toString('latin1', 0, 60)}`)
    }
  })
})
