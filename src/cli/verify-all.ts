import { checkProof, type ProvenProof } from '../identity/check-proof.ts'
import { looksLikeProof } from '../identity/proofs.ts'
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
  })
}
