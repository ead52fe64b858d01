import assert from 'node:assert/strict'
import { makeProject, runTool, type Project } from './run-tool.ts'

const OXLINT = 'oxlint/bin/oxlint'
/** By name: the linter would follow the link to the packages. */
const FOLDERS = ['src', 'test', 'bench', 'scripts']

interface Bad {
  readonly rule: string
  readonly source: string
  /** The folder; src where it does not matter. */
  readonly folder?: string
}

const FLOATING = 'export function a(): void {\n  Promise.resolve(1)\n}\n'

/** What the linter has to refuse, by the rule that it names. */
const BAD: readonly Bad[] = [
  ...FOLDERS.map((folder) => ({
    rule: 'typescript(no-floating-promises)',
    source: FLOATING,
    folder,
  })),
  {
    rule: 'typescript(no-misused-promises)',
    source: 'export const a = (b: number[]): void => b.forEach(async () => Promise.resolve())\n',
  },
  { rule: 'typescript(await-thenable)', source: 'export const a = async (): Promise<number> => await 1\n' },
  { rule: 'typescript(no-explicit-any)', source: 'export const a: any = 1\n' },
  { rule: 'typescript(no-explicit-any)', source: 'export const a: any = 1\n', folder: 'test' },
  { rule: 'typescript(no-unsafe-return)', source: 'export const a = (b: string): number => JSON.parse(b)\n' },
  { rule: 'typescript(no-non-null-assertion)', source: 'export const a = (b?: string): number => b!.length\n' },
  {
    rule: 'typescript(consistent-type-imports)',
    source: "import { Readable } from 'node:stream'\nexport const a = (b: Readable): Readable => b\n",
  },
  { rule: 'typescript(only-throw-error)', source: "export const a = (): never => {\n  throw 'b'\n}\n" },
  { rule: 'typescript(no-require-imports)', source: "export const a: unknown = require('node:fs')\n" },
  { rule: 'typescript(ban-ts-comment)', source: '// @ts-ignore\nexport const a: number = 1\n' },
  { rule: 'typescript(explicit-module-boundary-types)', source: 'export const a = (b: number) => b\n' },
  { rule: 'eslint(eqeqeq)', source: 'export const a = (b: number): boolean => b == 1\n' },
  { rule: 'eslint(no-var)', source: 'export var a = 1\n' },
  { rule: 'eslint(no-console)', source: 'console.log(1)\nexport const a = 1\n' },
  { rule: 'eslint(no-warning-comments)', source: '// TODO: later\nexport const a = 1\n' },
  {
    rule: 'eslint(max-params)',
    source: 'export const a = (b: 1, c: 1, d: 1, e: 1, f: 1): number => b + c + d + e + f\n',
  },
  { rule: 'unicorn(prefer-node-protocol)', source: "import { join } from 'path'\nexport const a = join\n" },
]

describe('the linter', () => {
  let project: Project
  let found: ReadonlySet<string>

  before(async () => {
    const files = BAD.map(({ source, folder = 'src' }, i): [string, string] => [`${folder}/bad${i}.ts`, source])
    const good = "export const a = async (): Promise<void> => {\n  await Promise.resolve('a')\n}\n"
    project = await makeProject({
      'src/good.ts': good,
      'package.json': '{"type":"module"}',
      ...Object.fromEntries(files),
    })
    const { code, output } = await runTool({ dir: project.dir, tool: OXLINT, args: ['--format', 'json', ...FOLDERS] })
    assert.notEqual(code, 0)
    const { diagnostics } = JSON.parse(output) as {
      readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
    }
    found = new Set(diagnostics.map((diagnostic) => `${diagnostic.filename} ${diagnostic.code}`))
  })
  after(() => project.remove())

  for (const [i, { rule, folder = 'src' }] of BAD.entries()) {
    it(`refuses what ${rule} names, in ${folder} (${i})`, () => {
      assert.ok(found.has(`${folder}/bad${i}.ts ${rule}`), [...found].join('\n'))
    })
  }

  it('passes what is right', () => {
    assert.deepEqual(
      [...found].filter((line) => line.includes('good.ts')),
      [],
    )
  })
})
