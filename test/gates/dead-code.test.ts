import assert from 'node:assert/strict'
import { makeProject, runTool, type Project } from './run-tool.ts'

const KNIP = 'knip/bin/knip.js'

/** Names that knip reports for one file, by the kind of thing that is wrong with them. */
type Issue = { readonly file: string } & Readonly<Record<string, unknown>>

describe('the search for dead code', () => {
  let project: Project
  let issues: readonly Issue[]

  before(async () => {
    const manifest = { name: 'x', type: 'module', dependencies: { zod: '4.6.7', yaml: '2.9.1' } }
    project = await makeProject({
      'package.json': JSON.stringify(manifest),
      'src/cli/main.ts':
        "import { z } from 'zod'\nimport 'left-pad'\nimport { used } from './a.ts'\nexport const main = [z, used]\n",
      'src/cli/a.ts': 'export const used = 1\nexport const unused = 2\nexport interface Unused {\n  readonly a: 1\n}\n',
      'src/cli/b.ts': 'export const nobody = 1\n',
    })
    const { code, output } = await runTool({
      dir: project.dir,
      tool: KNIP,
      args: ['--no-progress', '--no-config-hints', '--reporter', 'json'],
    })
    assert.notEqual(code, 0)
    issues = (JSON.parse(output) as { readonly issues: readonly Issue[] }).issues
  })
  after(() => project.remove())

  const named = (file: string, kind: string): readonly string[] =>
    issues
      .filter((issue) => issue.file === file)
      .flatMap((issue) => (issue[kind] ?? []) as readonly { readonly name: string }[])
      .map(({ name }) => name)

  it('finds an export that nobody imports', () => assert.deepEqual(named('src/cli/a.ts', 'exports'), ['unused']))
  it('finds a type that nobody imports', () => assert.deepEqual(named('src/cli/a.ts', 'types'), ['Unused']))
  it('finds a file that nobody imports', () => assert.deepEqual(named('src/cli/b.ts', 'files'), ['src/cli/b.ts']))
  it('finds a dependency that nobody uses', () => assert.deepEqual(named('package.json', 'dependencies'), ['yaml']))
  it('finds a package that is no dependency', () =>
    assert.deepEqual(named('src/cli/main.ts', 'unlisted'), ['left-pad']))
})
