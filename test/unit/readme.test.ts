import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

describe('README', () => {
  const text = read('README.md')

  it('shows the task file that examples/ has', () => {
    const shown = /```yaml\n([\s\S]*?)```/.exec(text)?.[1]
    assert.equal(shown, read('examples/word-count.yaml'))
  })

  for (const page of ['README.md', 'CONTRIBUTING.md', 'docs/ARCHITECTURE.md', 'docs/SECURITY.md', 'docs/PROTOCOL.md']) {
    it(`links only to files that are there, and so does ${page}`, () => {
      const folder = new URL(page, root)
      const links = [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '')
      for (const link of links) assert.ok(existsSync(new URL(link, folder)), `${page} links to ${link}`)
    })
  }

  it('names only files and folders that are there', () => {
    const named = [...text.matchAll(/(?:^|[\s`(])((?:config|docs|examples|schema|src|bin)\/[\w./-]*\w)/gm)].map(
      (match) => match[1] ?? '',
    )
    assert.ok(named.length > 10)
    for (const path of named) assert.ok(existsSync(new URL(path, root)), `README names ${path}`)
  })
})
