import { buildPrograms } from '../../scripts/build-programs.ts'
import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { COLUMNS } from './columns.ts'
import { executorConformance } from './executor-conformance.ts'

let place: DockerPlace

executorConformance({
  name: 'docker',
  column: COLUMNS.docker,
  async setup() {
    place = await startDockerPlace()
    const programs = await buildPrograms({ runtime: 'docker' })
    const image = await place.image({
      programs: [...programs].map(([name, { source }]) => ({ source, path: `/programs/${name}` })),
    })
    const executor = place.executor({ images: [image] })
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
      leftovers: async () => [...(await place.leftovers()), ...(await place.launcher.leftovers())],
    }
  },
  teardown: () => place.stop(),
})
