import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { textsOf } from '../fixtures/test-titles.ts'
import { attacksOn } from './attacks.ts'
import { CATALOGUE } from './catalogue.ts'

const ROOT = new URL('../../', import.meta.url)
const PROGRAMS = new URL('./programs/', import.meta.url)
/** Programs that tests of their own run, beside the table. */
const APART = new Set(['flood', 'hoard-quotas', 'neighbour', 'second-wall'])
/** Distinct attacks that native has to survive at the least. */
const NATIVE_ATTACKS = 65

describe('escape: the catalogue of attacks', () => {
  const native = attacksOn('native')
  const names = new Set(native.map(({ name }) => name))

  for (const [what, tests] of Object.entries(CATALOGUE)) {
    it(`has a test that stands for ${what}`, async () => {
      assert.ok(tests.length > 0)
      for (const test of tests) {
        if (typeof test === 'string') assert.ok(names.has(test), `no attack on native tasks has the name: ${test}`)
        else assert.ok((await textsOf(new URL(test.file, ROOT))).has(test.title), `${test.file} has no: ${test.title}`)
      }
    })
  }

  it('has attacks that are distinct, by name and by what is tried', () => {
    assert.equal(names.size, native.length)
    assert.ok(native.length >= NATIVE_ATTACKS, `${native.length} attacks`)
    const tried = native.map(({ program, command, env, workdir, inputs, limits }) =>
      JSON.stringify([
        program,
        typeof command === 'function' ? command.toString() : command,
        env,
        workdir,
        inputs,
        limits,
      ]),
    )
    assert.equal(new Set(tried).size, tried.length)
  })

  it('says of every attack how it must end, and of every output', () => {
    for (const { name, expected, verify } of native) {
      assert.ok(expected.outcome.kind !== 'cancelled', name)
      assert.ok(
        expected.stdout !== undefined || expected.stderr !== undefined || expected.outputs !== undefined || verify,
        name,
      )
    }
  })

  it('tries every program that is there', async () => {
    const sources = (await readdir(PROGRAMS)).filter((file) => file.endsWith('.c'))
    const used = new Set(native.map(({ program }) => program))
    for (const source of sources) {
      const program = source.slice(0, -'.c'.length)
      assert.ok(used.has(program) || APART.has(program), `nobody runs ${program}`)
    }
  })
})
