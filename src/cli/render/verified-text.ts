import type { VerifiedDocument } from '../../identity/verify-document.ts'
import { colouredOutcome } from './outcome-text.ts'
import { formatWei } from '../../protocol/units.ts'
import { printable } from './printable.ts'
import { counted, formatSize } from './quantities.ts'
import { fieldLines } from './table.ts'
import type { Colors } from './terminal.ts'

/** Who signed what, for a person. */
export function verifiedLines({
  verified,
  colors,
}: {
  readonly verified: VerifiedDocument
  readonly colors: Colors
}): readonly string[] {
  const { receipt, document } = verified
  const { authorization, timings } = receipt
  const price = receipt.priceWei === '0' ? 'free' : amountText(receipt.priceWei)
  return fieldLines({
    name: colors.dim,
    fields: [
      ['receipt', `${colors.green('valid')}: the provider signed every value of it`],
      ['task', receipt.taskId],
      ...(document === undefined
        ? []
        : [['name', `${printable(document.name)}, ${document.runtime}`] as [string, string]]),
      ['provider', receipt.provider],
      ['requester', authorization.requester],
      [
        'outcome',
        `${colouredOutcome(receipt.outcome, colors)}, ${price}, ended ${new Date(timings.finishedAtMs).toISOString()}`,
      ],
      ['checked', checkedText(verified)],
    ],
  })
}

/** The same for a program. */
export function verifiedSummary({ receipt, document }: VerifiedDocument): object {
  const { taskId, provider, outcome, priceWei, authorization } = receipt
  return {
    kind: document === undefined ? 'receipt' : 'result',
    task: taskId,
    ...(document !== undefined && { name: document.name }),
    provider,
    requester: authorization.requester,
    outcome,
    priceWei,
    specDigest: authorization.specDigest,
  }
}

function checkedText({ receipt, document }: VerifiedDocument): string {
  if (document === undefined) return 'signature, task id; a receipt alone has no output to check'
  const { stdout, stderr } = receipt
  const output = `stdout (${formatSize(stdout.bytes)}), stderr (${formatSize(stderr.bytes)})`
  return `signature, task id, spec, ${output}, the digests of ${counted(document.outputs.length, 'output')}`
}

/** What a person reads, and all that was signed where that has fewer digits. */
function amountText(priceWei: string): string {
  const text = formatWei(BigInt(priceWei))
  return text === priceWei ? `${priceWei} wei` : `${text} (${priceWei} wei)`
}
