import { SoukError } from '../protocol/errors.ts'
import type { Chain } from './chain.ts'
import type { ChannelView } from './channel-views.ts'
import { readChannel } from './channels.ts'

/** The channels that pay one payee, as the chain has them: kept in memory, and read again where something happened to them. */
export interface ChannelWatch {
  /**
   * From memory where it is watched and has at least that deposit, otherwise from the chain.
   * @throws SoukError CHAIN_UNREACHABLE also where the chain was not seen for so long that memory is worth nothing.
   */
  channel(request: { readonly channelId: string; readonly atLeastWei: bigint }): Promise<ChannelView>
  /** As of the last look. */
  known(channelId: string): ChannelView | undefined
  /** Looks at what has happened since; afterwards all of `channelIds` are known. */
  look(channelIds: Iterable<string>): Promise<void>
}

export interface WatchOptions {
  readonly chain: Chain
  readonly contract: string
  readonly payee: string
  readonly confirmations: number
  /** How old the last look may be for memory to be trusted. */
  readonly trustedMs: number
}

/** Strangers name channels. Those in our books are read again where they fell out. */
const MAX_CHANNELS = 10_000
const MAX_QUESTIONS = 64
const READS_AT_ONCE = 8
/** After a longer absence everything is read again, which costs less than looking through the logs. */
const MAX_BLOCKS_OF_LOGS = 5_000
/** Reorganisations are seen as long as they are no deeper. */
const BLOCKS_LOOKED_AT_AGAIN = 32

export function createChannelWatch({ chain, contract, payee, confirmations, trustedMs }: WatchOptions): ChannelWatch {
  const views = new Map<string, ChannelView>()
  const reading = new Map<string, Promise<ChannelView>>()
  let lastHead: number | undefined
  let lastLookMs = -Infinity

  function keep(channelId: string, view: ChannelView): void {
    views.delete(channelId)
    // What is not there may be at any time, and costs nothing to ask for.
    if (view.confirmed.status === 'none' && view.latest.status === 'none') return
    const [oldest] = views.keys()
    if (oldest !== undefined && views.size >= MAX_CHANNELS) views.delete(oldest)
    views.set(channelId, view)
  }

  async function read(channelId: string, head?: number): Promise<ChannelView> {
    const view = await readChannel({ chain, contract, channelId, confirmations, ...(head !== undefined && { head }) })
    keep(channelId, view)
    return view
  }

  async function readAll(channelIds: readonly string[], head: number): Promise<void> {
    for (let index = 0; index < channelIds.length; index += READS_AT_ONCE)
      await Promise.all(channelIds.slice(index, index + READS_AT_ONCE).map((channelId) => read(channelId, head)))
  }

  async function changedSince(before: number, head: number): Promise<ReadonlySet<string>> {
    const again = Math.max(BLOCKS_LOOKED_AT_AGAIN, 2 * confirmations)
    const fromBlock = Math.max(0, before - again)
    // Every event of the contract has the channel's id and the payee as its first two indexed fields.
    const topics = [null, null, `0x${payee.slice(2).padStart(64, '0')}`]
    const logs = await chain.logs({ address: contract, topics, fromBlock, toBlock: head })
    return new Set(logs.flatMap((log) => log.topics[1] ?? []))
  }

  async function look(channelIds: Iterable<string>): Promise<void> {
    const head = await chain.blockNumber()
    const isContinuous = lastHead !== undefined && head >= lastHead && head - lastHead <= MAX_BLOCKS_OF_LOGS
    const changed = isContinuous && lastHead !== undefined ? await changedSince(lastHead, head) : undefined
    const stale = [...views.keys()].filter((channelId) => changed === undefined || changed.has(channelId))
    const unknown = [...channelIds].filter((channelId) => !views.has(channelId))
    await readAll([...stale, ...unknown], head)
    lastHead = head
    lastLookMs = performance.now()
  }

  function ask(channelId: string): Promise<ChannelView> {
    const asked = reading.get(channelId)
    if (asked !== undefined) return asked
    if (reading.size >= MAX_QUESTIONS) return Promise.reject(unreachable('too many channels are asked for at once'))
    const answer = read(channelId).finally(() => reading.delete(channelId))
    reading.set(channelId, answer)
    return answer
  }

  return {
    look,
    known: (channelId) => views.get(channelId),
    async channel({ channelId, atLeastWei }) {
      const known = views.get(channelId)
      // Whether a channel is being closed is only known to who looks.
      const isTrusted = performance.now() - lastLookMs <= trustedMs
      if (known !== undefined && isTrusted && known.confirmed.depositWei >= atLeastWei) return known
      return ask(channelId)
    },
  }
}

function unreachable(reason: string): SoukError {
  return new SoukError({
    code: 'CHAIN_UNREACHABLE',
    message: `The chain cannot be asked: ${reason}`,
    details: { endpoints: [], reason },
  })
}
