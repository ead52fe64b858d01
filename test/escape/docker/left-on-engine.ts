import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DockerPlace } from '../../fixtures/docker-engine.ts'

/** Networks that an engine without a bridge has by itself. */
const OWN_NETWORKS = new Set(['none', 'host'])
/** Where an engine keeps what it knows of containers, in its folders. */
const PLACES = [
  'data/containers',
  'x/containerd/daemon/io.containerd.runtime.v2.task/moby',
  'x/runtime-runc/moby',
  'data/image/overlay2/layerdb/mounts',
]

/** What is on an engine of a test's own besides `images`, the images that it has: for a person, empty where nothing is. */
export async function leftOnEngine(
  { docker, engine, leftovers }: DockerPlace,
  images: ReadonlySet<string>,
): Promise<readonly string[]> {
  const dir = dirname(engine.socketPath)
  const [found, networks] = await Promise.all([docker.listImages({ all: true }), docker.listNetworks()])
  return [
    ...(await leftovers()),
    ...found.filter(({ Id }) => !images.has(Id)).map(({ Id }) => `image ${Id}`),
    ...networks.filter(({ Name }) => !OWN_NETWORKS.has(Name)).map(({ Name }) => `network ${Name}`),
    ...(await shims(dir)),
    ...(await Promise.all(PLACES.map((place) => entriesOf(dir, place)))).flat(),
  ]
}

/** Processes that are there for one container each, and nobody's children. */
async function shims(dir: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
    if (command.includes('containerd-shim') && command.includes(dir)) found.push(`process ${pid} ${command}`)
  }
  return found
}

async function entriesOf(dir: string, place: string): Promise<readonly string[]> {
  const entries = await readdir(join(dir, place)).catch(() => []) // not before the first container
  return entries.map((entry) => `${place}/${entry}`)
}
