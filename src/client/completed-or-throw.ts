import { SoukError } from '../protocol/errors.ts'
import { TIME_LIMITS, type LimitKey, type LimitName } from '../protocol/limits.ts'
import type { Receipt } from '../protocol/receipt.ts'

const KEY_OF_LIMIT: { readonly [L in LimitName]: LimitKey } = {
  wallTime: 'wallTimeMs',
  cpuTime: 'cpuTimeMs',
  idleTime: 'idleTimeMs',
  memory: 'memoryBytes',
  pids: 'pids',
  disk: 'diskBytes',
  inodes: 'inodes',
  output: 'outputBytes',
  openFiles: 'openFiles',
  fuel: 'fuel',
}

/**
 * The result as it is, where the program came to an end of its own: by its exit code, a trap or a signal. For who
 * wants a result or an exception, and not to look at every outcome.
 * @throws SoukError EXECUTION_TIMEOUT where a time limit ended it, RESOURCE_LIMIT for every other limit, CANCELLED
 */
export function completedOrThrow<R extends { readonly receipt: Pick<Receipt, 'outcome' | 'limits'> }>(result: R): R {
  const { outcome, limits } = result.receipt
  if (outcome.kind === 'limit') throw limitError(outcome.limit, limits)
  if (outcome.kind === 'cancelled') {
    throw new SoukError({
      code: 'CANCELLED',
      phase: 'run',
      message: 'The task was cancelled while it ran.',
      details: {},
    })
  }
  return result
}

function limitError(limit: LimitName, limits: Receipt['limits']): SoukError {
  const value = limits[KEY_OF_LIMIT[limit]]
  const shown = value === undefined ? '' : ` (${KEY_OF_LIMIT[limit]} ${value})`
  if (TIME_LIMITS.has(limit)) {
    const details = { limit, ...(value !== undefined && { limitMs: value }) }
    return new SoukError({
      code: 'EXECUTION_TIMEOUT',
      message: `The task was ended by its ${limit} limit${shown}.`,
      details,
    })
  }
  const details = { limit, ...(value !== undefined && { limitValue: value }) }
  return new SoukError({
    code: 'RESOURCE_LIMIT',
    message: `The task was ended by its ${limit} limit${shown}.`,
    details,
  })
}
