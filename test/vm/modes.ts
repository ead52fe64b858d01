import type { LimitKey, RequestedLimits } from '../../src/protocol/limits.ts'
import { BEHAVIOURS } from '../conformance/behaviours.ts'
import { BESIDES_TABLE } from '../conformance/executor-conformance.ts'
import { accountTitles } from '../conformance/native-accounting.ts'

/** How the native runtime is run in the machine. */
export type ModeId = 'root' | 'delegated' | 'rootless'

export interface Mode {
  readonly id: ModeId
  /** Ends a sentence. */
  readonly name: string
  /** Limits that nothing enforces there, each with one that is asked for to see it refused. */
  readonly refused: RequestedLimits
}

const MiB = 1024 * 1024

export const MODES: readonly Mode[] = [
  { id: 'root', name: 'as root', refused: {} },
  { id: 'delegated', name: 'as an ordinary user who was given a control group', refused: {} },
  {
    id: 'rootless',
    name: 'as an ordinary user without any control group',
    refused: { memoryBytes: 64 * MiB, pids: 16, cpuCores: 1, cpuShares: 1024, cpuTimeMs: 1000, idleTimeMs: 1000 },
  },
]

/** The file that runs in the machine takes the mode from here. */
export const MODE_VARIABLE = 'SOUK_VM_MODE'

export const refusedLimits = ({ refused }: Mode): readonly LimitKey[] => Object.keys(refused) as LimitKey[]

export const SAYS_WHAT_IT_IS = 'says what it has, and what is missing'
export const PROBED = 'finds by trial what it can offer'
export const STARTED_ANEW =
  'a launcher that was killed is followed by one in the same place, and nothing of either stays'
export const refusal = (limit: LimitKey): string => `refuses a limit that it cannot enforce: ${limit}`

/** Whether it has control groups. */
export const hasGroups = ({ refused }: Mode): boolean => refused.memoryBytes === undefined

/** The title of every test that has to run in the machine. */
export function titlesOf(mode: Mode): readonly string[] {
  const refused = refusedLimits(mode)
  return [
    ...BEHAVIOURS.filter(({ limits }) => !refused.some((limit) => limits?.[limit] !== undefined)).map(
      ({ name }) => name,
    ),
    ...Object.values(BESIDES_TABLE),
    SAYS_WHAT_IT_IS,
    PROBED,
    STARTED_ANEW,
    ...refused.map(refusal),
    ...accountTitles(hasGroups(mode)),
  ]
}
