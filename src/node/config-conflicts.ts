import type { Issue } from '../protocol/errors.ts'
import { formatBytes, formatDurationMs } from '../protocol/units.ts'
import type { ConfigKeyName, ConfigValues } from './config-schema.ts'

type NumberKey = { [K in ConfigKeyName]: ConfigValues[K] extends number ? K : never }[ConfigKeyName]

interface AtMost {
  readonly key: NumberKey
  readonly bound: NumberKey
  readonly format: (value: number) => string
  readonly why: string
  readonly unless?: (values: ConfigValues) => boolean
}

const neverFits = 'a task that asks for nothing would never fit'
const AT_MOST: readonly AtMost[] = [
  {
    key: 'sandbox.wasm.memory_limit',
    bound: 'capacity.memory',
    format: formatBytes,
    why: neverFits,
    unless: (values) => !values['sandbox.wasm.enabled'],
  },
  {
    key: 'sandbox.docker.memory_limit',
    bound: 'capacity.memory',
    format: formatBytes,
    why: neverFits,
    unless: (values) => !values['sandbox.docker.enabled'],
  },
  {
    key: 'sandbox.docker.cpu_limit',
    bound: 'capacity.cpu_cores',
    format: String,
    why: neverFits,
    unless: (values) => !values['sandbox.docker.enabled'],
  },
  { key: 'sandbox.disk_limit', bound: 'capacity.disk', format: formatBytes, why: neverFits },
  {
    key: 'sandbox.wasm.timeout',
    bound: 'timeouts.total',
    format: formatDurationMs,
    why: 'the total ends the task first',
    unless: (values) => !values['sandbox.wasm.enabled'],
  },
  { key: 'storage.task_input_limit', bound: 'storage.quota', format: formatBytes, why: 'the store has no room for it' },
]

/** Values that are right each by itself, and wrong together. */
export function conflicts(values: ConfigValues): readonly Issue[] {
  const issues: Issue[] = AT_MOST.filter(
    ({ key, bound, unless }) => values[key] > values[bound] && unless?.(values) !== true,
  ).map(({ key, bound, format, why }) => ({
    path: key,
    message: `must be at most ${bound}, which is ${format(values[bound])}, not ${format(values[key])}: ${why}`,
  }))
  if (!values['sandbox.wasm.enabled'] && !values['sandbox.docker.enabled']) {
    issues.push({
      path: 'sandbox.wasm.enabled',
      message: 'must be true, or sandbox.docker.enabled: the node would offer nothing',
    })
  }
  return issues
}
