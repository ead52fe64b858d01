import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../src/client/connect.ts'
import { openWallet } from '../src/client/payments/wallet.ts'
import { EMPTY_MODULE, moduleTask, newKey, runOne, startBenchProvider } from './bench-provider.ts'
import { CHAIN_ID, channelOf, CONTRACT, DEPOSIT_WEI, PRICE_WEI } from './payments.ts'

/**
 * Tasks one at a time that are paid ahead: each takes a voucher along, which the requester's wallet and the provider's books
 * have on disk first, and is charged when its receipt is there. Each is quoted before, as a market does; that is not counted.
 * The first ones, of two processes that have just started, are told apart; those that follow come without a pause, and are not counted.
 */
export async function paidOneAtATime({
  dir,
  count,
  first,
  warmUps,
  idleMs,
}: {
  readonly dir: string
  readonly count: number
  readonly first: number
  readonly warmUps: number
  readonly idleMs: number
}): Promise<{
  readonly timesMs: readonly number[]
  readonly overheadMs: readonly number[]
  readonly firstOverheadMs: readonly number[]
}> {
  await mkdir(dir)
  const key = newKey()
  await using cleanUp = new AsyncDisposableStack()
  const provider = await startBenchProvider({ dataDir: join(dir, 'provider'), requester: key.address, paid: true })
  cleanUp.defer(() => provider.stop())
  const wallet = openWallet({ dir: join(dir, 'requester'), key })
  cleanUp.defer(() => wallet.close())
  const client = await connect({ to: provider.greeting.multiaddr, key, chainId: CHAIN_ID, wallet })
  cleanUp.defer(() => client.close())
  const channel = channelOf({ payer: key.address, payee: client.provider })
  const channelId = wallet.noteChannel({ chainId: CHAIN_ID, contract: CONTRACT, channel, depositWei: DEPOSIT_WEI })
  const task = await moduleTask({ dir, module: EMPTY_MODULE, maxPriceWei: PRICE_WEI })
  const runs = async (number: number, pauseMs: number): Promise<Awaited<ReturnType<typeof runOne>>[]> => {
    const done = []
    for (let index = 0; index < number; index++) {
      const quote = await client.quote({ task })
      if (pauseMs > 0) await sleep(pauseMs)
      done.push(await runOne(client, task, quote))
    }
    return done
  }
  const early = await runs(first, idleMs)
  await runs(warmUps, 0)
  const measured = await runs(count, idleMs)
  const paid = wallet.channels().find((own) => own.channelId === channelId)
  const dueWei = PRICE_WEI * BigInt(first + warmUps + count)
  if (paid?.signedWei !== dueWei || paid.chargedWei !== dueWei)
    throw new Error(`${paid?.signedWei} wei were signed and ${paid?.chargedWei} charged where ${dueWei} were due`)
  return {
    timesMs: measured.map(({ totalMs }) => totalMs),
    overheadMs: measured.map(({ overheadMs }) => overheadMs),
    firstOverheadMs: early.map(({ overheadMs }) => overheadMs),
  }
}
