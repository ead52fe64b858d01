import { SoukError } from '../protocol/errors.ts'
import { challengePeriodFault, inspectChannelContract } from './channel-contract.ts'
import type { ChannelView } from './channel-views.ts'
import { contractRefused } from './contract-refused.ts'
import type { Chain } from './chain.ts'
import { createChannelWatch, type ChannelWatch, type WatchOptions } from './watch.ts'

/**
 * Several endpoints, each of which is asked for the payee's channels: one that lies, or is behind, is contradicted by the others.
 * Those that do not answer are left out, as long as one does.
 */
export interface ChannelWitnesses {
  /**
   * Asks whether the contract can be relied on.
   * @throws SoukError CHAIN_REFUSED where it is not souk's, or its challenge period is too short to redeem in; WRONG_CHAIN;
   *   CHAIN_UNREACHABLE where nobody answers
   */
  prepare(): Promise<void>
  /** What each of them says. @throws SoukError as {@link prepare} */
  channel(request: { readonly channelId: string; readonly atLeastWei: bigint }): Promise<readonly ChannelView[]>
  /** What those say that the last look reached. */
  known(channelId: string): readonly ChannelView[]
  /** Looks at what has happened since. Returns why those did not answer that did not. @throws SoukError as {@link prepare} */
  look(channelIds: Iterable<string>): Promise<readonly SoukError[]>
}

export interface WitnessOptions extends Omit<WatchOptions, 'chain'> {
  /** One for each endpoint. */
  readonly chains: readonly Chain[]
  /** Between two looks. */
  readonly pollMs: number
}

interface Witness {
  readonly chain: Chain
  readonly watch: ChannelWatch
  prepared: boolean
  looked: boolean
  avoidUntilMs: number
}

const SHORT_PERIOD_HINT = 'Lower settlement.poll, or name a contract with a longer challenge period: a day is usual.'
/** How long an endpoint that gave no answer is not asked, where another one does. */
const AVOID_MS = 30_000

export function createChannelWitnesses({ chains, pollMs, ...options }: WitnessOptions): ChannelWitnesses {
  const { contract } = options
  const witnesses: readonly Witness[] = chains.map((chain) => ({
    chain,
    watch: createChannelWatch({ ...options, chain }),
    prepared: false,
    looked: false,
    avoidUntilMs: 0,
  }))

  async function prepared(witness: Witness): Promise<ChannelWatch> {
    if (witness.prepared) return witness.watch
    const { challengePeriodMs } = await inspectChannelContract({ chain: witness.chain, contract })
    const fault = challengePeriodFault({ challengePeriodMs, pollMs })
    if (fault !== undefined)
      throw contractRefused({ reason: `${contract} leaves too little time: ${fault}`, hint: SHORT_PERIOD_HINT })
    witness.prepared = true
    return witness.watch
  }

  /** The answers of those that give one. What is wrong with the contract, or the chain, is wrong whoever says so. */
  async function ask<T>(question: (witness: Witness, watch: ChannelWatch) => Promise<T>): Promise<{
    readonly answers: readonly T[]
    readonly failures: readonly SoukError[]
  }> {
    const nowMs = performance.now()
    const fresh = witnesses.filter(({ avoidUntilMs }) => avoidUntilMs <= nowMs)
    const asked = fresh.length > 0 ? fresh : witnesses
    const answers: T[] = []
    const failures: SoukError[] = []
    await Promise.all(
      asked.map(async (witness) => {
        try {
          answers.push(await question(witness, await prepared(witness)))
          witness.avoidUntilMs = 0
        } catch (thrown) {
          failures.push(SoukError.from(thrown))
          witness.looked = false
          witness.avoidUntilMs = performance.now() + (witnesses.length > 1 ? AVOID_MS : 0)
        }
      }),
    )
    const [failure] = failures
    const fatal = failures.find((error) => error.code !== 'CHAIN_UNREACHABLE' && isOfContract(error))
    if (fatal !== undefined) throw fatal
    if (answers.length > 0) return { answers, failures }
    throw failure ?? new TypeError('there is no endpoint to ask')
  }

  return {
    prepare: async () => void (await ask(() => Promise.resolve())),
    channel: async (request) => (await ask((_, watch) => watch.channel(request))).answers,
    known: (channelId) => witnesses.flatMap(({ looked, watch }) => (looked ? (watch.known(channelId) ?? []) : [])),
    async look(channelIds) {
      const all = [...channelIds]
      const { failures } = await ask(async (witness, watch) => {
        await watch.look(all)
        witness.looked = true
      })
      return failures
    },
  }
}

function isOfContract(error: SoukError): boolean {
  const { details } = error as { readonly details: { readonly kind?: unknown } }
  return error.code === 'WRONG_CHAIN' || (error.code === 'CHAIN_REFUSED' && details.kind === 'contract')
}
