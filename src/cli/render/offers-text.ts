import type { OfferDocument, OfferedRuntime } from '../../protocol/offer-document.ts'
import { NATIVE_TOKEN } from '../../protocol/payment.ts'
import type { PeerStatus } from '../../protocol/node-status.ts'
import { formatWei } from '../../protocol/units.ts'
import { printable } from './printable.ts'
import { formatAge } from './quantities.ts'
import { tableLines, wrapped } from './table.ts'
import type { Colors } from './terminal.ts'

/** One runtime of one provider. */
export type ShownOffer = OfferedRuntime &
  Pick<OfferDocument, 'provider' | 'peerId' | 'multiaddrs' | 'chainId' | 'payment' | 'issuedAtMs' | 'expiryMs'> & {
    /** Of the standard task, in wei. */
    readonly standardPriceWei: string
  }

interface Form {
  readonly width: number
  readonly colors: Colors
}

const INDENT = 10

/** `souk offers` for a person: a block for each, as no address fits beside another one, and each is to be copied whole. */
export function offersLines({
  offers,
  width,
  colors,
}: Form & { readonly offers: readonly ShownOffer[] }): readonly string[] {
  return offers.flatMap(
    ({ standardPriceWei, runtime, features, classes, payment, provider, multiaddrs, chainId }, index) => {
      const price = standardPriceWei === '0' ? 'free' : priceText(BigInt(standardPriceWei))
      const able = printable([...features, ...classes.map((name) => `class:${name}`)].join(' '))
      return [
        ...(index === 0 ? [] : ['']),
        colors.bold(`${runtime}, ${price}`),
        ...[
          ['provider', [provider]],
          ['address', [printable(multiaddrs[0] ?? '')]],
          ['payment', paymentLines({ payment, provider, chainId })],
          ['features', wrapped({ text: able, width: width - INDENT })],
        ].flatMap(([name, values]) =>
          (values as readonly string[]).map((value, line) =>
            `${colors.dim((line === 0 ? String(name) : '').padEnd(INDENT))}${value}`.trimEnd(),
          ),
        ),
      ]
    },
  )
}

function priceText(wei: bigint): string {
  const text = formatWei(wei)
  return text === String(wei) ? `${text} wei` : text
}

/** `--json` has the contract, and whom the payee has authorised. */
function paymentLines({
  payment,
  provider,
  chainId,
}: Pick<ShownOffer, 'payment' | 'provider' | 'chainId'>): readonly string[] {
  if (payment.kind === 'none') return ['none']
  const of = payment.payee === provider ? payment.payee : `${payment.payee} --node ${provider}`
  const token = payment.token === NATIVE_TOKEN ? '' : ` --token ${payment.token}`
  return [`a channel on chain ${chainId}:`, `souk channel open ${of}${token} --deposit AMOUNT`]
}

/** The peers of a running node, for a person. */
export function connectedLines({
  peers,
  nowMs,
  width,
  colors,
}: Form & { readonly peers: readonly PeerStatus[]; readonly nowMs: number }): readonly string[] {
  return tableLines({
    columns: [{ title: 'PEER' }, { title: 'DIRECTION' }, { title: 'AGE', align: 'right' }, { title: 'ADDRESS' }],
    rows: peers.map(({ address, peerId, direction, openedAtMs, multiaddr, limited }) => [
      address ?? peerId,
      limited ? `${direction}, relayed` : direction,
      formatAge(nowMs - openedAtMs),
      printable(multiaddr),
    ]),
    width,
    heading: colors.bold,
  })
}

/** The providers that a node knows by their offers, for a person. */
export function providersLines({
  offers,
  nowMs,
  width,
  colors,
}: Form & { readonly offers: readonly OfferDocument[]; readonly nowMs: number }): readonly string[] {
  return tableLines({
    columns: [{ title: 'PROVIDER' }, { title: 'RUNTIMES' }, { title: 'OFFERED', align: 'right' }, { title: 'ADDRESS' }],
    rows: offers.map(({ provider, runtimes, issuedAtMs, multiaddrs }) => [
      provider,
      runtimes.map(({ runtime }) => runtime).join(' '),
      formatAge(Math.max(0, nowMs - issuedAtMs)),
      printable(multiaddrs[0] ?? ''),
    ]),
    width,
    heading: colors.bold,
  })
}
