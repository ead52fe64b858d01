import { SoukError } from '../protocol/errors.ts'
import { readWhole } from './read-whole.ts'
import { repeatedKey } from './repeated-key.ts'

/** Far above a result with all the output that is kept in memory, in base64. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024

/**
 * The JSON document in a file, or the documents where it has one a line.
 * @param file its path; `-` is standard input
 * @throws SoukError INVALID_USAGE where the file cannot be read, RECEIPT_INVALID where that is no JSON
 */
export async function readDocuments({ file }: { readonly file: string }): Promise<readonly unknown[]> {
  const text = await readText(file)
  const whole = parse(text)
  if ('value' in whole) return [whole.value]
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length < 2) throw invalid(whole.reason)
  return lines.map((line, index) => {
    const parsed = parse(line)
    if ('value' in parsed) return parsed.value
    // A document over several lines that is broken is one document, not many.
    throw invalid(index === 0 ? whole.reason : `line ${index + 1}: ${parsed.reason}`)
  })
}

type Parsed = { readonly value: unknown } | { readonly reason: string }

function parse(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { reason: `it is not JSON (${(error as Error).message})` }
  }
  const repeated = repeatedKey(text)
  // JSON.parse takes the last one; another reader may take the first.
  return repeated === undefined ? { value } : { reason: `the key ${repeated} is there twice` }
}

async function readText(file: string): Promise<string> {
  const bytes = await readWhole({ file, maxBytes: MAX_DOCUMENT_BYTES })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid('it is not UTF-8 text', cause)
  }
}

function invalid(reason: string, cause?: unknown): SoukError<'RECEIPT_INVALID'> {
  return new SoukError({
    code: 'RECEIPT_INVALID',
    message: `The document does not verify: ${reason}.`,
    details: { reasons: [reason] },
    cause,
  })
}
