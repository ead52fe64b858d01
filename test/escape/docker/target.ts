import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuiltProgram } from '../../../scripts/build-programs.ts'
import type { DockerTask } from '../../../src/executors/executor.ts'
import { startDockerPlace } from '../../fixtures/docker-engine.ts'
import { launchersOf } from '../launchers.ts'
import type { Target } from '../escape-tests.ts'
import { leftOnEngine } from './left-on-engine.ts'

const INIT_BINARY = fileURLToPath(new URL('../../../build/souk-container-init', import.meta.url))

/** Name of the control group in which an engine's containers are. */
async function controlGroupOf(engine: number): Promise<string> {
  const parent = /--cgroup-parent[=\0]\/([^\0]+)/.exec(await readFile(`/proc/${engine}/cmdline`, 'utf8'))?.[1]
  if (parent === undefined) throw new Error('the engine has no control group of its own')
  return parent
}

/** The Docker runtime on an engine of its own; one image has all programs. */
export async function dockerTarget(programs: ReadonlyMap<string, BuiltProgram>): Promise<Target<DockerTask>> {
  const place = await startDockerPlace()
  const image = await place.image({
    programs: [...programs].map(([name, { source }]) => ({ source, path: `/programs/${name}` })),
  })
  const executor = place.executor({ images: [image] })
  const launchers = await launchersOf(place.launcher.instance)
  return {
    executor,
    folder: place.launcher.stateDir,
    files: [...launchers.map((pid) => `/proc/${pid}/exe`), INIT_BINARY],
    kept: launchers,
    names: [place.launcher.instance, dirname(place.engine.socketPath), await controlGroupOf(place.engine.pid)],
    task: (program, base) => ({
      ...base,
      runtime: 'docker',
      image,
      command: [`/programs/${program}`, ...base.command],
    }),
    leftovers: () => leftOnEngine(place, new Set([image])),
    async close() {
      await executor.close()
      await place.stop()
    },
  }
}
