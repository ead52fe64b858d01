import assert from 'node:assert/strict'
import { checkArchitecture, type Violation } from '../architecture/check.ts'
import { FOLDER_RULES } from '../architecture/rules.ts'

const check = (files: Readonly<Record<string, string>>): readonly Violation[] =>
  checkArchitecture({ files: new Map(Object.entries(files)), folders: FOLDER_RULES })

/** Each is a tree with exactly one thing wrong in it. */
const CASES: readonly {
  readonly title: string
  readonly rule: Violation['rule']
  readonly files: Readonly<Record<string, string>>
}[] = [
  { title: 'a folder that the table does not know', rule: 'unknown-folder', files: { 'src/billing/a.ts': '' } },
  { title: 'a folder below a known one', rule: 'unknown-folder', files: { 'src/executors/wasm/vm/a.ts': '' } },
  { title: 'a file beside the folders', rule: 'unknown-folder', files: { 'src/a.ts': '' } },
  {
    title: 'a static import against the table',
    rule: 'forbidden-import',
    files: { 'src/protocol/a.ts': "import { b } from '../identity/b.ts'\n", 'src/identity/b.ts': 'export const b = 1' },
  },
  {
    title: 'a type import against the table',
    rule: 'forbidden-import',
    files: {
      'src/executors/wasm/a.ts': "import type { B } from '../docker/b.ts'",
      'src/executors/docker/b.ts': 'export type B = 1',
    },
  },
  {
    title: 'an inline type import against the table',
    rule: 'forbidden-import',
    files: {
      'src/client/a.ts': "export type A = import('../node/b.ts').B",
      'src/node/b.ts': 'export type B = 1',
    },
  },
  {
    title: 'a dynamic import against the table',
    rule: 'forbidden-import',
    files: { 'src/cli/a.ts': "await import('../node/b.ts')", 'src/node/b.ts': 'export const b = 1' },
  },
  {
    title: 'a re-export against the table',
    rule: 'forbidden-import',
    files: {
      'src/artifacts/a.ts': "export const a = 1\nexport { b } from '../executors/b.ts'",
      'src/executors/b.ts': 'export const b = 1',
    },
  },
  {
    title: 'a star re-export against the table',
    rule: 'forbidden-import',
    files: {
      'src/settlement/a.ts': "export const a = 1\nexport * from '../node/b.ts'",
      'src/node/b.ts': 'export const b = 1',
    },
  },
  {
    title: 'an import across a comment and several lines',
    rule: 'forbidden-import',
    files: {
      'src/native/a.ts': "import {\n  b, // why\n} /* from './c.ts' */ from\n  '../node/b.ts'",
      'src/node/b.ts': 'export const b = 1',
    },
  },
  {
    title: 'an import from outside src',
    rule: 'forbidden-import',
    files: { 'src/node/a.ts': "import '../../scripts/b.ts'" },
  },
  { title: 'an import of nothing', rule: 'missing-file', files: { 'src/node/a.ts': "import './b.ts'" } },
  { title: 'libp2p outside the network', rule: 'unlisted-package', files: { 'src/node/a.ts': "import 'libp2p'" } },
  {
    title: 'a scoped package',
    rule: 'unlisted-package',
    files: { 'src/identity/a.ts': "import '@libp2p/crypto/keys'" },
  },
  {
    title: 'a path inside a package',
    rule: 'unlisted-package',
    files: { 'src/node/a.ts': "import 'ethers/lib/x.js'" },
  },
  { title: 'a package that nobody lists', rule: 'unlisted-package', files: { 'src/node/a.ts': "import 'left-pad'" } },
  {
    title: 'a package by createRequire',
    rule: 'unlisted-package',
    files: {
      'src/identity/a.ts': "import { createRequire } from 'node:module'\ncreateRequire(import.meta.url)('libp2p')",
    },
  },
  {
    title: 'a package by a bound createRequire',
    rule: 'unlisted-package',
    files: {
      'src/identity/a.ts':
        "import { createRequire } from 'node:module'\nconst load = createRequire(import.meta.url)\nload('libp2p')",
    },
  },
  { title: 'a package by require', rule: 'unlisted-package', files: { 'src/node/a.ts': "require('ethers')" } },
  {
    title: 'a package by import =',
    rule: 'unlisted-package',
    files: { 'src/node/a.ts': "import e = require('ethers')" },
  },
  {
    title: 'a package by its type',
    rule: 'unlisted-package',
    files: { 'src/node/a.ts': "type T = typeof import('ethers')" },
  },
  {
    title: 'a package by resolution',
    rule: 'unlisted-package',
    files: { 'src/node/a.ts': "import.meta.resolve('ethers')" },
  },
  { title: 'I/O in the vocabulary', rule: 'forbidden-builtin', files: { 'src/protocol/a.ts': "import 'node:fs'" } },
  {
    title: 'a built-in without its prefix',
    rule: 'forbidden-builtin',
    files: { 'src/protocol/a.ts': "import 'path'" },
  },
  {
    title: 'a process from the client',
    rule: 'forbidden-builtin',
    files: { 'src/client/a.ts': "import 'node:child_process'" },
  },
  {
    title: 'a path inside a built-in',
    rule: 'forbidden-builtin',
    files: { 'src/client/a.ts': "import 'node:dns/promises'" },
  },
  {
    title: 'a built-in asked of the process',
    rule: 'forbidden-builtin',
    files: { 'src/client/a.ts': "process.getBuiltinModule('node:net')" },
  },
  {
    title: 'an import of something computed',
    rule: 'computed-import',
    files: { 'src/node/a.ts': 'export const load = (x: string) => import(`./${x}.ts`)' },
  },
  {
    title: 'two files in a circle',
    rule: 'cycle',
    files: {
      'src/node/a.ts': "import { b } from './b.ts'\nexport const a = b",
      'src/node/b.ts': "import { a } from './a.ts'\nexport const b = a",
    },
  },
  {
    title: 'three files in a circle of types',
    rule: 'cycle',
    files: {
      'src/node/a.ts': "import type { B } from './b.ts'\nexport type A = B",
      'src/node/b.ts': "import type { C } from './c.ts'\nexport type B = C",
      'src/node/c.ts': "import type { A } from './a.ts'\nexport type C = A",
    },
  },
  { title: 'a file that imports itself', rule: 'cycle', files: { 'src/node/a.ts': "import './a.ts'" } },
  { title: 'index.ts', rule: 'barrel', files: { 'src/node/index.ts': 'export const a = 1' } },
  { title: 'index.ts of the tests', rule: 'barrel', files: { 'test/unit/index.ts': 'export const a = 1' } },
  {
    title: 'a barrel by another name',
    rule: 'barrel',
    files: { 'src/node/all.ts': "export * from './b.ts'", 'src/node/b.ts': 'export const b = 1' },
  },
  { title: 'a file named utils', rule: 'vague-name', files: { 'src/node/utils.ts': 'export const a = 1' } },
  { title: 'a folder named helpers', rule: 'vague-name', files: { 'test/helpers/clock.ts': 'export const a = 1' } },
  { title: 'any in a type', rule: 'any', files: { 'src/node/a.ts': 'export const a = (x: any) => x' } },
  { title: 'any in a cast of a test', rule: 'any', files: { 'test/unit/a.ts': 'export const a = 1 as any' } },
]

describe('the architecture check', () => {
  for (const { title, rule, files } of CASES) {
    it(`finds ${title}`, () => {
      const violations = check(files)
      assert.deepEqual(
        violations.map((violation) => violation.rule),
        [rule],
        JSON.stringify(violations),
      )
    })
  }

  it('names the file, the line and the import', () => {
    const [violation] = check({ 'src/node/a.ts': "\n\nimport 'libp2p'" })
    assert.deepEqual(violation, {
      rule: 'unlisted-package',
      file: 'src/node/a.ts',
      message: 'line 3: src/node may not import libp2p',
    })
  })

  it('tells the way round a circle', () => {
    const [violation] = check({
      'src/node/a.ts': "import './b.ts'",
      'src/node/b.ts': "import './c.ts'\nimport './d.ts'",
      'src/node/c.ts': "import './a.ts'",
      'src/node/d.ts': '',
    })
    assert.equal(violation?.message, 'src/node/a.ts → src/node/b.ts → src/node/c.ts → src/node/a.ts')
  })

  it('refuses a source that does not parse, rather than pass it', () => {
    assert.throws(() => check({ 'src/node/a.ts': 'import { from' }), /a\.ts does not parse/)
  })

  it('finds nothing wrong with what the table allows', () => {
    const violations = check({
      'src/protocol/a.ts': "import { z } from 'zod'\nexport const a = z",
      'src/protocol/network/b.ts':
        "import { createLibp2p } from 'libp2p'\nimport { a } from '../a.ts'\nexport const b = [createLibp2p, a]",
      'src/node/create-node.ts': "import { b } from '../protocol/network/b.ts'\nexport const c = b",
      'src/cli/commands/d.ts':
        "import { c } from '../../node/create-node.ts'\nimport { readFile } from 'node:fs/promises'\nexport const d = [c, readFile]",
      'src/executors/wasm/e.ts':
        "import { fork } from 'node:child_process'\nimport { WASI } from '@wasmer/wasi'\nexport const e = [fork, WASI]",
      'test/unit/f.ts': "import 'ethers'\nexport const manyOf = 'the word any in a text is no type'",
    })
    assert.deepEqual(violations, [])
  })
})
