import { startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { COLUMNS } from './columns.ts'
import { dockerSubject } from './docker-subject.ts'
import { executorConformance } from './executor-conformance.ts'

let place: DockerPlace

executorConformance({
  name: 'docker',
  column: COLUMNS.docker,
  async setup() {
    place = await startDockerPlace()
    return dockerSubject(place)
  },
  teardown: () => place.stop(),
})
