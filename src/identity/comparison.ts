import type { Output } from '../protocol/execution.ts'
import { LIMIT_KEYS, type LimitKey } from '../protocol/limits.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { isDeterministicOutcome } from '../protocol/verification.ts'

/** What of a receipt is compared with others for the same spec. */
type Compared = Pick<Receipt, 'outcome' | 'usage' | 'stdout' | 'outputs'>
/** What has to be the same for two receipts to be compared at all. */
type Terms = { readonly engine: string; readonly limits: Receipt['limits'] }

/** Where two runs of a deterministic task can differ only by a lie, or by a fault. */
export const COMPARED_PARTS = ['outcome', 'stdout', 'outputs', 'fuelUsed'] as const
export type ComparedPart = (typeof COMPARED_PARTS)[number]

/** Files that a provider could not hand over, for lack of room or time: this says nothing of what the task had written. */
const HOST_ERRORS: ReadonlySet<string> = new Set(['TOO_LARGE', 'TOO_MANY', 'UNREADABLE'])

/**
 * Why a receipt says nothing of what its deterministic task comes to, or undefined where it does: its end was the doing of
 * its machine or of its requester, or its provider had no room for its files.
 */
export function whyNotCounted({ outcome, outputs }: Pick<Receipt, 'outcome' | 'outputs'>): string | undefined {
  if (!isDeterministicOutcome(outcome)) return 'it did not end by its own doing'
  const lost = outputs.find((output) => 'error' in output && HOST_ERRORS.has(output.error.code))
  return lost === undefined ? undefined : 'a result file was not handed over'
}

/** One text for each result: two receipts say the same where these are equal. Of times, memory and stderr it has nothing. */
export function resultKeyOf(receipt: Compared): string {
  return JSON.stringify(COMPARED_PARTS.map((part) => partKeyOf(receipt, part)))
}

/** In which of what is compared two receipts differ. */
export function differencesOf(one: Compared, other: Compared): readonly ComparedPart[] {
  return COMPARED_PARTS.filter((part) => partKeyOf(one, part) !== partKeyOf(other, part))
}

function partKeyOf(receipt: Compared, part: ComparedPart): string {
  switch (part) {
    case 'outcome':
      return JSON.stringify(Object.entries(receipt.outcome).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    case 'stdout':
      return JSON.stringify([receipt.stdout.sha256, receipt.stdout.bytes])
    case 'outputs':
      // In whatever order they were found.
      return JSON.stringify(receipt.outputs.map(outputKeyOf).toSorted())
    case 'fuelUsed':
      return JSON.stringify(receipt.usage.fuelUsed ?? null)
  }
}

function outputKeyOf(output: Output): string {
  return JSON.stringify(
    'error' in output ? [output.path, 'error', output.error.code] : [output.path, output.sha256, output.bytes],
  )
}

/** One text for each engine and set of limits: receipts with the same can be compared. */
export function termsKeyOf({ engine, limits }: Terms): string {
  return JSON.stringify([engine, ...LIMIT_KEYS.map((key) => limits[key] ?? null)])
}

/** {@link termsKeyOf} of what a receipt says of its run. */
export function termsKeyOfReceipt({ isolation, limits }: Pick<Receipt, 'isolation' | 'limits'>): string {
  return termsKeyOf({ engine: isolation.engine, limits })
}

/** The limits that a deterministic program can come to feel: times, cores and weights are its machine's alone. */
export const FELT_LIMITS = [
  'memoryBytes',
  'stackBytes',
  'diskBytes',
  'inodes',
  'outputBytes',
  'openFiles',
  'fuel',
] as const satisfies readonly LimitKey[]
