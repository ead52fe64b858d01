import type { LoadedTask } from '../client/load-task.ts'
import type { Market } from '../client/market/market.ts'
import { runChecked, type Accepted, type CheckedResult } from '../client/market/run-checked.ts'
import type { Receipt } from '../protocol/receipt.ts'
import { formatWei } from '../protocol/units.ts'
import type { Cli } from './cli.ts'
import type { Narrator } from './render/narrator.ts'
import { counted } from './render/quantities.ts'
import type { AcceptedTask, CheckDocument } from './places.ts'
import { printable } from './render/printable.ts'
import { keepOrProve } from './see-through.ts'
import { keepSpec } from './sent-specs.ts'
import { shellWord } from './shell-word.ts'

const SHORT_ADDRESS = 12
const short = (address: string): string => address.slice(0, SHORT_ADDRESS)

/**
 * Has a task run by as many providers as its check takes, and tells what each of them said. Resolves when it is known whose word is
 * taken, to that one's task; its output comes then, at once.
 *
 * @throws SoukError NO_QUORUM; as `runChecked`
 */
export async function runAndCheck({
  cli,
  market,
  narrator,
  task,
  kind,
  signal,
}: {
  readonly cli: Cli
  readonly market: Market
  readonly narrator: Narrator
  readonly task: LoadedTask
  readonly kind: CheckDocument['kind']
  readonly signal: AbortSignal
}): Promise<AcceptedTask> {
  const receipts: Receipt[] = []
  const proofs: string[] = []
  const onAccepted = async ({ provider, taskId, maxPriceWei }: Accepted): Promise<void> => {
    const price = maxPriceWei === 0n ? 'free' : `at most ${formatWei(maxPriceWei)}`
    narrator.say(`${short(provider)} runs it as ${short(taskId)}, ${price}`)
    await keepSpec({ dir: cli.home.specs, taskId, bytes: task.bytes, nowMs: Date.now() })
  }
  const { result, agreeing, said } = await runChecked({
    ...{ market, task, proofsDir: cli.home.proofs, signal, onAccepted },
    async onReceipt(receipt) {
      receipts.push(receipt)
      const price = receipt.priceWei === '0' ? 'free' : `for ${formatWei(BigInt(receipt.priceWei))}`
      narrator.say(`${short(receipt.provider)} has finished, ${price}`)
      await keepOrProve({ cli, receipt })
    },
    onFailure: ({ provider, error }) =>
      narrator.say(`${short(provider)} does not count: ${printable(`${error.message} ${error.hint}`)}`),
    onProof({ file, disagreement: { agreeing: taken, differing } }) {
      proofs.push(file)
      for (const { provider, parts } of differing)
        narrator.say(
          taken.length > 0
            ? `${short(provider)} says something else than ${taken.map(short).join(', ')}: ${parts.map(printable).join(', ')}`
            : `${short(provider)} says something else: ${parts.map(printable).join(', ')}`,
        )
      narrator.say(`the proof is ${file}; who is right is told by: souk verify ${shellWord(file)} --run --inputs DIR`)
    },
  })
  for (const { candidate, what } of said) narrator.say(`${short(candidate.provider)}: ${printable(what)}`)
  const [first] = agreeing
  narrator.say(
    agreeing.length > 1
      ? `${counted(agreeing.length, 'provider')} said the same: ${agreeing.map(({ provider }) => short(provider)).join(', ')}`
      : 'one provider was asked this time',
  )
  return {
    ...acceptedResult(result),
    ...(first !== undefined && { multiaddr: first.answer.multiaddr }),
    verification: {
      kind,
      agreeing: agreeing.map(({ provider }) => provider),
      said: said.map(({ candidate: { provider }, what }) => ({ provider, what })),
      receipts,
      proofs,
    },
  }
}

/** The task whose result was taken: its output is here. */
function acceptedResult({ task, ...result }: CheckedResult): Omit<AcceptedTask, 'multiaddr' | 'verification'> {
  const { taskId, provider, events, cancel, saveOutputs } = task
  return {
    ...{ taskId, provider, events, cancel, saveOutputs },
    async result({ onEvent } = {}) {
      for (const stream of ['stdout', 'stderr'] as const) {
        const data = result[stream]
        if (data.byteLength > 0) await onEvent?.({ kind: 'output', stream, offset: 0, data })
      }
      return result
    },
  }
}
