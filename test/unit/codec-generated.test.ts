import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'
import { WIRE_BOUNDS } from '../../src/protocol/wire-bounds.ts'

const root = join(import.meta.dirname, '../..')

describe('generated messages', () => {
  it('are what messages.proto says', async function () {
    this.timeout(60_000)
    const script = join(root, 'scripts/generate-messages.ts')
    await assert.doesNotReject(promisify(execFile)(process.execPath, [script, '--check']))
  })

  it('are all described in docs/PROTOCOL.md, field by field', async () => {
    const proto = await readFile(join(root, 'src/protocol/messages.proto'), 'utf8')
    const text = await readFile(join(root, 'docs/PROTOCOL.md'), 'utf8')
    const named = (name: string): boolean => text.includes(`\`${name}\``)
    const messages = [...proto.matchAll(/^(?:message|enum) (\w+)/gm)].map(([, name]) => name ?? '')
    const fields = [...proto.matchAll(/^ +(?:optional |repeated )?\w+ (\w+) = \d+/gm)].map(([, name]) => name ?? '')
    assert.ok(messages.length >= 25 && fields.length >= 60, 'the .proto is not read as it is written')
    assert.deepEqual(
      [...messages, ...fields].filter((name) => !named(name)),
      [],
    )
    const bounds = Object.entries(WIRE_BOUNDS)
    assert.deepEqual(
      bounds.filter(([, bound]) => !text.includes(`| ${bound} |`)),
      [],
    )
  })
})
