import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { RUNTIME_NAMES } from '../../src/protocol/execution.ts'
import { runDocumentSchema } from '../../src/protocol/run-document.ts'
import { mountsBelow } from '../fixtures/left-on-host.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

describe('the demo', function () {
  this.timeout(180_000)
  let dir: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-demo-test-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  const demo = (...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> =>
    run(process.execPath, [join(root, 'scripts/demo.ts'), ...args], {
      env: { ...process.env, TMPDIR: dir, NO_COLOR: '1' },
    })

  it('prints one document a line that verify, of every runtime, and narrates elsewhere', async () => {
    const { stdout, stderr } = await demo('--json')
    const lines = stdout.trimEnd().split('\n')
    const documents = lines.map((line) => runDocumentSchema.parse(JSON.parse(line)))
    assert.deepEqual(
      documents.map(({ name, runtime, outcome }) => [
        name,
        runtime,
        outcome.kind === 'exited' ? outcome.code : outcome.kind,
      ]),
      [
        ['word-count', 'wasm', 0],
        ['native-word-count', 'native', 0],
        ['docker-word-count', 'docker', 0],
        ['large-word-count', 'wasm', 0],
        ['look-around', 'native', 1],
        ['too-little-memory', 'wasm', 1],
        ['too-little-time', 'native', 'limit'],
        ['fork-bomb', 'docker', 2],
        ['crash', 'wasm', 'trapped'],
      ],
      stderr,
    )
    for (const document of documents) assert.equal(verifyDocument(document).receipt.taskId, document.task)
    assert.deepEqual(new Set(documents.map(({ receipt }) => receipt.isolation.runtime)), new Set(RUNTIME_NAMES))
    for (const { stdout: counts } of documents.slice(0, RUNTIME_NAMES.length))
      assert.equal(counts, '6 44 217 /in/poem.txt\n')
    assert.match(stderr, /crash/i)

    const file = join(dir, 'documents')
    await writeFile(file, stdout)
    await run(process.execPath, [join(root, 'bin/souk'), 'verify', file])
    // The counts are of one value each: any digit changed is a lie.
    await writeFile(file, stdout.replace('6 44 217', '6 45 217'))
    await assert.rejects(run(process.execPath, [join(root, 'bin/souk'), 'verify', file]), { code: 1 })
    await rm(file)
  })

  it('tells a person what happens, and leaves nothing behind', async () => {
    const { stdout } = await demo()
    for (const told of [
      /6 44 217/,
      /running/,
      /I am user 65534/,
      /Read-only file system/,
      /wall time limit/,
      /met its memory limit/,
      /met its pids limit/,
      /trapped: unreachable/,
      /verified/,
      /refused: signature/,
    ])
      assert.match(stdout, told)
    assert.deepEqual(
      (await readdir(dir)).filter((name) => name !== 'node-compile-cache'),
      [],
    )
    assert.deepEqual(await mountsBelow(dir), [])
  })
})
