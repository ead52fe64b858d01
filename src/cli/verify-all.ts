import { checkProof, type ProvenProof } from '../identity/check-proof.ts'
import { looksLikeProof } from '../identity/proofs.ts'
import { invalidReceipt } from '../identity/receipt.ts'
import { verifyDocument, type VerifiedDocument } from '../identity/verify-document.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'

/** A receipt, a result, or a proof that holds. */
export type Verified = VerifiedDocument | { readonly proof: ProvenProof }

/**
 * Verifies each document, by what is in it alone.
 * @throws SoukError RECEIPT_INVALID with every reason of every document; where there are several it says of which
 */
export function verifyAll(documents: readonly unknown[]): readonly Verified[] {
  const verified: Verified[] = []
  const reasons: string[] = []
  for (const [index, document] of documents.entries()) {
    try {
      if (isForeign(document)) throw invalidReceipt([FOREIGN])
      verified.push(looksLikeProof(document) ? { proof: checkProof(document) } : verifyDocument(document))
    } catch (thrown) {
      if (!isSoukError(thrown, 'RECEIPT_INVALID')) throw thrown
      reasons.push(
        ...thrown.details.reasons.map((reason) =>
          documents.length === 1 ? reason : `document ${index + 1}: ${reason}`,
        ),
      )
    }
  }
  if (reasons.length === 0) return verified
  throw new SoukError({
    code: 'RECEIPT_INVALID',
    message: `The document does not verify: ${reasons.join('; ')}.`,
    details: { reasons },
    ...(documents.every(isForeign) && {
      hint: 'Name the file of a receipt (`souk run --receipt`), of a result (`souk run --json`) or of a proof ($SOUK_HOME/proofs).',
    }),
  })
}

const FOREIGN = 'it is no receipt, no result and no proof: nothing that any of them begins with is in it'

/** What was never one of these: what each key of theirs should have been would tell nobody anything. */
function isForeign(document: unknown): boolean {
  if (looksLikeProof(document)) return false
  if (typeof document !== 'object' || document === null) return true
  return !['receipt', 'taskId', 'signature'].some((key) => Object.hasOwn(document, key))
}
