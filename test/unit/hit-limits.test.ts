import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DockerTask } from '../../src/executors/executor.ts'
import { containerFailed, dockerUnavailable } from '../../src/executors/docker/failures.ts'
import { findGap, hitLimits, type ProbeRuns } from '../../src/executors/hit-limits.ts'
import { TRIALS } from '../../src/executors/probe-trials.ts'
import type { Execution } from '../../src/protocol/execution.ts'

const DONE: Execution = {
  outcome: { kind: 'exited', code: 0 },
  usage: { wallTimeMs: 1, cpuTimeMs: 1, memoryPeakBytes: 1, outputBytes: 0, limitsHit: [] },
  isolation: { runtime: 'docker', engine: 'test', layers: [], missing: [], reuse: 'none' },
  outputs: [],
}

describe('what a probe runs', () => {
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-hit-limits-'))
  })
  after(() => rm(dir, { recursive: true }))

  /** Looks at the walls in a sandbox whose first runs fail so; counts how often it was run. */
  const look = async (
    failures: readonly Error[],
    signal = new AbortController().signal,
  ): Promise<{ readonly runs: number; readonly result: unknown }> => {
    let count = 0
    const runs: ProbeRuns<DockerTask> = {
      dir,
      signal,
      async run() {
        const failure = failures[count]
        count += 1
        if (failure !== undefined) throw failure
        return DONE
      },
      task: (base) => ({ ...base, runtime: 'docker', image: 'none' }),
    }
    const result: unknown = await findGap(runs, { uid: 1 }).catch((error: unknown) => error)
    return { runs: count, result }
  }
  const failed = containerFailed('it was ended from outside')

  it('is run again where the run failed at the host’s fault', async () => {
    assert.deepEqual(await look([failed, failed]), { runs: 3, result: undefined })
  })

  it('is given up where it fails every time', async () => {
    assert.deepEqual(await look([failed, failed, failed, failed]), { runs: 3, result: failed })
  })

  it('is not run again where nothing can be run at all, or the probe has been ended', async () => {
    const gone = dockerUnavailable('there is none')
    assert.deepEqual(await look([gone]), { runs: 1, result: gone })
    assert.deepEqual(await look([failed], AbortSignal.abort()), { runs: 1, result: failed })
  })

  /** Two spin on one processor, the second from `lateMs` after the first on; each has of it what `weightOf` its shares is. */
  const weigh = async (lateMs: number, weightOf: (shares: number) => number): Promise<unknown> => {
    const beside = (own: number, other: number, ms: number): number =>
      lateMs + ((ms - lateMs) * weightOf(own)) / (weightOf(own) + weightOf(other))
    const [verdict] = await hitLimits<DockerTask>({
      dir,
      signal: new AbortController().signal,
      without: TRIALS.map(({ limit }) => limit),
      run: async ({ limits: { cpuShares = 0 }, task: { command } }) => {
        const ms = Number(command[1])
        const cpuTimeMs = beside(cpuShares, cpuShares === 1024 ? 128 : 1024, ms)
        return { ...DONE, usage: { ...DONE.usage, cpuTimeMs } }
      },
      task: (base) => ({ ...base, runtime: 'docker', image: 'none' }),
    })
    return verdict?.proven === undefined ? 'unproven' : 'proven'
  }

  it('weighs for longer where a busy host starts one of the two late, and proves no weights that are none', async () => {
    assert.equal(await weigh(0, (shares) => shares), 'proven')
    assert.equal(await weigh(300, (shares) => shares), 'proven')
    assert.equal(await weigh(0, () => 1), 'unproven')
    assert.equal(await weigh(300, () => 1), 'unproven')
  })
})
