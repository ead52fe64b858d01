import { verifyDocument, type VerifiedDocument } from '../identity/verify-document.ts'
import { isSoukError, SoukError } from '../protocol/errors.ts'

/**
 * Verifies each document.
 * @throws SoukError RECEIPT_INVALID with every reason of every document; where there are several it says of which
 */
export function verifyAll(documents: readonly unknown[]): readonly VerifiedDocument[] {
  const verified: VerifiedDocument[] = []
  const reasons: string[] = []
  for (const [index, document] of documents.entries()) {
    try {
      verified.push(verifyDocument(document))
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
