import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { textsOf } from '../../fixtures/test-titles.ts'
import { CATALOGUE, GROUPS } from './catalogue.ts'
import { CALLED } from './host-calls.ts'

const ROOT = new URL('../../../', import.meta.url)
/** Tests that run programs of these beside the tables. */
const APART = ['host.test.ts', '../../integration/wasm-reuse.test.ts']
/** Distinct attacks at the least, each with a task of its own. */
const LEAST_ATTACKS = 200
/** Attempts at the least within those that make several. */
const LEAST_ATTEMPTS = 500

describe('escape: the catalogue of attacks on WebAssembly', () => {
  const attacks = GROUPS.flatMap((group) => group.attacks)
  const names = new Set(attacks.map(({ name }) => name))

  for (const [what, tests] of Object.entries(CATALOGUE)) {
    it(`has a test that stands for ${what}`, async () => {
      assert.ok(tests.length > 0)
      for (const test of tests) {
        if (typeof test === 'string') assert.ok(names.has(test), `no attack has the name: ${test}`)
        else assert.ok((await textsOf(new URL(test[0], ROOT))).has(test[1]), `${test[0]} has no: ${test[1]}`)
      }
    })
  }

  it('has attacks that are distinct, by name and by what is tried', () => {
    assert.equal(names.size, attacks.length)
    assert.ok(attacks.length >= LEAST_ATTACKS, `${attacks.length} attacks`)
    const attempts = attacks.reduce((sum, { holds = 0 }) => sum + holds, 0)
    assert.ok(attempts >= LEAST_ATTEMPTS, `${attempts} attempts`)
    const tried = attacks.map(({ tries, command, env, inputs, limits, stdin, deterministic }) =>
      [
        typeof tries === 'string' ? tries : createHash('sha256').update(tries()).digest('hex'),
        JSON.stringify([command, env, inputs, limits, deterministic]),
        stdin?.length,
      ].join(' '),
    )
    assert.equal(new Set(tried).size, tried.length)
  })

  it('calls every function of preview 1 with numbers that no program would pass', () => {
    assert.ok(CALLED.length >= 44, `${CALLED.length} functions`)
  })

  it('tries every program that is there', async () => {
    const used = new Set(attacks.map(({ tries }) => tries))
    const elsewhere = await Promise.all(APART.map((file) => textsOf(new URL(file, import.meta.url))))
    for (const source of await readdir(new URL('./programs/', import.meta.url))) {
      const program = source.replace(/\.c$/, '')
      if (source.endsWith('.h')) continue
      assert.ok(used.has(program) || elsewhere.some((texts) => texts.has(program)), `nobody runs ${program}`)
    }
  })
})
