import { FEATURES } from '../executors/executor.ts'
import type { Capability } from '../executors/executor.ts'
import type { Refusal } from '../protocol/refusals.ts'
import { mountsOf, type RuntimeSpec } from '../protocol/task.ts'

/** What of a task's `runtime`, besides what runs, this provider does not have: every reason. */
export function featureRefusals(runtime: RuntimeSpec, capability: Capability): Refusal[] {
  if (!capability.available) return []
  const features = new Set(capability.features)
  const offered = capability.features.flatMap((feature) =>
    feature.startsWith(FEATURES.mount) ? [feature.slice(FEATURES.mount.length)] : [],
  )
  const unknown = mountsOf(runtime).filter(({ name }) => !features.has(`${FEATURES.mount}${name}`))
  const wantsWritable = 'writable' in runtime && runtime.writable === true
  return [
    ...(wantsWritable && !features.has(FEATURES.writableRoot)
      ? [
          {
            reason: 'FEATURE_UNPROVEN' as const,
            message: 'The task needs a root file system that it can change; that does not work on this provider',
            subject: 'runtime.writable',
          },
        ]
      : []),
    ...unknown.map(({ name }): Refusal => ({
      reason: 'UNKNOWN_MOUNT',
      message: `The task names the folder ${name}; the provider offers ${offered.length === 0 ? 'none' : offered.join(', ')}`,
      subject: 'runtime.mounts',
      asked: name,
      offered: offered.join(', '),
    })),
  ]
}
