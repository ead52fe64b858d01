import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Patience } from '../../src/client/patience.ts'
import { resumedEvents } from '../../src/client/resumed-events.ts'
import { isSoukError, SoukError } from '../../src/protocol/errors.ts'
import type { OutputOffsets, TaskEvent } from '../../src/protocol/events.ts'
import { signedReceipt } from '../fixtures/receipts.ts'

const lost = (): SoukError => new SoukError({ code: 'CONNECTION_LOST', message: 'it broke', details: {} })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const output = (offset: number, text: string, stream: 'stdout' | 'stderr' = 'stdout'): TaskEvent => ({
  kind: 'output',
  stream,
  offset,
  data: bytes(text),
})
const started = (attempt: number): TaskEvent => ({ kind: 'started', atMs: 1, attempt })
const queued = (position: number, atMs = 1): TaskEvent => ({ kind: 'queued', atMs, position })
const finished: TaskEvent = { kind: 'finished', atMs: 9, result: { kind: 'receipt', receipt: signedReceipt() } }

type Step = TaskEvent | 'lost' | 'end'

/** A provider that answers each follow with the next script, and tells from where it was asked. */
function scripted(follows: readonly (readonly Step[])[]) {
  const asked: OutputOffsets[] = []
  const failures: unknown[] = []
  const events = resumedEvents({
    patience: {
      progress: () => undefined,
      async afterFailure(thrown) {
        if (!isSoukError(thrown, 'CONNECTION_LOST')) throw thrown
        failures.push(thrown)
      },
    },
    async open(offsets) {
      const script = follows[asked.length]
      assert(script !== undefined, 'more follows than expected')
      asked.push(offsets)
      return play(script)
    },
  })
  return { events, asked, failures }
}

async function* play(script: readonly Step[]): AsyncGenerator<TaskEvent> {
  for (const step of script) {
    if (step === 'end') return
    if (step === 'lost') throw lost()
    yield step
  }
}

const collect = async (events: AsyncIterable<TaskEvent>): Promise<TaskEvent[]> => {
  const all: TaskEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('events over several connections', () => {
  it('go on at the byte reached, and do not tell a state twice', async () => {
    const { events, asked } = scripted([
      [queued(1), started(1), output(0, 'ab'), output(0, 'x', 'stderr'), 'lost'],
      [started(1), output(2, 'cd'), 'lost'],
      [started(1), finished],
    ])
    assert.deepEqual(await collect(events), [
      queued(1),
      started(1),
      output(0, 'ab'),
      output(0, 'x', 'stderr'),
      output(2, 'cd'),
      finished,
    ])
    assert.deepEqual(asked, [
      { stdout: 0, stderr: 0 },
      { stdout: 2, stderr: 1 },
      { stdout: 4, stderr: 1 },
    ])
  })

  it('tell a place in the queue again only where it has changed', async () => {
    const { events } = scripted([
      [queued(2), 'lost'],
      [queued(2, 5), queued(1), 'lost'],
      [queued(1), started(1), finished],
    ])
    assert.deepEqual(await collect(events), [queued(2), queued(1), started(1), finished])
  })

  it('follow a new attempt from its start, where the follow was told of the one before', async () => {
    const { events, asked } = scripted([
      [started(1), output(0, 'abc'), queued(1), started(2), output(0, 'x'), finished],
    ])
    assert.deepEqual(await collect(events), [
      started(1),
      output(0, 'abc'),
      queued(1),
      started(2),
      output(0, 'x'),
      finished,
    ])
    assert.equal(asked.length, 1)
  })

  it('ask anew where a new attempt began while nobody followed', async () => {
    const { events, asked, failures } = scripted([
      [started(1), output(0, 'abc'), 'lost'],
      [started(2), output(3, 'd-of-attempt-2')],
      [started(2), output(0, 'xyz'), output(3, 'd-of-attempt-2'), finished],
    ])
    assert.deepEqual(await collect(events), [
      started(1),
      output(0, 'abc'),
      started(2),
      output(0, 'xyz'),
      output(3, 'd-of-attempt-2'),
      finished,
    ])
    assert.deepEqual(asked.at(-1), { stdout: 0, stderr: 0 })
    assert.equal(failures.length, 1)
  })

  it('ask anew where old output came before the first attempt was named', async () => {
    const { events, asked } = scripted([
      [queued(1), output(0, 'old'), started(2), output(3, 'lost bytes')],
      [started(2), output(0, 'new'), finished],
    ])
    assert.deepEqual(await collect(events), [queued(1), output(0, 'old'), started(2), output(0, 'new'), finished])
    assert.equal(asked.length, 2)
  })

  it('take an end before the end of the task for a broken connection', async () => {
    const { events, failures } = scripted([
      [started(1), 'end'],
      [started(1), finished],
    ])
    assert.deepEqual(await collect(events), [started(1), finished])
    assert.equal(failures.length, 1)
  })

  for (const [what, script] of [
    ['skips a byte', [output(1, 'b')]],
    ['sends a byte twice', [output(0, 'ab'), output(1, 'b')]],
    ['goes back to an earlier attempt', [started(2), started(1)]],
  ] as const) {
    it(`refuse a provider that ${what}`, async () => {
      await assert.rejects(collect(scripted([script]).events), (thrown) => isSoukError(thrown, 'PROTOCOL_ERROR'))
    })
  }

  it('give every byte once, wherever the connection breaks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (breaks, pieceBytes) => {
          const text = 'The quick brown fox jumps over the lazy dog, and goes on.'
          const { events } = honest(text, pieceBytes, breaks)
          const received = (await collect(events)).flatMap((event) =>
            event.kind === 'output' ? [new TextDecoder().decode(event.data)] : [],
          )
          assert.equal(received.join(''), text)
        },
      ),
    )
  })
})

/** A provider whose nth follow breaks after so many bytes as `breaks` says; the last one does not. */
function honest(text: string, pieceBytes: number, breaks: readonly number[]) {
  let follow = 0
  const events = resumedEvents({
    patience: { progress: () => undefined, afterFailure: () => Promise.resolve() },
    open: ({ stdout }) => {
      const until = breaks[follow++] ?? Infinity
      return Promise.resolve(
        (async function* () {
          yield started(1)
          for (let offset = stdout; offset < text.length; offset += pieceBytes) {
            if (offset - stdout >= until) throw lost()
            yield output(offset, text.slice(offset, offset + pieceBytes))
          }
          yield finished
        })(),
      )
    },
  })
  return { events }
}

describe('patience with a broken connection', () => {
  const closed = new AbortController().signal

  it('is for the network alone', async () => {
    const notFound = new SoukError({ code: 'NOT_FOUND', message: 'no', details: { id: 'x' } })
    await assert.rejects(new Patience({ timeoutMs: 10_000, closed }).afterFailure(notFound), notFound)
    const wrongPeer = new SoukError({
      code: 'UNREACHABLE',
      message: 'another peer',
      details: { address: 'a' },
      retryable: false,
    })
    await assert.rejects(new Patience({ timeoutMs: 10_000, closed }).afterFailure(wrongPeer), wrongPeer)
  })

  it('ends with CONNECTION_LOST, and what failed last', async () => {
    const patience = new Patience({ timeoutMs: 1, closed })
    const unreachable = new SoukError({ code: 'UNREACHABLE', message: 'refused', details: { address: '/ip4/…' } })
    const waiting = async (): Promise<never> => {
      for (;;) await patience.afterFailure(unreachable)
    }
    await assert.rejects(waiting(), (thrown) => {
      assert(isSoukError(thrown, 'CONNECTION_LOST'))
      assert.deepEqual(thrown.details, { address: '/ip4/…' })
      return thrown.cause === unreachable
    })
  })

  it('ends when the signal aborts, with its reason', async () => {
    const abort = new AbortController()
    const waiting = new Patience({ timeoutMs: 60_000, closed, signal: abort.signal }).afterFailure(lost())
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
  })

  it('ends when the client is closed', async () => {
    const end = new AbortController()
    const waiting = new Patience({ timeoutMs: 60_000, closed: end.signal }).afterFailure(lost())
    end.abort()
    await assert.rejects(waiting, (thrown) => isSoukError(thrown, 'CONNECTION_LOST'))
  })
})
