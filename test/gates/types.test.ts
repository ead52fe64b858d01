import assert from 'node:assert/strict'
import { makeProject, runTool, type Project } from './run-tool.ts'

const TSC = 'typescript/bin/tsc'

/** What the compiler has to refuse, with the code of its error. */
const BAD: readonly { readonly title: string; readonly code: string; readonly source: string }[] = [
  { title: 'an enum', code: 'TS1294', source: 'export enum A {\n  b,\n}\n' },
  { title: 'a namespace', code: 'TS1294', source: 'export namespace A {\n  export const b = 1\n}\n' },
  {
    title: 'a parameter property',
    code: 'TS1294',
    source: 'export class A {\n  constructor(readonly b: number) {}\n}\n',
  },
  { title: 'an index taken for a value', code: 'TS2322', source: 'export const a = (b: number[]): number => b[0]\n' },
  {
    title: 'undefined for what may only be absent',
    code: 'TS2375',
    source: 'export const a: { b?: number } = { b: undefined }\n',
  },
  {
    title: 'a type imported as a value',
    code: 'TS1484',
    source:
      "import { Readable, ReadableOptions } from 'node:stream'\nexport const a = (b: ReadableOptions): Readable => new Readable(b)\n",
  },
  { title: 'an implicit any', code: 'TS7006', source: 'export const a = (b) => b\n' },
  { title: 'an unused local', code: 'TS6133', source: 'export function a(): void {\n  const b = 1\n}\n' },
  {
    title: 'a case that falls through',
    code: 'TS7029',
    source:
      'export function a(b: number): number {\n  switch (b) {\n    case 1:\n      b++\n    case 2:\n      return b\n  }\n  return 0\n}\n',
  },
  {
    title: 'an override that does not say so',
    code: 'TS4114',
    source: 'class A {\n  b(): void {}\n}\nexport class C extends A {\n  b(): void {}\n}\n',
  },
  { title: 'an import without its ending', code: 'TS2835', source: "import { a } from './good'\nexport const b = a\n" },
]

describe('the compiler', () => {
  let project: Project
  let output: string

  before(async () => {
    const files = BAD.map(({ source }, i): [string, string] => [`src/bad${i}.ts`, source])
    project = await makeProject({
      'src/good.ts': 'export const a = 1\n',
      ...Object.fromEntries(files),
      'package.json': '{"type":"module"}',
    })
    const result = await runTool({ dir: project.dir, tool: TSC, args: ['-p', '.', '--pretty', 'false'] })
    assert.notEqual(result.code, 0)
    output = result.output
  })
  after(() => project.remove())

  for (const [i, { title, code }] of BAD.entries()) {
    it(`refuses ${title}`, () => {
      const line = output.split('\n').find((text) => text.startsWith(`src/bad${i}.ts`))
      assert.ok(line?.includes(`error ${code}:`), line ?? output)
    })
  }

  it('passes what is right', () => {
    assert.ok(!output.includes('good.ts('), output)
  })
})
