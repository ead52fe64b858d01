import assert from 'node:assert/strict'
import { DOCUMENTS, staleDocuments } from '../../scripts/generate-docs.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { REFUSAL_REASONS } from '../../src/protocol/refusals.ts'
import { CONFIG_KEY_NAMES } from '../../src/node/config/schema.ts'

const lines = (path: string): readonly string[] => (DOCUMENTS[path]?.() ?? '').split('\n')

describe('generated documents', () => {
  it('are what they would be now (else: npm run generate)', () => {
    assert.deepEqual(staleDocuments(), [])
  })

  it('have a row for every key, code and reason', () => {
    for (const key of CONFIG_KEY_NAMES)
      assert.equal(lines('docs/CONFIG.md').filter((line) => line.startsWith(`| \`${key}\` |`)).length, 1, key)
    for (const name of [...Object.keys(ERROR_CODES), ...Object.keys(REFUSAL_REASONS)]) {
      assert.ok(
        lines('docs/ERRORS.md').some((line) => line.startsWith(`| \`${name}\` |`)),
        name,
      )
    }
  })

  it('describe every key of the task file', () => {
    const rows = lines('docs/TASK.md').filter((line) => line.startsWith('| `'))
    assert.ok(rows.length > 30)
    for (const row of rows) assert.notEqual(row.split(' | ')[3]?.trim(), '', row)
  })

  it('have tables whose rows are as wide as their heads', () => {
    for (const path of Object.keys(DOCUMENTS).filter((name) => name.endsWith('.md'))) {
      let width = 0
      for (const line of lines(path)) {
        const cells = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0
        if (width > 0 && cells > 0) assert.equal(cells, width, line)
        width = cells
      }
    }
  })
})
