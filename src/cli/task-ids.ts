import type { Client } from '../client/connect.ts'
import { SoukError } from '../protocol/errors.ts'
import { usageError } from './usage-error.ts'

const WHOLE_DIGITS = 64
const LEAST_DIGITS = 8

/**
 * A task's whole id from its beginning, `0x` apart at least eight digits.
 * @throws SoukError INVALID_USAGE where it is no id or begins several, NOT_FOUND where it begins none
 */
export async function wholeTaskId({
  id,
  client,
  signal,
}: {
  readonly id: string
  readonly client: Pick<Client, 'list'>
  readonly signal: AbortSignal
}): Promise<string> {
  const digits = id.toLowerCase().replace(/^0x/, '')
  if (!/^[0-9a-f]*$/.test(digits) || digits.length < LEAST_DIGITS || digits.length > WHOLE_DIGITS) {
    throw usageError({
      message: `${JSON.stringify(id.slice(0, 80))} is no task id: 0x and at least ${LEAST_DIGITS} hex digits.`,
      argument: id,
      hint: '`souk tasks list` shows the ids.',
    })
  }
  if (digits.length === WHOLE_DIGITS) return `0x${digits}`
  const found = (await client.list({ signal }))
    .map(({ taskId }) => taskId)
    .filter((taskId) => taskId.startsWith(`0x${digits}`))
  const [first] = found
  if (first === undefined)
    throw new SoukError({
      code: 'NOT_FOUND',
      message: `No task of this requester there begins with 0x${digits}.`,
      details: { id },
    })
  if (found.length > 1)
    throw usageError({
      message: `${found.length} tasks begin with 0x${digits}.`,
      argument: id,
      hint: 'Give more of the id.',
    })
  return first
}

/** The shortest beginnings, of at least eight digits, that tell ids apart. */
export function shortTaskIds(taskIds: readonly string[]): ReadonlyMap<string, string> {
  for (let length = '0x'.length + LEAST_DIGITS; length < '0x'.length + WHOLE_DIGITS; length += 2) {
    const short = new Map(taskIds.map((taskId) => [taskId, taskId.slice(0, length)]))
    if (new Set(short.values()).size === new Set(taskIds).size) return short
  }
  return new Map(taskIds.map((taskId) => [taskId, taskId]))
}
