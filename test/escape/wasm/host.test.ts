import assert from 'node:assert/strict'
import { attackedSandbox, type AttackedSandbox } from './sandbox.ts'

const MiB = 1024 * 1024
const ERRNO = { badf: 8, inval: 28, noent: 44, nospc: 51, notcapable: 76 }

/** Lines of `what number`, as the attacking programs print them. */
function errors(stdout: Buffer): Record<string, number> {
  const lines = stdout.toString().trim().split('\n')
  return Object.fromEntries(
    lines
      .filter((line) => / \d+$/.test(line))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('escape: WebAssembly programs against the host', function () {
  this.timeout(60_000)
  let sandbox: AttackedSandbox

  before(async () => {
    sandbox = await attackedSandbox()
  })
  afterEach(() => sandbox.assertUnharmed())
  after(() => sandbox.close())

  it('paths that lead out of a folder are ENOTCAPABLE', async () => {
    const { stdout } = await sandbox.program('paths')
    const seen = errors(stdout)
    assert.equal(Object.keys(seen).length, 8)
    for (const [path, error] of Object.entries(seen)) assert.equal(error, ERRNO.notcapable, path)
  })

  it('the environment of the node is not there', async () => {
    process.env['SOUK_TEST_SECRET'] = 'secret'
    try {
      const { stdout } = await sandbox.program('environment', { env: { ONLY: 'this' } })
      assert.equal(stdout.toString(), 'ONLY=this\n')
    } finally {
      delete process.env['SOUK_TEST_SECRET']
    }
  })

  it('a wait without end meets the idle limit', async () => {
    const { execution } = await sandbox.program('poll-forever', { limits: { idleTimeMs: 100 } })
    assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'idleTime' })
  })

  it('closing its streams does not free a task of its limits', async () => {
    const { execution } = await sandbox.program('close-streams', { limits: { wallTimeMs: 200 } })
    assert.deepEqual(execution.outcome, { kind: 'limit', limit: 'wallTime' })
  })

  it('unlinked files that are still open count as disk', async () => {
    const { execution, stdout } = await sandbox.program('hidden-files', { limits: { diskBytes: 120_000 } })
    assert.equal(stdout.toString(), '2 files\n')
    assert.deepEqual(execution.usage.limitsHit, ['disk'])
  })

  it('folders 100,000 deep are handed over, or refused, in the end', async () => {
    const { execution, stdout } = await sandbox.program('deep-folders', {
      command: ['/out', '100000'],
      outputs: ['/out'],
      limits: { inodes: 100_001, memoryBytes: 64 * MiB },
    })
    assert.equal(stdout.toString(), 'depth 100000, file made\n')
    assert.deepEqual(
      execution.outputs.map((output) => 'error' in output && output.error.code),
      ['UNSAFE_NAME'],
    )
  })

  it('offsets, sizes, names and numbers at the edges are refused, and count for what they are', async () => {
    const { execution, stdout } = await sandbox.program('file-edges', { limits: { diskBytes: 100_000 } })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(errors(stdout), {
      'set size 2^63': ERRNO.inval,
      'set size 2^53': ERRNO.inval,
      'allocate from 2^52 to 2^53': ERRNO.inval,
      'allocate a terabyte': ERRNO.nospc,
      'seek before the start': ERRNO.inval,
      'seek to 2^53': ERRNO.inval,
      'seek to 2^53 - 1': 0,
      'write at 2^53 - 1': ERRNO.nospc,
      'write at a terabyte': ERRNO.nospc,
      'write where there is room': 0,
      ['__proto__']: 0,
      constructor: 0,
      'no name': ERRNO.noent,
      dots: ERRNO.notcapable,
      'into itself': ERRNO.inval,
      'below itself': ERRNO.noent,
      'onto its folder': ERRNO.inval,
      'cookie of 2^64 - 1': 0,
      'entries from there': 0,
      'renumber to itself': 0,
      'renumber to what is not open': ERRNO.badf,
      'renumber onto the folder': 0,
      "the file is the folder's number now": 0,
      'and its old one is closed': ERRNO.badf,
    })
    assert.deepEqual(execution.usage.limitsHit, ['disk'])
  })

  it('names cut from long paths keep nothing but themselves in memory', async () => {
    const { execution } = await sandbox.program('long-names', {
      command: ['50000'],
      limits: { inodes: 50_000, memoryBytes: 64 * MiB },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
  })

  it('many files in a deep folder with long names take no longer than others', async () => {
    const { execution } = await sandbox.program('deep-names', {
      command: ['/out', '30000', '30000'],
      outputs: ['/out'],
      limits: { inodes: 60_000, memoryBytes: 64 * MiB },
    })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    const codes = new Set(execution.outputs.map((output) => ('error' in output ? output.error.code : 'kept')))
    assert.deepEqual([...codes].sort(), ['TOO_MANY', 'UNSAFE_NAME'])
  })

  it('results with control characters in their names are refused, one by one', async () => {
    const { execution, files } = await sandbox.program('odd-names', { outputs: ['/out'] })
    assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
    assert.deepEqual(Object.keys(files).sort(), ['/out/back\\slash', '/out/ok', '/out/~'])
    assert.deepEqual(
      execution.outputs.filter((output) => 'error' in output).map((output) => 'error' in output && output.error.code),
      ['UNSAFE_NAME', 'UNSAFE_NAME'],
    )
  })
})
