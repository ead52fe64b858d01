import { isSoukError } from '../../protocol/errors.ts'
import type { DockerTask } from '../executor.ts'
import { runProbeProgram, type ProbeRuns } from '../hit-limits.ts'
import type { Verdict } from '../probe-trials.ts'

/** Starts a container with all of them at once. Throws what `run` throws for other reasons. */
export async function tryGpus(runs: ProbeRuns<DockerTask>, total: number): Promise<Verdict> {
  if (total === 0) return { limit: 'gpus', unproven: 'the operator offers none (sandbox.docker.gpus)' }
  const task: typeof runs.task = (base) => ({ ...runs.task(base), gpus: total })
  try {
    await runProbeProgram({ command: ['inodes', '0'] }, { ...runs, task })
    return { limit: 'gpus', proven: `a container was started with ${total === 1 ? 'it' : `all ${total}`}` }
  } catch (error) {
    if (!isSoukError(error, 'EXECUTOR_FAILED')) throw error
    return { limit: 'gpus', unproven: error.details.reason }
  }
}
