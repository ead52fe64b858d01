import { FEATURES, type Capability } from '../../executors/executor.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { classOf, isDeterministic, mountsOf, type RuntimeSpec } from '../../protocol/task.ts'

/** What of a task's `runtime`, besides what runs, this provider does not have: every reason. */
export function featureRefusals(runtime: RuntimeSpec, capability: Capability): Refusal[] {
  if (!capability.available) return []
  const { features } = capability
  return [
    ...(capability.runtime === 'docker' ? archiveRefusals(runtime, features) : []),
    ...deterministicRefusals(runtime, features),
    ...writableRefusals(runtime, features),
    ...classRefusals(runtime, features),
    ...mountRefusals(runtime, features),
  ]
}

/** What a provider offers of those features that a prefix stands before, by name. */
function namesOf(features: readonly string[], prefix: string): readonly string[] {
  return features.flatMap((feature) => (feature.startsWith(prefix) ? [feature.slice(prefix.length)] : []))
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))

function deterministicRefusals(runtime: RuntimeSpec, features: readonly string[]): Refusal[] {
  if (!isDeterministic(runtime) || features.includes(FEATURES.deterministic)) return []
  return [
    {
      reason: 'FEATURE_UNPROVEN',
      message: 'The task is to come out the same on every provider; this one cannot run it so',
      subject: 'runtime.deterministic',
    },
  ]
}

function writableRefusals(runtime: RuntimeSpec, features: readonly string[]): Refusal[] {
  const wantsWritable = 'writable' in runtime && runtime.writable === true
  if (!wantsWritable || features.includes(FEATURES.writableRoot)) return []
  return [
    {
      reason: 'FEATURE_UNPROVEN',
      message: 'The task needs a root file system that it can change; that does not work on this provider',
      subject: 'runtime.writable',
    },
  ]
}

/** Before it is sent, and stored: an image is large. */
function archiveRefusals(runtime: RuntimeSpec, features: readonly string[]): Refusal[] {
  if (!('archive' in runtime) || features.includes(FEATURES.archive)) return []
  return [
    {
      reason: 'IMAGE_NOT_OFFERED',
      message: 'The task brings an image for Docker; this provider takes none but those that it allows by name',
      subject: 'runtime.image',
    },
  ]
}

function classRefusals(runtime: RuntimeSpec, features: readonly string[]): Refusal[] {
  const asked = classOf(runtime)
  const offered = namesOf(features, FEATURES.runtimeClass)
  if (asked === undefined || offered.includes(asked)) return []
  return [
    {
      reason: 'UNKNOWN_CLASS',
      message: `The task names the runtime class ${asked}; the provider offers ${listed(offered)}`,
      subject: 'runtime.class',
      asked,
      offered: offered.join(', '),
    },
  ]
}

function mountRefusals(runtime: RuntimeSpec, features: readonly string[]): Refusal[] {
  const offered = namesOf(features, FEATURES.mount)
  const unknown = mountsOf(runtime).filter(({ name }) => !offered.includes(name))
  return unknown.map(({ name }) => ({
    reason: 'UNKNOWN_MOUNT',
    message: `The task names the folder ${name}; the provider offers ${listed(offered)}`,
    subject: 'runtime.mounts',
    asked: name,
    offered: offered.join(', '),
  }))
}
