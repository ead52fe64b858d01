import type { LimitKey } from '../../src/protocol/limits.ts'
import { COLUMNS, testedIn, unheldOf, type Column } from '../conformance/columns.ts'
import { BESIDES_TABLE } from '../conformance/executor-conformance.ts'
import { accountTitles } from '../conformance/native-accounting.ts'

/** How the native runtime is run by guest.ts. */
export type ModeId = 'root' | 'delegated' | 'rootless'

export interface Mode {
  readonly id: ModeId
  /** Ends a sentence. */
  readonly name: string
  readonly column: Column
}

export const MODES: readonly Mode[] = [
  { id: 'root', name: 'as root', column: COLUMNS['native-v2'] },
  {
    id: 'delegated',
    name: 'as an ordinary user who was given a control group',
    column: COLUMNS['native-v2-delegated'],
  },
  {
    id: 'rootless',
    name: 'as an ordinary user without any control group',
    column: COLUMNS['native-degraded'],
  },
]

/** guest.ts takes the mode from here. */
export const MODE_VARIABLE = 'SOUK_TEST_MODE'

export const SAYS_WHAT_IT_IS = 'says what it has, and what is missing'
export const PROBED = 'finds by trial what it can offer'
export const QUOTA = 'writes a quota of cores to the kernel in the order that the kernel reads it'
export const STARTED_ANEW =
  'a launcher that was killed is followed by one in the same place, and nothing of either stays'
export const HANDS_OVER_NO_CORE = 'hands no core of a task to the program that the host has for cores'
export const refusal = (limit: LimitKey): string => `refuses a limit that it cannot enforce: ${limit}`

/** Whether it has control groups. */
export const hasGroups = ({ column }: Mode): boolean => !unheldOf(column).includes('memoryBytes')

/** The title of every test that guest.ts has to run. */
export function titlesOf(mode: Mode): readonly string[] {
  const { column } = mode
  const unheld = unheldOf(column)
  return [
    ...testedIn(column).map(({ name }) => name),
    ...Object.values(BESIDES_TABLE),
    SAYS_WHAT_IT_IS,
    PROBED,
    ...(unheld.includes('cpuCores') ? [] : [QUOTA]),
    STARTED_ANEW,
    // Only root says what becomes of cores.
    ...(mode.id === 'root' ? [HANDS_OVER_NO_CORE] : []),
    ...unheld.map(refusal),
    ...accountTitles(hasGroups(mode)),
  ]
}
