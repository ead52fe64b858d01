import type { LimitKey } from '../protocol/limits.ts'
import { nativeUnavailable } from './failures.ts'
import type { Hello } from './report.ts'

/**
 * What becomes of limits that this host cannot hold: `strict` offers nothing without memory, processes and cores being
 * bounded; `degraded` runs tasks without the limits that nothing holds, and says so in each isolation.
 */
export const NATIVE_MODES = ['strict', 'degraded'] as const
export type NativeMode = (typeof NATIVE_MODES)[number]

/** The control group controller (cgroups(7)) that holds a task to a limit. */
const CONTROLLER_OF: { readonly [K in LimitKey]?: string } = {
  cpuCores: 'cpu',
  cpuShares: 'cpu',
  cpuTimeMs: 'cpuacct',
  idleTimeMs: 'cpuacct',
  memoryBytes: 'memory',
  pids: 'pids',
}
/** Without these one task has the whole machine, and everybody on it. */
const NEEDED: readonly LimitKey[] = ['memoryBytes', 'pids', 'cpuCores']

/** The limits for which the launcher has no control group controller. */
export function unheldLimits({ controllers }: Pick<Hello, 'controllers'>): readonly LimitKey[] {
  const limits = Object.entries(CONTROLLER_OF) as [LimitKey, string][]
  return limits.flatMap(([limit, controller]) => (controllers.includes(controller) ? [] : [limit]))
}

const DEGRADED_HINT =
  'Or accept what is missing: `souk run --local --degraded`, or for a provider sandbox.native.mode: degraded'

/**
 * Without these there is no sandbox worth the name, in any mode; in strict mode the rest has to be there, too.
 * @throws SoukError RUNTIME_UNAVAILABLE, with how to get what is missing.
 */
export function requireWalls(hello: Hello, mode: NativeMode): void {
  const { seccomp, root, userNamespace, missing } = hello
  // Those that follow say what this one leads to.
  const because = missing[0] === undefined ? '' : ` (${missing[0].replace(/\.$/, '')})`
  if (!seccomp)
    throw nativeUnavailable(`the kernel has no seccomp filters${because}`, {
      hint: 'Use a kernel with CONFIG_SECCOMP_FILTER.',
    })
  if (!userNamespace && (mode === 'strict' || !root))
    throw nativeUnavailable(`no user namespace can be made${because}`, {
      hint: `Raise user.max_user_namespaces${root ? `. ${DEGRADED_HINT}` : ', or run the launcher as root'}.`,
    })
  if (mode === 'degraded') return
  const unheld = new Set(unheldLimits(hello))
  if (NEEDED.some((limit) => unheld.has(limit)))
    throw nativeUnavailable(`there are no control groups to hold a task's memory, processes and cores by${because}`, {
      hint: `Run the launcher as root, or delegate a control group (v2) with the controllers memory, pids and cpu to it. ${DEGRADED_HINT}.`,
    })
}
