import assert from 'node:assert/strict'
import { makeProject, runTool } from './run-tool.ts'

const OXFMT = 'oxfmt/bin/oxfmt'

describe('the formatter', () => {
  for (const [title, source] of Object.entries({
    'double quotes': 'export const a = "b"\n',
    semicolons: "export const a = 'b';\n",
    'four spaces': 'export function a(): number {\n    return 1\n}\n',
    'a line of more than 120 columns': `export const a = [${'"123456789", '.repeat(12)}]\n`.replaceAll('"', "'"),
  })) {
    it(`refuses ${title}`, async () => {
      const project = await makeProject({ 'src/bad.ts': source })
      try {
        const { code, output } = await runTool({ dir: project.dir, tool: OXFMT, args: ['--check', 'src'] })
        assert.equal(code, 1)
        assert.match(output, /src\/bad\.ts/)
      } finally {
        await project.remove()
      }
    })
  }

  it('passes what is right', async () => {
    const project = await makeProject({ 'src/good.ts': "export const a = 'b'\n" })
    try {
      const { code, output } = await runTool({ dir: project.dir, tool: OXFMT, args: ['--check', 'src'] })
      assert.equal(code, 0, output)
    } finally {
      await project.remove()
    }
  })
})
