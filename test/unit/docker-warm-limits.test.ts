import assert from 'node:assert/strict'
import { canBecome } from '../../src/executors/docker/warm-container.ts'
import type { BoundedLimits } from '../../src/protocol/limits.ts'

const held = {
  ...{ memoryBytes: 100, cpuCores: 1, pids: 10, openFiles: 64, diskBytes: 100, inodes: 10, outputBytes: 10 },
  wallTimeMs: 1000,
} as unknown as BoundedLimits

describe('the limits of a container that waits', () => {
  for (const [how, asked, docker, podman] of [
    ['the same ones', {}, true, true],
    ['more memory', { memoryBytes: 200 }, true, false],
    ['fewer processes', { pids: 5 }, true, false],
    ['less disk', { diskBytes: 50 }, true, true],
    ['more disk', { diskBytes: 200 }, false, false],
    ['more open files', { openFiles: 65 }, false, false],
    ['another wall time', { wallTimeMs: 5 }, true, true],
  ] as const)
    it(`can ${docker ? '' : 'not '}become ${how}${podman === docker ? '' : ', of podman’s not'}`, () => {
      const become = (product: 'Docker' | 'Podman') => canBecome({ held, asked: { ...held, ...asked }, product })
      assert.deepEqual([become('Docker'), become('Podman')], [docker, podman])
    })
})
