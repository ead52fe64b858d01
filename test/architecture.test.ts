import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArchitecture, type Violation } from './architecture/check.ts'
import { loadSources } from './architecture/load-sources.ts'
import { FOLDER_RULES } from './architecture/rules.ts'

const root = join(import.meta.dirname, '..')

const RULES: Readonly<Record<Violation['rule'], string>> = {
  'unknown-folder': 'every folder under src is in the table of who may import whom',
  'forbidden-import': 'no folder imports one that the table does not give it',
  'missing-file': 'every import leads to a file',
  'unlisted-package': 'no folder imports a package that the table does not give it',
  'forbidden-builtin': 'no folder imports a built-in module that the table does not give it',
  'computed-import': 'every import can be read off the source',
  cycle: 'no file imports itself in a circle',
  barrel: 'no file exists only to pass on what others export',
  'vague-name': 'every folder and file is named for what it holds',
  any: 'nothing has the type any',
}

describe('architecture', () => {
  let violations: readonly Violation[] = []
  let count = 0

  before(async () => {
    const files = await loadSources({ root, folders: ['src', 'test', 'bench', 'scripts', 'examples'] })
    count = files.size
    violations = checkArchitecture({ files, folders: FOLDER_RULES })
  })

  it('reads the sources', () => {
    assert.ok(count > 20, `only ${count} files were found`)
  })

  for (const [rule, title] of Object.entries(RULES)) {
    it(title, () => {
      const found = violations.filter((violation) => violation.rule === rule)
      assert.deepEqual(
        found.map(({ file, message }) => `${file}: ${message}`),
        [],
      )
    })
  }

  it('lets no folder import a development dependency', async () => {
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly devDependencies: Readonly<Record<string, string>>
    }
    const listed = Object.values(FOLDER_RULES).flatMap((rule) => rule.packages)
    assert.deepEqual(
      listed.filter((name) => name in devDependencies),
      [],
    )
  })
})
