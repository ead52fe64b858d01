import type { NativeTask } from '../executors/executor.ts'
import { SoukError } from '../protocol/errors.ts'

/** A folder of this host as a task sees it. */
export interface ResolvedMount {
  readonly source: string
  readonly target: string
}

/**
 * Finds the folders that a task names among those that the operator offers.
 *
 * @throws SoukError REFUSED that lists what is offered.
 */
export function resolveMounts({
  mounts = [],
  offered,
}: {
  readonly mounts: NativeTask['mounts']
  readonly offered: ReadonlyMap<string, string>
}): readonly ResolvedMount[] {
  return mounts.map(({ name, target }) => {
    const source = offered.get(name)
    if (source === undefined) throw unknownMount(name, [...offered.keys()])
    return { source, target }
  })
}

function unknownMount(name: string, offered: readonly string[]): SoukError<'REFUSED'> {
  const message = `This provider offers no folder ${name}; it offers ${offered.length === 0 ? 'none' : offered.join(', ')}.`
  const reason = 'UNKNOWN_MOUNT' as const
  return new SoukError({
    code: 'REFUSED',
    message,
    details: {
      reasons: [{ reason, message, subject: 'runtime.mounts', asked: name, offered: offered.join(', ') }],
    },
    phase: 'prepare',
  })
}
