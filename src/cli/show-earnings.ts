import { loadConfig, nodePaths } from '../node/config/config.ts'
import type { Earned, EarningsStatus } from '../protocol/node-status.ts'
import { NATIVE_TOKEN } from '../protocol/payment.ts'
import { formatWei } from '../protocol/units.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { writeJson } from './json-output.ts'
import { askLocalNode } from './local-socket.ts'
import { fieldLines, tableLines } from './render/table.ts'
import type { Colors } from './render/terminal.ts'

export interface EarningsOptions {
  readonly config?: string
  readonly json?: boolean
}

const SHORT_ID_CHARACTERS = 18
const AMOUNTS = ['received', 'charged', 'redeemed', 'pending'] as const

/** `souk earnings`, of the node that runs here. @throws SoukError NODE_NOT_RUNNING */
export async function showEarnings({
  cli,
  options,
}: {
  readonly cli: Cli
  readonly options: EarningsOptions
}): Promise<number> {
  const { config } = await loadConfig({ ...(options.config !== undefined && { file: options.config }), env: cli.env })
  const earnings = await askLocalNode({ socket: nodePaths(config.node.dataDir).socket, path: '/earnings' })
  const { stdout } = cli.terminal
  if (options.json === true) await writeJson({ stdout, document: earnings })
  else {
    const lines = earningsLines({ earnings, width: stdout.columns(), colors: stdout.colors })
    await stdout.write(`${lines.join('\n')}\n`)
  }
  return EXIT.success
}

function earningsLines({
  earnings: { sums, channels },
  width,
  colors,
}: {
  readonly earnings: EarningsStatus
  readonly width: number
  readonly colors: Colors
}): readonly string[] {
  if (sums.length === 0) return ['Nobody pays this node through a channel yet.']
  const count = sums.reduce((total, sum) => total + sum.channels, 0)
  const table = tableLines({
    columns: [
      { title: 'CHANNEL' },
      { title: 'PAYER', flexible: true },
      ...AMOUNTS.map((name) => ({ title: name.toUpperCase(), align: 'right' as const })),
    ],
    rows: channels.map((channel) => [
      channel.channelId.slice(0, SHORT_ID_CHARACTERS),
      channel.payer,
      ...AMOUNTS.map((name) => amountText(channel, name)),
    ]),
    width,
    heading: colors.bold,
  })
  return [
    ...sums.flatMap((sum) => [
      ...fieldLines({
        name: colors.dim,
        fields: [
          ['channels', `${sum.channels}${sum.token === NATIVE_TOKEN ? '' : `, in token ${sum.token}`}`],
          ...AMOUNTS.map((name): [string, string] => [name, sumText(sum, name)]),
        ],
      }),
      '',
    ]),
    ...table,
    ...(channels.length < count ? [colors.dim(`and ${count - channels.length} more`)] : []),
  ]
}

type OfToken = Earned & { readonly token: string }

/** A token's own unit is not known here. */
function amountText(earned: OfToken, name: (typeof AMOUNTS)[number]): string {
  const amount = earned[`${name}Wei`]
  return earned.token === NATIVE_TOKEN ? formatWei(BigInt(amount)) : amount
}

function sumText(sum: OfToken, name: (typeof AMOUNTS)[number]): string {
  const [amount, text] = [sum[`${name}Wei`], amountText(sum, name)]
  return text === amount ? text : `${text} (${amount} wei)`
}
