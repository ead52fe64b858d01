import { invalidReceipt } from '../identity/receipt.ts'
import type { Output } from '../protocol/execution.ts'
import { sandboxTargetSchema, type BlobRef } from '../protocol/task.ts'

/** A file of a result, and where below the folder of choice it goes. */
export interface PlannedOutput {
  /** Inside the sandbox. */
  readonly path: string
  /** The names of its folders and itself: none is empty, `.`, `..`, or has a `/`. */
  readonly segments: readonly string[]
  readonly blob: BlobRef
}

/** Where files are while they come, below the folder they go to. No result may be of that name. */
export const PARTIAL_FOLDER = '.souk-partial'

/** Far above what a provider collects, and little enough to hold. */
const MAX_OUTPUTS = 100_000

/**
 * Which files of a result go where. The paths are the provider's word, and so those of a stranger.
 * @throws SoukError RECEIPT_INVALID with what cannot be: a path that is not absolute and normalised, one that is
 *   there twice, a file below another file
 */
export function planOutputs(outputs: readonly Output[]): readonly PlannedOutput[] {
  if (outputs.length > MAX_OUTPUTS)
    throw invalidReceipt([`it names ${outputs.length} outputs, more than ${MAX_OUTPUTS}`])
  const planned: PlannedOutput[] = []
  for (const output of outputs) {
    if (!('sha256' in output)) continue
    const { path, sha256, bytes } = output
    const checked = sandboxTargetSchema.safeParse(path)
    if (!checked.success)
      throw invalidReceipt([
        `output ${JSON.stringify(path.slice(0, 200))} ${checked.error.issues[0]?.message ?? 'is no path'}`,
      ])
    const segments = path.slice(1).split('/')
    if (segments[0] === PARTIAL_FOLDER)
      throw invalidReceipt([`output ${path} has a name that is kept for files on their way`])
    planned.push({ path, segments, blob: { sha256, bytes } })
  }
  const files = new Set(planned.map(({ path }) => path))
  if (files.size < planned.length) throw invalidReceipt(['it names an output twice'])
  for (const { path } of planned) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (files.has(path.slice(0, end))) throw invalidReceipt([`output ${path} is below another file`])
    }
  }
  return planned
}
