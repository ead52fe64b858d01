import { SoukError } from '../../protocol/errors.ts'
import type { Refusal } from '../../protocol/refusals.ts'
import { formatWei } from '../../protocol/units.ts'
import type { LoadedTask } from '../load-task.ts'
import { refusalHint } from '../../protocol/refusal-hint.ts'
import type { QuoteAnswer } from './quote-all.ts'

const SHORT = 12

/** Why no provider was asked to run a task: each one's every reason. */
export function nobodyTakes({
  answers,
  task,
}: {
  readonly answers: readonly QuoteAnswer[]
  readonly task: Pick<LoadedTask, 'spec'>
}): SoukError {
  const reasons = answers.flatMap((answer) => refusalsOf(answer, BigInt(task.spec.maxPriceWei)))
  if (reasons.length > 0) {
    return new SoukError({
      code: 'REFUSED',
      message: `None of ${answers.length} providers takes the task: ${reasons.map(({ message }) => message).join('; ')}.`,
      details: { reasons },
      hint:
        refusalHint(reasons) ??
        'Change what they refuse it for, or ask other providers; `souk quote` shows what each of them says.',
    })
  }
  const [first] = answers
  return first?.error ?? noProvider()
}

function refusalsOf(answer: QuoteAnswer, maxPriceWei: bigint): readonly Refusal[] {
  if (answer.offered !== undefined) {
    const { quote } = answer.offered
    const message = `it may cost ${formatWei(BigInt(quote.maxPriceWei))} there, the task pays at most ${formatWei(maxPriceWei)}`
    return [
      {
        reason: 'PRICE_TOO_LOW',
        message: `${quote.provider.slice(0, SHORT)}: ${message}`,
        subject: 'priceWei',
        asked: String(maxPriceWei),
        offered: quote.maxPriceWei,
      },
    ]
  }
  if (answer.error.code !== 'REFUSED') return []
  const { reasons } = answer.error.details as { readonly reasons: readonly Refusal[] }
  const who = answer.provider?.slice(0, SHORT) ?? answer.multiaddr
  return reasons.map((reason) => ({ ...reason, message: `${who}: ${reason.message}` }))
}

function noProvider(): SoukError<'UNREACHABLE'> {
  return new SoukError({
    code: 'UNREACHABLE',
    message: 'There is no provider to ask: none was found.',
    details: { address: '' },
    hint: 'Name providers with --to, or peers that know some.',
  })
}
