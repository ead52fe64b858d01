import assert from 'node:assert/strict'
import { checkComponent } from '../../src/executors/wasm/component/check-component.ts'
import { isComponent } from '../../src/executors/wasm/component/format.ts'
import { inspectComponent } from '../../src/executors/wasm/component/inspect-component.ts'
import { WASI_INTERFACES } from '../../src/executors/wasm/component/wasi-types.ts'
import { ModuleRefused } from '../../src/executors/wasm/module/reader.ts'
import { concat, section, u32 } from '../../src/executors/wasm/module/writer.ts'
import { command, componentOf, everythingComponent } from '../fixtures/wasm-component.ts'

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]

const check = (bytes: Uint8Array): string => checkComponent(inspectComponent(bytes))
function refused(bytes: Uint8Array, subject: string | undefined, reason: RegExp = /./): void {
  assert.throws(
    () => check(bytes),
    (error) => {
      assert.ok(error instanceof ModuleRefused, String(error))
      assert.equal(error.subject, subject, error.message)
      assert.match(error.message, reason)
      return true
    },
  )
}
const refusedText = async (text: string, subject: string, reason?: RegExp): Promise<void> =>
  refused(await componentOf(text), subject, reason)

describe('what a component imports and exports', function () {
  this.timeout(60_000)

  it('is told from a core module by its first eight bytes', () => {
    assert.ok(isComponent(Uint8Array.from(PREAMBLE)))
    for (const other of [[], [0x00, 0x61, 0x73, 0x6d], [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], PREAMBLE.with(4, 0x0e)])
      assert.ok(!isComponent(Uint8Array.from(other)))
  })

  it('may be all of WASI 0.2 but sockets and http, each function of exactly its type', async () => {
    const shape = inspectComponent(await everythingComponent())
    assert.match(checkComponent(shape), /^wasi:cli\/run@0\.2\.\d+$/)
    const imported = new Map(
      [...shape.imports].map(([name, items]) => [
        name.slice(0, name.lastIndexOf('@')),
        [...items].filter(([, type]) => type.kind === 'function').map(([item]) => item),
      ]),
    )
    // Everything that the table has is WASI's, and the other way round.
    assert.deepEqual(
      new Map([...imported].map(([name, items]) => [name, items.toSorted()])),
      new Map(
        [...imported.keys()].map((name) => [name, Object.keys(WASI_INTERFACES.get(name)?.functions ?? {}).toSorted()]),
      ),
    )
    assert.deepEqual([...imported.keys()].toSorted(), [...WASI_INTERFACES.keys()].toSorted())
  })

  it('is refused by name where it is no part of WASI 0.2 that a task gets', async () => {
    const empty = (name: string): string => command({ imports: `(import "${name}" (instance))` })
    await refusedText(empty('wasi:sockets/tcp@0.2.0'), 'wasi:sockets', /network/)
    await refusedText(empty('wasi:http/types@0.2.0'), 'wasi:http', /network/)
    await refusedText(empty('wasi:cli/stdin@0.3.0'), 'wasi:cli/stdin@0.3.0', /another version/)
    await refusedText(
      empty('wasi:cli/stdin@0.2.0-rc-2023-12-05'),
      'wasi:cli/stdin@0.2.0-rc-2023-12-05',
      /another version/,
    )
    await refusedText(empty('wasi:nn/graph@0.2.0'), 'wasi:nn/graph@0.2.0', /not given/)
    await refusedText(empty('wasi:clocks/timezone@0.2.0'), 'wasi:clocks/timezone@0.2.0', /not given/)
    await refusedText(empty('acme:wallet/keys@0.2.0'), 'acme:wallet/keys@0.2.0', /no interface of WASI/)
    await refusedText(empty('constructor'), 'constructor', /no interface of WASI/)
    await refusedText(command({ imports: '(import "now" (func (result u64)))' }), 'now', /no interface of WASI/)
    assert.equal(check(await componentOf(empty('wasi:cli/stdin@0.2.99'))), 'wasi:cli/run@0.2.0')
  })

  it('is refused where a function has another type than WASI gives it, or WASI does not have it', async () => {
    const clock = (items: string): string =>
      command({ imports: `(import "wasi:clocks/monotonic-clock@0.2.0" (instance ${items}))` })
    const at = 'wasi:clocks/monotonic-clock@0.2.0'
    assert.ok(check(await componentOf(clock('(export "now" (func (result u64)))'))))
    await refusedText(clock('(export "now" (func (result string)))'), `${at}.now`, /another type/)
    await refusedText(clock('(export "now" (func (param "a" u64) (result u64)))'), `${at}.now`, /another type/)
    await refusedText(clock('(export "constructor" (func))'), `${at}.constructor`, /does not have/)
    await refusedText(clock('(export "to-string" (func (result string)))'), `${at}.to-string`, /does not have/)
    await refusedText(clock('(export "has-own-property" (func))'), `${at}.has-own-property`, /does not have/)
  })

  it('is refused where a resource is not the one that WASI means', async () => {
    const fresh = `(import "wasi:cli/stdout@0.2.0" (instance
      (export "output-stream" (type $stream (sub resource)))
      (export "get-stdout" (func (result (own $stream))))))`
    await refusedText(command({ imports: fresh }), 'wasi:cli/stdout@0.2.0.output-stream', /another resource/)
    const swapped = `(import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
      (alias export $poll "pollable" (type $pollable))
      (import "wasi:cli/stdout@0.2.0" (instance
        (alias outer 1 $pollable (type $p))
        (export "output-stream" (type $stream (eq $p)))
        (export "get-stdout" (func (result (own $stream))))))`
    await refusedText(command({ imports: swapped }), 'wasi:cli/stdout@0.2.0.output-stream', /another resource/)
    const stat = `(import "wasi:io/streams@0.2.0" (instance
      (export "input-stream" (type $stream (sub resource)))
      (export "[static]input-stream.call" (func (param "code" string)))))`
    await refusedText(command({ imports: stat }), 'wasi:io/streams@0.2.0.[static]input-stream.call', /does not have/)
  })

  it('has to be a command of WASI 0.2', async () => {
    await refusedText('(component)', 'wasi:cli/run', /no command/)
    await refusedText(command({ version: '0.3.0' }), 'wasi:cli/run@0.3.0', /another version/)
  })

  it('uses nothing of WASI 0.3', async () => {
    for (const type of ['(stream u8)', '(future u8)', '(stream)'])
      await refusedText(command({ imports: `(type ${type})` }), 'async')
    // canon task.return, which the text parser would only take with more around it.
    refused(concat([PREAMBLE, section(8, [[1, 0x09, 0x01, 0x00]])]), 'async')
    // An asynchronous function type.
    refused(concat([PREAMBLE, section(7, [[1, 0x43, 0, 1, 0]])]), 'async')
    // An option of a lifted function.
    refused(concat([PREAMBLE, section(8, [[1, 0x00, 0x00, 0, 1, 0x06, 0]])]), 'async')
  })

  it('is bounded: nesting, types that expand, entries and sections', () => {
    let nested = Uint8Array.from(PREAMBLE)
    for (let depth = 0; depth < 20; depth += 1)
      nested = concat([PREAMBLE, section(4, [nested])]) as Uint8Array<ArrayBuffer>
    refused(nested, 'nesting')

    // Each type a pair of the one before: 2^40 when written out.
    const pairs = Array.from({ length: 40 }, (_, index) =>
      index === 0 ? [0x6f, 1, 0x7f] : [0x6f, 2, ...u32(index - 1), ...u32(index - 1)],
    )
    refused(concat([PREAMBLE, section(7, [u32(pairs.length), ...pairs])]), 'types')

    // Wide instead of deep: each within its own bound, and too much together.
    const name = [100, ...Array.from({ length: 100 }, () => 0x61)]
    const wide = [0x6e, ...u32(600), ...Array.from({ length: 600 }, () => name).flat()]
    refused(concat([PREAMBLE, section(7, [u32(200), ...Array.from({ length: 200 }, () => wide)])]), 'types')

    refused(concat([PREAMBLE, section(7, [u32(2 ** 32 - 1)])]), undefined, /too large/)
    refused(concat([PREAMBLE, section(5, [u32(2 ** 32 - 1)])]), undefined, /more entries than bytes/)
    refused(
      concat([PREAMBLE, ...Array.from({ length: 10_001 }, () => section(2, [[0]]))]),
      undefined,
      /too many sections/,
    )
  })

  it('is refused where it is malformed, not read past its end', () => {
    for (const bytes of [
      [],
      PREAMBLE.slice(0, 7),
      [...PREAMBLE.slice(0, 6), 2, 0],
      [...PREAMBLE, 7],
      [...PREAMBLE, 7, 5, 1],
      [...PREAMBLE, 99, 0],
      [...PREAMBLE, 9, 0],
      [...PREAMBLE, 7, 3, 1, 0x70, 5],
      [...PREAMBLE, 6, 4, 1, 3, 0, 0],
      [...PREAMBLE, 6, 5, 1, 3, 2, 99, 0],
      [...PREAMBLE, 10, 6, 1, 0, 1, 0x61, 1, 9],
      [...PREAMBLE, 11, 6, 1, 0, 1, 0x61, 3, 9],
      [...PREAMBLE, 4, 8, ...PREAMBLE.with(4, 1)],
    ])
      refused(Uint8Array.from(bytes), undefined)
  })
})
