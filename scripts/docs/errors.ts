import { ERROR_CODES, FAULTS } from '../../src/protocol/error-codes.ts'
import { REFUSAL_REASONS } from '../../src/protocol/refusals.ts'
import { LIMIT_NAMES, TIME_LIMITS } from '../../src/protocol/limits.ts'
import { code, page, table } from './markdown.ts'

/** docs/ERRORS.md */
export function errorsPage(): string {
  return page([
    '# Errors',
    [
      'Every error has a `code`, a `message` (what happened and why), a `hint` (what to do), a `fault` (who has to change something, and bears the cost),',
      'a `phase` (where on its way the task was), `retryable` (whether the same again may succeed) and typed `details`.',
      'With `--json` it is printed as `{"error": {"code", "message", "fault", "phase", "retryable", "hint", "details"}}`, and in this form it crosses the wire.',
    ].join(' '),
    'A task that has started and failed by itself (a non-zero exit code, a trap, a limit) is not an error but an outcome, with a receipt. What is listed here never costs the requester anything.',
    `Faults: ${FAULTS.map(code).join(', ')}. An instance may differ from the defaults below where it knows better.`,
    '## Codes',
    table({
      head: ['Code', 'When', 'What to do', 'Fault', 'Phase', 'Retryable'],
      rows: Object.entries(ERROR_CODES).map(([name, facts]) => [
        code(name),
        facts.meaning,
        facts.hint,
        facts.fault,
        facts.phase,
        facts.retryable ? 'yes' : 'no',
      ]),
    }),
    '## Why a provider refuses a task',
    '`REFUSED` lists every reason that applies in `details.reasons`, each with a `message` and, where it is about a value, `subject`, `asked` and `offered`.',
    table({
      head: ['Reason', 'Meaning'],
      rows: Object.entries(REFUSAL_REASONS).map(([name, meaning]) => [code(name), meaning]),
    }),
    '## Limits as errors',
    [
      'A task that meets a limit ends with the outcome `{"kind": "limit", "limit": …}`. A caller of the SDK who wants success or an exception gets',
      `\`EXECUTION_TIMEOUT\` for ${LIMIT_NAMES.filter((name) => TIME_LIMITS.has(name))
        .map(code)
        .join(', ')}`,
      `and \`RESOURCE_LIMIT\` for ${LIMIT_NAMES.filter((name) => !TIME_LIMITS.has(name))
        .map(code)
        .join(', ')}.`,
    ].join(' '),
  ])
}
