import type { ExaminedRuntime } from '../../node/examine-host.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { LimitKey, Limits } from '../../protocol/limits.ts'
import type { RuntimeClassStatus } from '../../protocol/node-status.ts'
import { formatBytes, formatDurationMs, formatWei } from '../../protocol/units.ts'
import type { Diagnosis } from '../diagnosis.ts'
import type { ChainDiagnosis } from '../examine-chain.ts'
import { printable } from './printable.ts'
import { fieldLines, wrapped } from './table.ts'
import type { Colors } from './terminal.ts'

export interface DiagnosisText {
  readonly diagnosis: Diagnosis
  readonly width: number
  readonly colors: Colors
}

/** `souk doctor` for a person. */
export function diagnosisLines({ diagnosis, width, colors }: DiagnosisText): readonly string[] {
  const { config, secp256k1 } = diagnosis
  const problem = (text: string): string => colors.red(text)
  const host = fieldLines({
    name: colors.dim,
    fields: [
      ['souk', `${diagnosis.souk}, Node ${diagnosis.node}`],
      ['host', `${diagnosis.kernel}, ${diagnosis.arch}`],
      ['secp256k1', secp256k1.native ? 'native' : `${problem('not native')}: ${printable(secp256k1.why ?? '')}`],
      [
        'config',
        config.valid
          ? `${config.file === null ? 'defaults and environment' : printable(config.file)}, valid`
          : `${printable(config.file ?? 'environment')} ${problem('is not valid; defaults are looked at instead')}`,
      ],
      ...config.issues.map(({ path, message }): [string, string] => [
        '',
        printable(path === '' ? message : `${path} ${message}`),
      ]),
      ['rights', rightsText(diagnosis.privileges, colors)],
      ...(diagnosis.chain === undefined ? [] : [['chain', chainText(diagnosis.chain, colors)] as [string, string]]),
    ],
  })
  return [...host, ...diagnosis.runtimes.flatMap((runtime) => ['', ...runtimeLines({ runtime, width, colors })])]
}

function rightsText({ root, user, problem }: Diagnosis['privileges'], colors: Colors): string {
  if (problem !== undefined) return colors.yellow(printable(problem))
  if (user === undefined) return 'an ordinary user'
  return root ? `the launcher is root, the node becomes ${printable(user)}` : `${printable(user)}, an ordinary user`
}

const HOUR_MS = 3_600_000
/** Chains that are waited for have a block within minutes. */
const OLD_BLOCK_SECONDS = 600

function chainText(chain: ChainDiagnosis, colors: Colors): string {
  const { chainId, contract, problem, node, gasBalanceWei = '0', challengePeriodMs = 0, blockAgeSeconds = 0 } = chain
  const place = `${chainId}, contract ${contract}`
  if (problem !== undefined) return `${place}: ${colors.red(printable(problem))}`
  const age =
    blockAgeSeconds > OLD_BLOCK_SECONDS
      ? colors.yellow(`; its newest block is ${blockAgeSeconds} s old: the endpoint is behind, or the clock is wrong`)
      : ''
  const known = `${place}, with ${hoursText(challengePeriodMs)} to redeem in once a payer closes${age}`
  if (node === undefined) return `${known}; the node has no key yet`
  const balance = `${formatWei(BigInt(gasBalanceWei))} for gas`
  return `${known}; ${node} has ${gasBalanceWei === '0' ? colors.yellow(`${balance}: it can redeem nothing`) : balance}`
}

function hoursText(ms: number): string {
  const hours = Math.floor(ms / HOUR_MS)
  return hours === 0 ? `${Math.floor(ms / 60_000)} minutes` : hours === 1 ? 'an hour' : `${hours} hours`
}

const INDENT = '  '

function runtimeLines({
  runtime,
  width,
  colors,
}: {
  readonly runtime: ExaminedRuntime
  readonly width: number
  readonly colors: Colors
}): readonly string[] {
  const title = colors.bold(runtime.runtime)
  if (!runtime.available) {
    const state = runtime.enabled ? 'not available' : 'not available, and turned off'
    return [`${title}: ${colors.yellow(state)}`, ...indented({ text: printable(runtime.why), width })]
  }
  const { caps, isolation, proven, unproven, waived, features } = runtime
  const rows = [
    ...proven.map(({ limit, how }) => ({ limit, mark: colors.green('✓'), text: how })),
    ...unproven.map(({ limit, why }) => ({ limit, mark: colors.yellow('–'), text: why })),
  ]
  const shown = rows.map(({ limit }) => ({ limit, cap: capText(limit, caps) }))
  const limitWidth = Math.max(0, ...shown.map(({ limit }) => limit.length))
  const capWidth = Math.max(0, ...shown.map(({ cap }) => cap.length))
  const textAt = INDENT.length + 2 + limitWidth + 2 + capWidth + 2
  const limits = rows.flatMap(({ limit, mark, text }) => {
    const [first = '', ...more] = wrapped({ text: printable(text), width: Math.max(MIN_TEXT_WIDTH, width - textAt) })
    const start = `${INDENT}${mark} ${limit.padEnd(limitWidth)}  ${capText(limit, caps).padStart(capWidth)}  `
    return [`${start}${first}`, ...more.map((line) => `${' '.repeat(textAt)}${line}`)]
  })
  const able = runtime.enabled ? colors.green('available') : colors.yellow('able, but turned off')
  const state = runtime.mode === 'degraded' ? `${able}, ${colors.yellow('degraded')}` : able
  return [
    `${title}: ${state}, ${printable(isolation.engine)}`,
    ...(runtime.enabled ? [] : indented({ text: TURN_ON[runtime.runtime], width })),
    ...listLines({ name: 'layers ', items: isolation.layers, width, colors }),
    ...listLines({ name: 'missing', items: isolation.missing, width, colors }),
    ...listLines({ name: 'offers ', items: features, width, colors }),
    ...(waived.length === 0 ? [] : indented({ text: WITHOUT_LIMITS, width })),
    `${INDENT}${colors.dim('limits, each one hit (✓ holds, up to the value; – cannot be had here)')}`,
    ...limits,
    ...classLines({ classes: runtime.classes ?? [], width, colors }),
  ]
}

/** What a class differs in from the first, of which all the rest is said; or why it is not offered. */
function classLines({
  classes,
  width,
  colors,
}: {
  readonly classes: readonly RuntimeClassStatus[]
  readonly width: number
  readonly colors: Colors
}): readonly string[] {
  if (classes.length === 0) return []
  return [
    `${INDENT}${colors.dim('classes, the first for tasks that name none')}`,
    ...classes.flatMap((each) => {
      if (!each.available)
        return [
          `${INDENT}${colors.yellow('–')} ${printable(each.name)}: ${colors.yellow('not offered')}`,
          ...indented({ text: printable(each.why), width }).map((line) => `${INDENT}${line}`),
        ]
      const { isolation, proven } = each
      const rows = [
        `layers ${isolation.layers.join(', ')}`,
        ...(isolation.missing.length === 0 ? [] : [`missing ${isolation.missing.join(', ')}`]),
        `limits ${proven.map(({ limit }) => limit).join(', ')}`,
      ]
      return [
        `${INDENT}${colors.green('✓')} ${printable(each.name)}: ${printable(isolation.engine)}`,
        ...rows.flatMap((text) => indented({ text: printable(text), width }).map((line) => `${INDENT}${line}`)),
      ]
    }),
  ]
}

const MIN_TEXT_WIDTH = 24

/** In degraded mode, where something is missing. */
const WITHOUT_LIMITS =
  'tasks run without the limits that are missing. To have them run the node as root with node.user, or beside a launcher of root, or delegate a control group (v2) with the controllers memory, pids and cpu to its user'

/** What the operator does to offer it. `--local` needs none of this. */
const TURN_ON: Readonly<Record<RuntimeName, string>> = {
  wasm: 'to offer it set sandbox.wasm.enabled to true',
  docker: 'to offer it set sandbox.docker.enabled to true, and sandbox.docker.images to what tasks may use',
  native: 'to offer it set sandbox.native.enabled to true',
}

function listLines({
  name,
  items,
  width,
  colors,
}: {
  readonly name: string
  readonly items: readonly string[]
  readonly width: number
  readonly colors: Colors
}): readonly string[] {
  if (items.length === 0) return []
  const [first = '', ...more] = wrapped({
    text: items.map(printable).join(', '),
    width: width - INDENT.length - name.length - 1,
  })
  return [`${INDENT}${colors.dim(name)} ${first}`, ...more.map((line) => `${INDENT}${' '.repeat(name.length)} ${line}`)]
}

function indented({ text, width }: { readonly text: string; readonly width: number }): readonly string[] {
  return wrapped({ text, width: width - INDENT.length }).map((line) => `${INDENT}${line}`)
}

/** A limit's value as a task file would say it. */
function capText(limit: LimitKey, caps: Limits): string {
  const value = caps[limit]
  if (value === undefined) return ''
  if (limit.endsWith('Bytes')) return formatBytes(value)
  return limit.endsWith('Ms') ? formatDurationMs(value) : String(value)
}
