import type { ProvenProof } from '../../identity/check-proof.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { Decision } from '../decide-disagreement.ts'
import { outcomeText } from './outcome-text.ts'
import { printable } from './printable.ts'
import { counted } from './quantities.ts'
import { fieldLines } from './table.ts'
import type { Colors } from './terminal.ts'

/** A proof that holds, and what running its task has shown where that was done. */
export interface JudgedProof {
  readonly proof: ProvenProof
  readonly decision?: Decision
}

/** Whether it is known who was wrong. */
export function isDecided({ proof, decision }: JudgedProof): boolean {
  return proof.kind === 'equivocation' || decision?.decided === true
}

/** What a proof shows and what it does not, for a person. */
export function proofLines(judged: JudgedProof, colors: Colors): readonly string[] {
  const { proof, decision } = judged
  const field = (fields: readonly (readonly [string, string])[]): readonly string[] =>
    fieldLines({ name: colors.dim, fields })
  if (proof.kind === 'equivocation') {
    return field([
      ['proof', `${colors.red('equivocation')}: one provider signed two receipts for one task`],
      ['provider', proof.provider],
      ['task', proof.taskId],
      ['differ in', proof.differing.join(', ')],
      ['signatures', 'both hold'],
      ['shows', 'that this provider lied: a task has one receipt'],
      ['not shown', 'which of the two is true, if one is'],
    ])
  }
  const { receipts, specDigest } = proof.proof
  return field([
    [
      'proof',
      `${colors.yellow('disagreement')}: ${receipts.length} providers signed ${proof.results} different results for one task`,
    ],
    ['name', printable(proof.spec.name)],
    ['spec', specDigest],
    ...receipts.map((receipt, index): [string, string] => [
      index === 0 ? 'said' : '',
      `${receipt.provider} ${verdictOf(judged, index, colors)}: ${saidText(receipt)}`,
    ]),
    ['signatures', 'all hold, with the same limits on the same engine'],
    ['shows', 'that somebody is wrong: the task comes out the same everywhere'],
    ['decided', decidedText(decision, colors)],
  ])
}

function verdictOf({ proof, decision }: JudgedProof, index: number, colors: Colors): string {
  if (proof.kind !== 'disagreement') return ''
  if (decision?.decided === true) {
    const parts = decision.differing[index] ?? []
    return parts.length === 0 ? colors.green('was right') : colors.red(`was wrong (${parts.join(', ')})`)
  }
  const parts = proof.differing[index] ?? []
  return parts.length === 0 ? 'said' : `said otherwise (${parts.join(', ')})`
}

function saidText({ outcome, stdout, outputs, usage }: Receipt): string {
  const fuel = usage.fuelUsed === undefined ? '' : `, fuel ${usage.fuelUsed}`
  return `${outcomeText(outcome)}, stdout ${stdout.sha256.slice(0, 12)}…, ${counted(outputs.length, 'output')}${fuel}`
}

function decidedText(decision: Decision | undefined, colors: Colors): string {
  if (decision === undefined)
    return `${colors.yellow('no')}: run the task again with --run, and --inputs FOLDER for its files`
  if (!decision.decided) return `${colors.yellow('no')}: ${printable(decision.why)}`
  const right = decision.differing.filter((parts) => parts.length === 0).length
  return `${colors.green('yes')}, by running it here (${saidText(decision.receipt)})${right === 0 ? ': none was right' : ''}`
}

/** The same for a program. */
export function proofSummary({ proof, decision }: JudgedProof): object {
  if (proof.kind === 'equivocation') {
    const { kind, provider, taskId, differing } = proof
    return { kind, decided: true, wrong: [provider], task: taskId, differing }
  }
  const { receipts, specDigest } = proof.proof
  const providers = receipts.map(({ provider, taskId }, index) => ({
    provider,
    task: taskId,
    differing: (decision?.decided === true ? decision : proof).differing[index] ?? [],
  }))
  if (decision?.decided !== true) {
    return {
      kind: proof.kind,
      decided: false,
      ...(decision !== undefined && { why: decision.why }),
      specDigest,
      providers,
    }
  }
  const ofThose = (isRight: boolean): readonly string[] =>
    providers.filter(({ differing }) => (differing.length === 0) === isRight).map(({ provider }) => provider)
  return { kind: proof.kind, decided: true, right: ofThose(true), wrong: ofThose(false), specDigest, providers }
}
