import { SoukError } from '../protocol/errors.ts'
import type { Cli } from './cli.ts'
import { decideDisagreement } from './decide-disagreement.ts'
import { EXIT } from './exit-code.ts'
import { Interruption, listenForInterruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { isDecided, proofLines, proofSummary, type JudgedProof } from './render/proof-text.ts'
import { readDocuments } from './read-documents.ts'
import { usageError } from './usage-error.ts'
import { verifiedLines, verifiedSummary } from './render/verified-text.ts'
import { verifyAll, type Verified } from './verify-all.ts'

export interface VerifyOptions {
  readonly json?: boolean
  readonly run?: boolean
  readonly inputs?: string
  readonly config?: string
}

interface VerifyDocuments {
  readonly cli: Cli
  readonly file: string
  readonly options: VerifyOptions
}

/**
 * `souk verify`.
 * @returns the exit code: success, or undecided where a disagreement is
 * @throws SoukError RECEIPT_INVALID, INVALID_USAGE; CANCELLED where it was interrupted while it ran a task
 */
export async function verifyDocuments({ cli, file, options }: VerifyDocuments): Promise<number> {
  const { run = false, inputs, config, json = false } = options
  if (!run && inputs !== undefined) throw usageError({ message: '--inputs goes with --run.', argument: '--inputs' })
  if (!run && config !== undefined) throw usageError({ message: '--config goes with --run.', argument: '--config' })
  const verified = verifyAll(await readDocuments({ file }))
  const judged = run ? await decideAll({ cli, verified, options }) : verified
  const { stdout } = cli.terminal
  const { colors } = stdout
  if (json)
    await writeJson({
      stdout,
      document: {
        valid: true,
        documents: judged.map((each) => ('proof' in each ? proofSummary(each) : verifiedSummary(each))),
      },
    })
  else {
    const lines = judged.map((each) =>
      'proof' in each ? proofLines(each, colors) : verifiedLines({ verified: each, colors }),
    )
    await stdout.write(`${lines.map((each) => each.join('\n')).join('\n\n')}\n`)
  }
  return judged.every((each) => !('proof' in each) || isDecided(each)) ? EXIT.success : EXIT.undecided
}

async function decideAll({
  cli,
  verified,
  options: { inputs, config },
}: {
  readonly cli: Cli
  readonly verified: readonly Verified[]
  readonly options: VerifyOptions
}): Promise<readonly (Exclude<Verified, { readonly proof: unknown }> | JudgedProof)[]> {
  if (!verified.some((each) => 'proof' in each && each.proof.kind === 'disagreement'))
    throw usageError({
      message: '--run goes with the proof of a disagreement: nothing else is decided by running a task.',
      argument: '--run',
    })
  const interruptions = listenForInterruptions()
  try {
    const judged: (Exclude<Verified, { readonly proof: unknown }> | JudgedProof)[] = []
    for (const each of verified) {
      if (!('proof' in each) || each.proof.kind !== 'disagreement') {
        judged.push(each)
        continue
      }
      const decision = await decideDisagreement({
        cli,
        disagreement: each.proof,
        signal: interruptions.first,
        ...(inputs !== undefined && { inputs }),
        ...(config !== undefined && { configFile: config }),
      })
      judged.push({ proof: each.proof, decision })
    }
    return judged
  } catch (thrown) {
    if (!(thrown instanceof Interruption)) throw thrown
    throw new SoukError({
      code: 'CANCELLED',
      phase: 'verify',
      message: `Interrupted (${thrown.signal}): nothing was decided.`,
      details: {},
      hint: 'Give the command again.',
      cause: thrown,
    })
  } finally {
    interruptions.dispose()
  }
}
