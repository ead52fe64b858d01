import { findBlobs } from '../client/find-blobs.ts'
import type { ProvenDisagreement } from '../identity/check-proof.ts'
import { differencesOf, FELT_LIMITS, whyNotCounted, type ComparedPart } from '../identity/comparison.ts'
import { SoukError } from '../protocol/errors.ts'
import type { Receipt } from '../protocol/receipt.ts'
import type { Cli } from './cli.ts'
import { openLocalPlace } from './local-place.ts'
import { usageError } from './usage-error.ts'

/** What running the task of a disagreement here has shown. */
export type Decision =
  | {
      readonly decided: true
      /** What this machine came to. */
      readonly receipt: Receipt
      /** For each receipt of the proof in what it differs from that; nothing for who was right. */
      readonly differing: readonly (readonly ComparedPart[])[]
    }
  | { readonly decided: false; readonly why: string }

export interface DecideDisagreement {
  readonly cli: Cli
  readonly disagreement: ProvenDisagreement
  /** Where the task's files are, by whatever name. */
  readonly inputs?: string
  readonly configFile?: string
  readonly signal: AbortSignal
}

/**
 * Runs the task of a disagreement on this host, in the sandbox that `souk run --local` has, with the limits that the
 * providers applied, as far as a deterministic program can feel them. What comes of it decides only where it ran on the
 * same version of the engine, under the same of these limits, to an end of its own.
 *
 * @throws SoukError INVALID_USAGE where a file that the task needs is not there; CANCELLED; the signal's reason
 */
export async function decideDisagreement(request: DecideDisagreement): Promise<Decision> {
  const { disagreement, signal } = request
  const { spec, bytes, proof } = disagreement
  const [first] = proof.receipts
  if (first === undefined) throw new Error('a disagreement without a receipt')
  const blobs = await blobsFor(request)
  let receipt: Receipt
  try {
    await using place = await openLocalPlace({
      cli: request.cli,
      runtime: spec.runtime,
      felt: withinReason(first.limits),
      ...(request.configFile !== undefined && { configFile: request.configFile }),
    })
    const task = await place.submit({ task: { spec, bytes, blobs }, signal })
    ;({ receipt } = await task.result({ signal, maxOutputBytes: MOST.outputBytes }))
  } catch (thrown) {
    signal.throwIfAborted()
    const { code, message } = SoukError.from(thrown)
    if (code === 'INTERNAL' || code === 'CONFIG_INVALID' || code === 'KEY_UNUSABLE') throw thrown
    return { decided: false, why: `this host could not run it: ${message}` }
  }
  const why = whyUndecided({ mine: receipt, theirs: first })
  if (why !== undefined) return { decided: false, why }
  return { decided: true, receipt, differing: proof.receipts.map((said) => differencesOf(receipt, said)) }
}

/** Limits are what strangers have signed: above these this host keeps its own. Memory and disk are bounded by its capacity. */
const MOST = { outputBytes: 256 * 1024 * 1024, inodes: 1_000_000, openFiles: 100_000 }

function withinReason(limits: Receipt['limits']): Receipt['limits'] {
  const { outputBytes = 0, inodes = 0, openFiles = 0 } = limits
  return {
    ...limits,
    outputBytes: Math.min(outputBytes, MOST.outputBytes),
    inodes: Math.min(inodes, MOST.inodes),
    openFiles: Math.min(openFiles, MOST.openFiles),
  }
}

async function blobsFor({ disagreement, inputs, signal }: DecideDisagreement) {
  const wanted = disagreement.proof.blobs
  const { blobs, missing } = await findBlobs({ folder: inputs, wanted, signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw usageError({
      message: `The folder ${inputs ?? ''} cannot be looked through: ${(cause as Error).message}.`,
      argument: '--inputs',
      cause,
    })
  })
  if (missing.length === 0) return blobs
  const named = missing.map(({ sha256, bytes }) => `${sha256} (${bytes} bytes)`).join(', ')
  throw usageError({
    message: `To run the task its files are needed, and ${missing.length === 1 ? 'one is' : `${missing.length} are`} not there: sha256 ${named}.`,
    argument: '--inputs',
    hint: 'Name a folder that has them with --inputs; what they are called does not matter.',
  })
}

function whyUndecided({ mine, theirs }: { readonly mine: Receipt; readonly theirs: Receipt }): string | undefined {
  if (mine.isolation.engine !== theirs.isolation.engine)
    return `it ran on ${mine.isolation.engine} here, and on ${theirs.isolation.engine} there`
  const other = FELT_LIMITS.find((key) => mine.limits[key] !== theirs.limits[key])
  if (other !== undefined)
    return `it ran with ${other} of ${mine.limits[other] ?? 'no limit'} here, and of ${theirs.limits[other] ?? 'no limit'} there`
  const why = whyNotCounted(mine)
  return why === undefined ? undefined : `${why} here (${mine.outcome.kind})`
}
