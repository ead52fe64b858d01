import { CRUN, startDockerPlace, type DockerPlace } from '../fixtures/docker-engine.ts'
import { COLUMNS } from './columns.ts'
import { dockerSubject } from './docker-subject.ts'
import { executorConformance } from './executor-conformance.ts'

let place: DockerPlace

executorConformance({
  name: 'docker, crun',
  column: COLUMNS['docker-crun'],
  async setup() {
    place = await startDockerPlace(CRUN)
    return dockerSubject(place, { runtime: 'crun' })
  },
  teardown: () => place.stop(),
})
