import type { Key } from '../../identity/key-file.ts'
import { openWallet, type Wallet } from './wallet.ts'

/** A wallet whose file is opened when something is asked of it: who pays nothing has none. Its errors are those of opening it. */
export function lazyWallet({ dir, key }: { readonly dir: string; readonly key: Key }): Wallet {
  let opened: Wallet | undefined
  const wallet = (): Wallet => (opened ??= openWallet({ dir, key }))
  return {
    payer: key.address,
    noteChannel: (channel) => wallet().noteChannel(channel),
    channels: () => wallet().channels(),
    prepay: (prepayment) => wallet().prepay(prepayment),
    raise: (request) => wallet().raise(request),
    charge: (charge) => wallet().charge(charge),
    agreed: (task) => wallet().agreed(task),
    newest: (task) => wallet().newest(task),
    voucherOf: (channelId) => wallet().voucherOf(channelId),
    release: (task) => wallet().release(task),
    leftAt: (provider) => wallet().leftAt(provider),
    reconcile: (statement) => wallet().reconcile(statement),
    close() {
      opened?.close()
      opened = undefined
    },
  }
}
