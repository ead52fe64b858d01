import type { OwnPodman } from '../../scripts/own-podman.ts'
import { startPodmanPlace, type EnginePlace } from '../fixtures/docker-engine.ts'
import { COLUMNS } from './columns.ts'
import { dockerSubject } from './docker-subject.ts'
import { executorConformance } from './executor-conformance.ts'

let place: EnginePlace<OwnPodman>

executorConformance({
  name: 'docker, podman',
  column: COLUMNS['docker-podman'],
  async setup() {
    place = await startPodmanPlace({ runtime: 'runc' })
    return dockerSubject(place)
  },
  teardown: () => place.stop(),
})
