import { buildPrograms } from '../../scripts/build-programs.ts'
import type { DockerTask } from '../../src/executors/executor.ts'
import type { EnginePlace } from '../fixtures/docker-engine.ts'
import type { ConformanceSubject } from './executor-conformance.ts'

/** The Docker runtime on an engine, whose image has the programs. `runtime` is the class of its containers; the engine's own default where absent. */
export async function dockerSubject<E>(
  place: EnginePlace<E>,
  { runtime }: { readonly runtime?: string } = {},
): Promise<ConformanceSubject<DockerTask>> {
  const programs = await buildPrograms({ runtime: 'docker' })
  const image = await place.image({
    programs: [...programs].map(([name, { source }]) => ({ source, path: `/programs/${name}` })),
  })
  const jobsDir = await place.jobDir()
  const executor = place.executor({ images: [image], classes: runtime === undefined ? [] : [runtime] })
  return {
    executor: {
      ...executor,
      // The launcher is not the executor's own; what they leave behind is looked at together.
      async close() {
        await executor.close()
        await place.launcher.launcher.close()
      },
    },
    task(program, base) {
      if (!programs.has(program)) throw new Error(`no program ${program}`)
      return { ...base, runtime: 'docker', image, command: [`/programs/${program}`, ...base.command] }
    },
    jobsDir,
    leftovers: async () => [
      ...(await place.leftovers()).filter((name) => !jobsDir.endsWith(`/${name}`)),
      ...(await place.launcher.leftovers()),
    ],
  }
}
