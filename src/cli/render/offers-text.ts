import type { OfferDocument, OfferedRuntime } from '../../protocol/offer-document.ts'
import { NATIVE_TOKEN } from '../../protocol/payment.ts'
import type { PeerStatus } from '../../protocol/node-status.ts'
import { printable } from './printable.ts'
import { formatAge } from './quantities.ts'
import { tableLines } from './table.ts'
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

/** `souk offers` for a person. */
export function offersLines({
  offers,
  width,
  colors,
}: Form & { readonly offers: readonly ShownOffer[] }): readonly string[] {
  return tableLines({
    columns: [
      { title: 'PRICE (WEI)', align: 'right' },
      { title: 'RUNTIME' },
      { title: 'FEATURES', flexible: true },
      { title: 'PAYMENT' },
      { title: 'PROVIDER' },
      { title: 'ADDRESS' },
    ],
    rows: offers.map(({ standardPriceWei, runtime, features, classes, payment, provider, multiaddrs }) => [
      standardPriceWei === '0' ? 'free' : standardPriceWei,
      runtime,
      printable([...features, ...classes.map((name) => `class:${name}`)].join(' ')),
      paymentText(payment),
      provider,
      printable(multiaddrs[0] ?? ''),
    ]),
    width,
    heading: colors.bold,
  })
}

/** `--json` has the contract, and whom the payee has authorised. */
function paymentText(payment: ShownOffer['payment']): string {
  if (payment.kind === 'none') return 'none'
  return `channel to ${payment.payee}${payment.token === NATIVE_TOKEN ? '' : `, in token ${payment.token}`}`
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
