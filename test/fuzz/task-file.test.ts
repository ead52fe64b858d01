import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { loadTask } from '../../src/client/load-task.ts'
import { SoukError, isSoukError } from '../../src/protocol/errors.ts'
import { parseTaskFile } from '../../src/protocol/task-file.ts'
import { MALFORMED_TASKS } from '../fixtures/malformed-tasks.ts'

/** INVALID_INPUT of bounded size, or undefined where the file is right; anything else fails the test. */
function refusal(text: string, format: 'yaml' | 'json'): SoukError<'INVALID_INPUT'> | undefined {
  try {
    parseTaskFile({ text, format, subject: 'task' })
    return undefined
  } catch (error) {
    if (!isSoukError(error, 'INVALID_INPUT')) throw error
    assert.ok(error.details.issues.length > 0 && error.details.issues.length <= 50)
    assert.ok(
      error.details.issues.every(({ path, message }) => path.length <= 500 && message !== '' && message.length <= 1000),
    )
    assert.doesNotMatch(error.message, /undefined|\[object|Invalid input/)
    // It crosses the wire, and is printed, as JSON.
    assert.deepEqual(SoukError.fromJSON(JSON.parse(JSON.stringify(error))).toJSON(), error.toJSON())
    return error
  }
}

const KEYS = [
  'version',
  'name',
  'runtime',
  'type',
  'module',
  'image',
  'command',
  'env',
  'stdin',
  'file',
  'workdir',
  'inputs',
  'source',
  'target',
  'outputs',
  'path',
  'resources',
  'memory',
  'cpu',
  'cpu_quota',
  'timeouts',
  'execution',
  'network',
  'retry',
  'price',
  'max',
  'verify',
  'gpu',
  '__proto__',
  '<<',
]
const VALUES = [
  '1',
  '0',
  '-1',
  '1.5',
  'true',
  'null',
  '~',
  '~/x',
  '.inf',
  '.nan',
  '0x1f',
  '1e400',
  '512m',
  '100000 50000',
  '30s',
  './a.wasm',
  '/in',
  '..',
  '""',
  "''",
  '[]',
  '{}',
  '*a',
  '&a x',
  '!!binary aGk=',
  '!!set {a}',
  '!x y',
  '2001-01-01',
  '|',
  '>',
  '@',
  '`',
  '%',
  '\u0000',
  '\ud800',
  '\u2028',
  '🙂',
  '"\\ud800"',
]

describe('task files, fuzzed', () => {
  // The test runner makes every error keep its whole stack, which is what would be measured here.
  const { stackTraceLimit } = Error
  before(() => {
    Error.stackTraceLimit = 10
  })
  after(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  it('refuses a hundred malformed ones, each for a reason, in a second of CPU time', async () => {
    assert.ok(MALFORMED_TASKS.length >= 100, String(MALFORMED_TASKS.length))
    const dir = await mkdtemp(join(tmpdir(), 'souk-malformed-'))
    try {
      await writeFile(join(dir, 'app.wasm'), '')
      const before = process.cpuUsage()
      for (const { title, text, format = 'yaml' } of MALFORMED_TASKS) {
        await assert.rejects(
          loadTask({ text, format, baseDir: dir }),
          (error) => isSoukError(error, 'INVALID_INPUT') && error.details.issues.length > 0,
          title,
        )
      }
      const { user, system } = process.cpuUsage(before)
      assert.ok((user + system) / 1e6 < 1, `${(user + system) / 1e6} s`)
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('gives a draft or a typed refusal for any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.constantFrom('yaml' as const, 'json' as const),
        (text, format) => void refusal(text, format),
      ),
    )
  })

  it('gives a draft or a typed refusal for any text made of its own words', () => {
    const word = fc.oneof(
      fc.constantFrom(...KEYS).map((key) => `${key}: `),
      fc.constantFrom(...VALUES),
      fc.constantFrom(
        '\n',
        '\n  ',
        '\n    ',
        '- ',
        ', ',
        '{',
        '}',
        '[',
        ']',
        '#',
        ': ',
        '? ',
        '---\n',
        '...\n',
        '"',
        "'",
      ),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => void refusal(words.join(''), 'yaml')),
      { numRuns: 1000 },
    )
  })

  it('gives a draft or a typed refusal for any value of any key', () => {
    const leaf = fc.oneof(
      fc.constantFrom(...VALUES),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
    )
    const one = fc.oneof(
      leaf,
      fc.array(leaf, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), leaf, { maxKeys: 3 }),
    )
    const value = fc.oneof(
      one,
      fc.array(one, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), one, { maxKeys: 3 }),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 6 }), (task) => {
        const text = JSON.stringify({ version: 1, runtime: { module: 'a' }, ...task })
        refusal(text, 'json')
        refusal(text, 'yaml')
      }),
      { numRuns: 500 },
    )
  })

  describe('keeps to its time for what is made to take long:', () => {
    const kilobytes = 250 * 1024
    const repeat = (unit: string): string => unit.repeat(Math.floor(kilobytes / unit.length))
    const numbered = (line: (index: number) => string): string =>
      Array.from({ length: 15_000 }, (_, index) => line(index))
        .join('\n')
        .slice(0, kilobytes)
    const slow = [
      ...[
        '[',
        '[\n',
        '{a: ',
        '- ',
        '? ',
        'a: ',
        '&a ',
        '!a ',
        '[,',
        '- a\n',
        '"',
        "'",
        '\n',
        ':',
        ',',
        '|\n a\n',
        '#\n',
        '---\n',
        '*a ',
        '\t',
        'é',
      ].map(repeat),
      numbered((index) => `k${index}: 1`),
      numbered((index) => `a${index}: &a${index} x`),
      `runtime: { module: a }\nenv:\n${numbered((index) => `  E${index}: 1`)}`,
      `runtime: { module: a }\nenv:\n${numbered((index) => `  E${index}: []`)}`,
      `inputs:\n${numbered(() => '  - { source: a, target: b, c: d }')}`,
      `name: ${'x'.repeat(kilobytes - 10)}`,
      `resources: { memory: ${'1'.repeat(kilobytes - 100)} }`,
    ]
    for (const text of slow) {
      it(JSON.stringify(text.slice(0, 20)), () => {
        const before = process.cpuUsage()
        assert.notEqual(refusal(text, 'yaml'), undefined)
        const { user, system } = process.cpuUsage(before)
        assert.ok((user + system) / 1e6 < 5, `${(user + system) / 1e6} s`)
      })
    }
  })
})
