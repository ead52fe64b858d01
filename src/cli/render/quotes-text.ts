import type { QuoteAnswer } from '../../client/market/quote-all.ts'
import { isSoukError } from '../../protocol/errors.ts'
import { formatDurationMs, formatWei } from '../../protocol/units.ts'
import { printable } from './printable.ts'
import { tableLines } from './table.ts'
import type { Colors } from './terminal.ts'

const SHORT_ADDRESS = 12

/** A provider that would run the task. */
export type Quoted = Extract<QuoteAnswer, { readonly offered: object }>
/** One that would not, or did not answer. */
export type Unquoted = Exclude<QuoteAnswer, Quoted>

/** `souk quote` for a person: who would run the task, and below who would not and why. */
export function quotesLines({
  quoted,
  unquoted,
  maxPriceWei,
  width,
  colors,
}: {
  readonly quoted: readonly Quoted[]
  readonly unquoted: readonly Unquoted[]
  /** What the task pays at most. */
  readonly maxPriceWei: bigint
  readonly width: number
  readonly colors: Colors
}): readonly string[] {
  const table = tableLines({
    columns: [
      { title: 'AT MOST', align: 'right' },
      { title: 'START', align: 'right' },
      { title: 'CPU-S', align: 'right' },
      { title: 'MIB-S', align: 'right' },
      { title: 'OUT-MIB', align: 'right' },
      { title: 'M-FUEL', align: 'right' },
      { title: 'BEGINS', align: 'right' },
      { title: 'RUNTIME' },
      { title: 'PROVIDER' },
      { title: 'ADDRESS', flexible: true },
    ],
    rows: quoted.map(({ multiaddr, offered: { quote } }) => {
      const mostWei = BigInt(quote.maxPriceWei)
      const most = mostWei === 0n ? 'free' : formatWei(mostWei)
      const { startWei, cpuSecondWei, mibSecondWei, outputMibWei, millionFuelWei } = quote.rates
      return [
        mostWei > maxPriceWei ? colors.yellow(`${most} !`) : most,
        ...[startWei, cpuSecondWei, mibSecondWei, outputMibWei, millionFuelWei].map((wei) => formatWei(BigInt(wei))),
        quote.expectedStartMs === 0 ? 'now' : `~${formatDurationMs(quote.expectedStartMs)}`,
        quote.runtime,
        quote.provider.slice(0, SHORT_ADDRESS),
        printable(multiaddr),
      ]
    }),
    width,
    heading: colors.bold,
  })
  const tooDear = quoted.some(({ offered: { quote } }) => BigInt(quote.maxPriceWei) > maxPriceWei)
  return [
    ...(quoted.length > 0 ? table : ['Nobody would run the task.']),
    ...(tooDear
      ? [
          '',
          colors.dim(
            `!  more than the task pays (price.max): ${maxPriceWei === 0n ? 'nothing' : formatWei(maxPriceWei)}`,
          ),
        ]
      : []),
    ...unquoted.flatMap((answer) => [
      '',
      `${colors.red('no')} ${printable(answer.provider?.slice(0, SHORT_ADDRESS) ?? answer.multiaddr)}`,
      ...reasonsOf(answer).map((reason) => `   ${printable(reason)}`),
    ]),
  ]
}

/** Every reason, where there are several. */
function reasonsOf({ error }: Unquoted): readonly string[] {
  if (!isSoukError(error, 'REFUSED')) return [error.message]
  return error.details.reasons.map(({ message }) => message)
}
