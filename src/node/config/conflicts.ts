import { coresIn } from '../../executors/docker/cpuset.ts'
import type { Issue } from '../../protocol/error-codes.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../protocol/execution.ts'
import { formatBytes, formatDurationMs } from '../../protocol/units.ts'
import { parseMount, parseRegistry, parseRootfs } from './items.ts'
import type { ConfigKeyName, ConfigValues } from './schema.ts'
import { settlementConflicts } from './settlement-keys.ts'

type NumberKey = { [K in ConfigKeyName]: ConfigValues[K] extends number ? K : never }[ConfigKeyName]

interface AtMost {
  readonly key: NumberKey
  readonly bound: NumberKey
  readonly format: (value: number) => string
  readonly why: string
  /** Without it the value means nothing. */
  readonly runtime?: RuntimeName
}

const neverFits = 'a task that asks for nothing would never fit'
const totalFirst = 'the total ends the task first'
const AT_MOST: readonly AtMost[] = [
  ...RUNTIME_NAMES.map((runtime): AtMost => ({
    key: `sandbox.${runtime}.memory_limit`,
    bound: 'capacity.memory',
    format: formatBytes,
    why: neverFits,
    runtime,
  })),
  ...(['native', 'docker'] as const).map((runtime): AtMost => ({
    key: `sandbox.${runtime}.cpu_limit`,
    bound: 'capacity.cpu_cores',
    format: String,
    why: neverFits,
    runtime,
  })),
  { key: 'sandbox.disk_limit', bound: 'capacity.disk', format: formatBytes, why: neverFits },
  ...RUNTIME_NAMES.map((runtime): AtMost => ({
    key: `sandbox.${runtime}.timeout`,
    bound: 'timeouts.total',
    format: formatDurationMs,
    why: totalFirst,
    runtime,
  })),
  {
    key: 'sandbox.docker.image_limit',
    bound: 'sandbox.docker.image_cache',
    format: formatBytes,
    why: 'no such image would ever be kept',
    runtime: 'docker',
  },
  { key: 'storage.task_input_limit', bound: 'storage.quota', format: formatBytes, why: 'the store has no room for it' },
]

/** Values that are right each by itself, and wrong together. */
export function conflicts(values: ConfigValues): readonly Issue[] {
  const isOn = (runtime: RuntimeName): boolean => values[`sandbox.${runtime}.enabled`]
  const issues: Issue[] = AT_MOST.filter(
    ({ key, bound, runtime }) => values[key] > values[bound] && (runtime === undefined || isOn(runtime)),
  ).map(({ key, bound, format, why }) => ({
    path: key,
    message: `must be at most ${bound}, which is ${format(values[bound])}, not ${format(values[key])}: ${why}`,
  }))
  if (!RUNTIME_NAMES.some(isOn)) {
    issues.push({
      path: 'sandbox.wasm.enabled',
      message: 'must be true, or sandbox.native.enabled, or sandbox.docker.enabled: the node would offer nothing',
    })
  }
  const joins = values['network.mdns'] ? 'network.mdns' : 'network.bootstrap'
  if (values['network.discovery'].length === 0 && (values['network.mdns'] || values['network.bootstrap'].length > 0)) {
    issues.push({
      path: joins,
      message: 'needs network.discovery, as in [dht, gossip]: without it the node looks for nobody',
    })
  }
  if (values['network.relay'] === 'client' && values['network.bootstrap'].length === 0) {
    issues.push({
      path: 'network.relay',
      message: 'needs network.bootstrap: a client is reached through those of its nodes that relay',
    })
  }
  if (values['network.hole_punching'] && values['network.relay'] !== 'client') {
    issues.push({
      path: 'network.hole_punching',
      message: 'needs network.relay: client: there is nothing to make direct without it',
    })
  }
  const found = values['network.upnp'] ? 'network.upnp' : values['network.relay'] === 'client' ? 'network.relay' : ''
  if (found !== '' && values['network.announce'].length > 0) {
    issues.push({
      path: 'network.announce',
      message: `must be empty with ${found}: it is all that others are told, and the addresses found that way would not be among it`,
    })
  }
  if (values['network.autonat'] && values['network.discovery'].length === 0) {
    issues.push({ path: 'network.autonat', message: 'needs network.discovery: without it there is nobody to ask' })
  }
  const cores = coresIn(values['sandbox.docker.cpuset'] ?? '')
  if (isOn('docker') && cores !== undefined && values['sandbox.docker.cpu_limit'] > cores) {
    issues.push({
      path: 'sandbox.docker.cpu_limit',
      message: `must be at most as many as sandbox.docker.cpuset has, which are ${cores}, not ${values['sandbox.docker.cpu_limit']}: no task would ever have them`,
    })
  }
  if (isOn('docker') && values['sandbox.docker.images'].length === 0 && !values['sandbox.docker.archives']) {
    issues.push({
      path: 'sandbox.docker.images',
      message:
        'must name what tasks may run, as in [busybox, sha256:…], or sandbox.docker.archives be true, or sandbox.docker.enabled be false: no image is allowed that is not there',
    })
  }
  const hosts = values['sandbox.docker.registries'].map((item) => parseRegistry(item).host)
  const host = hosts.find((each, index) => hosts.indexOf(each) !== index)
  if (host !== undefined) issues.push({ path: 'sandbox.docker.registries', message: `has ${host} twice` })
  const images = values['sandbox.native.images'].map((item) => item.slice(0, item.indexOf('=')))
  const image = images.find((each, index) => images.indexOf(each) !== index)
  if (image !== undefined)
    issues.push({ path: 'sandbox.native.images', message: `has ${image} twice: one path is enough` })
  const named = {
    'sandbox.native.rootfs': values['sandbox.native.rootfs'].map((item) => parseRootfs(item).name),
    'sandbox.native.mounts': values['sandbox.native.mounts'].map((item) => parseMount(item).name),
  }
  for (const [path, names] of Object.entries(named)) {
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) issues.push({ path, message: `has ${twice} twice: a task would not know which it gets` })
  }
  return [...issues, ...settlementConflicts(values)]
}
