import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { REQUIRED } from '../../scripts/toolchain.ts'

const root = join(import.meta.dirname, '..', '..')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Rows of the tables in CONTRIBUTING.md that begin with a name in code: that name, and the second column. */
function rowsOf(section: string): ReadonlyMap<string, string> {
  const rows = [...section.matchAll(/^\| `([^`]+)` +\| (.*?) *\|$/gm)]
  return new Map(rows.map(([, name = '', reason = '']) => [name, reason]))
}

describe('dependencies', () => {
  let manifest: Manifest
  let sections: readonly string[]

  before(async () => {
    manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
    const text = await readFile(join(root, 'CONTRIBUTING.md'), 'utf8')
    sections = text.split(/^(?=## What the tests install|## Dependencies|Under `devDependencies`)/m)
  })

  const tableOf = (start: string): ReadonlyMap<string, string> =>
    rowsOf(sections.find((section) => section.startsWith(start)) ?? '')

  it('have exact versions', () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name)
    }
  })

  for (const [kind, start] of [
    ['dependencies', '## Dependencies'],
    ['devDependencies', 'Under `devDependencies`'],
  ] as const) {
    it(`of package.json's ${kind} each have a reason in CONTRIBUTING.md, and no other package has`, () => {
      const table = tableOf(start)
      assert.deepEqual([...table.keys()].toSorted(), Object.keys(manifest[kind]).toSorted())
      for (const [name, reason] of table) assert.ok(reason.length > 5, name)
    })
  }

  it('on Debian packages each have a reason in CONTRIBUTING.md', () => {
    const table = tableOf('## What the tests install')
    assert.deepEqual(
      [...table.keys()],
      REQUIRED.map(({ debianPackage }) => debianPackage),
    )
  })
})
