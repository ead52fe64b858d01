import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildProgram } from '../../../scripts/build-programs.ts'
import { runBehaviour } from '../../conformance/executor-conformance.ts'
import { nativeTarget } from './target.ts'

const PROGRAM = fileURLToPath(new URL('../programs/second-wall.c', import.meta.url))

describe('escape: the second wall of native tasks', function () {
  this.timeout(120_000)

  it('holds by itself where mounts and the filter on calls let something through, and breaks nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'souk-landlock-'))
    const program = await buildProgram({ file: PROGRAM, runtime: 'native' })
    const target = await nativeTarget(
      new Map([['second-wall', program]]),
      new Map([['with-pipe', { sha256: '', path: dir }]]),
    )
    try {
      await chmod(dir, 0o755)
      await copyFile(program.source, join(dir, 'program'))
      // What is written to it is not a file of the root: a read-only mount does not mind.
      await promisify(execFile)('mkfifo', ['-m', '666', join(dir, 'pipe')])
      const { execution, stdout } = await runBehaviour(
        {
          executor: target.executor,
          task: (name, base) => ({
            ...base,
            runtime: 'native',
            name,
            root: { kind: 'named', name: 'with-pipe', sha256: '' },
          }),
        },
        {
          name: 'the second wall',
          program: 'program',
          command: ['/program'],
          outputs: ['/out'],
          expected: { outcome: { kind: 'exited', code: 0 } },
        },
      )
      assert.deepEqual(execution.outcome, { kind: 'exited', code: 0 })
      assert.ok(
        execution.isolation.layers.some((layer) => /^landlock-abi-\d+$/.test(layer)),
        String(execution.isolation.layers),
      )
      const [walls = '', rest = ''] = stdout.toString().split('--\n')
      assert.deepEqual(walls.trim().split('\n'), [
        'pipe of the root file system EACCES',
        'control of a device EACCES',
        'signal to init EPERM',
      ])
      assert.match(rest, /^(?:.+ DONE\n){11}$/)
    } finally {
      await target.close()
      await rm(dir, { recursive: true })
    }
  })
})
