import convict from 'convict'
import { dirname, join, resolve } from 'node:path'
import type { Issue } from '../../protocol/error-codes.ts'
import type { RuntimeName } from '../../protocol/execution.ts'
import type { Rates } from '../../protocol/price.ts'
import { unknownKeyMessage } from '../../protocol/issues.ts'
import { conflicts } from './conflicts.ts'
import { parseMount, parseNativeImage, parseRegistry, parseRootfs } from './items.ts'
import { REPLACED_KEYS } from './pricing-keys.ts'
import { invalid, knownValues, readDocument, shorten } from './file.ts'
import {
  CONFIG_KEY_NAMES,
  CONFIG_KEYS,
  CONFIG_SECTIONS,
  variableOf,
  type ConfigKeyName,
  type ConfigValues,
} from './schema.ts'
import { settlementOf } from './settlement-keys.ts'
import type { Config } from './types.ts'
import { thisMachine, type Machine } from './machine.ts'

export type { Config } from './types.ts'

export interface LoadConfigOptions {
  /** The YAML file; without it there are only defaults and the environment. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly machine?: Machine
}

/** Where an effective value comes from; `env NAME` names the variable. */
export type Origin = 'default' | 'file' | `env ${string}`

export interface LoadedConfig {
  readonly config: Config
  /** Per key, as it is named in the file: `sandbox.wasm.timeout`. */
  readonly origins: Readonly<Record<ConfigKeyName, Origin>>
  readonly values: ConfigValues
}

/**
 * The operator's configuration: defaults, overridden by the file, overridden by the environment.
 *
 * @throws SoukError CONFIG_INVALID that lists every problem at once: file, key, what is wrong and what would
 * be right. Its `details.file` is the absolute path, or `environment`.
 */
export async function loadConfig({ file, env, machine = thisMachine() }: LoadConfigOptions): Promise<LoadedConfig> {
  const path = file === undefined ? undefined : resolve(machine.cwd, file)
  const subject = path ?? 'environment'
  const document = path === undefined ? undefined : await readDocument(path)
  const issues: Issue[] = []
  const fromFile = document === undefined ? new Map<ConfigKeyName, unknown>() : knownValues({ document, issues })
  const variables = knownVariables({ env, issues })

  const origins = Object.fromEntries(
    CONFIG_KEY_NAMES.map((name) => [
      name,
      variables[variableOf(name)] !== undefined ? `env ${variableOf(name)}` : fromFile.has(name) ? 'file' : 'default',
    ]),
  ) as Record<ConfigKeyName, Origin>
  const place = (name: ConfigKeyName): string => {
    const origin = origins[name]
    return origin === 'file'
      ? (document?.place(name.split('.')) ?? '')
      : origin === 'default'
        ? ''
        : ` (${origin.slice('env '.length)})`
  }

  const values: Record<string, unknown> = {}
  const layers = convict(
    schemaOf((name, value) => {
      const baseDir = origins[name] === 'file' && path !== undefined ? dirname(path) : machine.cwd
      try {
        values[name] = CONFIG_KEYS[name].kind.parse(value, { machine, baseDir })
      } catch (error) {
        issues.push({ path: name, message: `${(error as Error).message}${place(name)}` })
        throw error
      }
    }),
    // Without `args` convict reads the command line of this process.
    { env: variables, args: [] },
  )
  layers.load(nested(fromFile))
  try {
    layers.validate({ allowed: 'strict' })
  } catch (error) {
    if (issues.length === 0)
      throw invalid({ subject, issues: [{ path: '', message: (error as Error).message }], cause: error })
  }
  if (issues.length > 0) throw invalid({ subject, issues })
  const effective = values as ConfigValues
  const clashes = conflicts(effective).map((issue) => ({
    ...issue,
    message: `${issue.message}${place(issue.path as ConfigKeyName)}`,
  }))
  if (clashes.length > 0) throw invalid({ subject, issues: clashes })
  return deepFreeze({ config: configOf(effective), origins, values: effective })
}

/** One line of `souk config show`. */
export interface ConfigEntry {
  readonly key: ConfigKeyName
  /** As it would be written in the file. */
  readonly value: string | number | boolean | readonly string[]
  readonly origin: Origin
}

/** Every effective value with its origin, in the order of the documentation. */
export function configEntries({ values, origins }: Pick<LoadedConfig, 'values' | 'origins'>): readonly ConfigEntry[] {
  return CONFIG_KEY_NAMES.map((key) => ({
    key,
    value: CONFIG_KEYS[key].kind.show(values[key] as never),
    origin: origins[key],
  }))
}

/** The variables that override keys. One that looks as if it should, and does not, is an issue. */
function knownVariables({ env, issues }: { env: LoadConfigOptions['env']; issues: Issue[] }): Record<string, string> {
  const variables = CONFIG_KEY_NAMES.map(variableOf)
  const sections = Object.keys(CONFIG_SECTIONS).map((section) => `${variableOf(section)}_`)
  const known: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    const replaced = Object.keys(REPLACED_KEYS).find((key) => variableOf(key) === name)
    if (variables.includes(name)) known[name] = value
    else if (replaced !== undefined) issues.push({ path: name, message: REPLACED_KEYS[replaced] ?? '' })
    else if (sections.some((section) => name.startsWith(section))) {
      issues.push({
        path: shorten(name),
        message: unknownKeyMessage({ key: shorten(name), known: variables }).replaceAll('known key', 'known variable'),
      })
    }
  }
  return known
}

type Check = (name: ConfigKeyName, value: unknown) => void

/**
 * convict's schema. Defaults are text, so that convict, which would read `12abc` as 12 and `no` as true,
 * converts nothing: every value is read by its kind.
 */
function schemaOf(check: Check): convict.Schema<Record<string, unknown>> {
  return nested(
    new Map(
      CONFIG_KEY_NAMES.map((name) => {
        const { default: fallback, doc } = CONFIG_KEYS[name]
        return [
          name,
          { doc, default: fallback, env: variableOf(name), format: (value: unknown) => check(name, value) },
        ] as const
      }),
    ),
  ) as convict.Schema<Record<string, unknown>>
}

function nested(flat: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [name, value] of flat) {
    const path = name.split('.')
    const last = path.pop() ?? name
    let node = root
    for (const step of path) node = (node[step] ??= {}) as Record<string, unknown>
    node[last] = value
  }
  return root
}

function configOf(values: ConfigValues): Config {
  const launcherSocket = values['sandbox.native.launcher_socket']
  const fuelLimit = values['sandbox.wasm.fuel_limit']
  const cpuset = values['sandbox.docker.cpuset']
  const user = values['node.user']
  const privateKeyFile = values['network.private_key_file']
  const [uid, gid] = [values['sandbox.native.uid'], values['sandbox.native.gid']]
  return {
    node: {
      dataDir: values['node.data_dir'],
      ...(user !== undefined && { user }),
      logLevel: values['node.log_level'],
    },
    network: {
      listen: values['network.listen'],
      announce: values['network.announce'],
      maxConnections: values['network.max_connections'],
      discovery: values['network.discovery'],
      bootstrap: values['network.bootstrap'],
      mdns: values['network.mdns'],
      relay: values['network.relay'],
      relayLimits: {
        reservations: values['network.relay_reservations'],
        bytes: values['network.relay_bytes'],
        durationMs: values['network.relay_duration'],
      },
      holePunching: values['network.hole_punching'],
      autonat: values['network.autonat'],
      upnp: values['network.upnp'],
      ...(privateKeyFile !== undefined && { privateKeyFile }),
    },
    chain: { id: values['chain.id'] },
    capacity: {
      slots: values['capacity.slots'],
      cpuCores: values['capacity.cpu_cores'],
      memoryBytes: values['capacity.memory'],
      diskBytes: values['capacity.disk'],
    },
    queue: { maxTasks: values['queue.max_tasks'], maxWaitMs: values['queue.max_wait'] },
    peers: { known: values['peers.known'], share: values['peers.share'], unknownShare: values['peers.unknown_share'] },
    timeouts: { totalMs: values['timeouts.total'], drainMs: values['timeouts.drain'] },
    storage: { quotaBytes: values['storage.quota'], taskInputLimitBytes: values['storage.task_input_limit'] },
    retention: { resultsMs: values['retention.results'], maxResults: values['retention.max_results'] },
    cache: {
      enabled: values['cache.enabled'],
      maxEntries: values['cache.max_entries'],
      maxBytes: values['cache.max_bytes'],
      percent: values['cache.percent'],
    },
    retry: { max: values['retry.max'] },
    pricing: {
      rates: { wasm: ratesIn(values, 'wasm'), native: ratesIn(values, 'native'), docker: ratesIn(values, 'docker') },
      freeAllowanceWei: values['pricing.free_allowance'],
    },
    settlement: settlementOf(values),
    sandbox: {
      defaultRuntime: values['sandbox.default_runtime'],
      diskLimitBytes: values['sandbox.disk_limit'],
      inodeLimit: values['sandbox.inode_limit'],
      outputLimitBytes: values['sandbox.output_limit'],
      openFilesLimit: values['sandbox.open_files_limit'],
      cpuTimeLimitMs: values['sandbox.cpu_time_limit'],
      idleTimeoutMs: values['sandbox.idle_timeout'],
      cpuSharesLimit: values['sandbox.cpu_shares_limit'],
      wasm: {
        enabled: values['sandbox.wasm.enabled'],
        memoryLimitBytes: values['sandbox.wasm.memory_limit'],
        stackSizeBytes: values['sandbox.wasm.stack_size'],
        timeoutMs: values['sandbox.wasm.timeout'],
        maxModuleBytes: values['sandbox.wasm.max_module'],
        compileTimeoutMs: values['sandbox.wasm.compile_timeout'],
        prewarm: values['sandbox.wasm.prewarm'],
        host: values['sandbox.wasm.host'],
        reuse: values['sandbox.wasm.reuse'],
        ...(fuelLimit !== undefined && { fuelLimit }),
      },
      native: {
        enabled: values['sandbox.native.enabled'],
        mode: values['sandbox.native.mode'],
        memoryLimitBytes: values['sandbox.native.memory_limit'],
        cpuLimitCores: values['sandbox.native.cpu_limit'],
        pidsLimit: values['sandbox.native.pids_limit'],
        timeoutMs: values['sandbox.native.timeout'],
        stackSizeBytes: values['sandbox.native.stack_size'],
        ...(uid !== undefined && { uid }),
        ...(gid !== undefined && { gid }),
        rootfs: values['sandbox.native.rootfs'].map(parseRootfs),
        mounts: values['sandbox.native.mounts'].map(parseMount),
        maxRootBytes: values['sandbox.native.max_root'],
        images: values['sandbox.native.images'].map(parseNativeImage),
        imageCacheBytes: values['sandbox.native.image_cache'],
        ...(launcherSocket !== undefined && { launcherSocket }),
      },
      docker: {
        enabled: values['sandbox.docker.enabled'],
        socket: values['sandbox.docker.socket'],
        images: values['sandbox.docker.images'],
        classes: values['sandbox.docker.classes'],
        prewarm: values['sandbox.docker.prewarm'],
        reattachMs: values['sandbox.docker.reattach'],
        registries: values['sandbox.docker.registries'].map(parseRegistry),
        archives: values['sandbox.docker.archives'],
        maxImageBytes: values['sandbox.docker.image_limit'],
        pullTimeoutMs: values['sandbox.docker.pull_timeout'],
        imageCacheBytes: values['sandbox.docker.image_cache'],
        memoryLimitBytes: values['sandbox.docker.memory_limit'],
        cpuLimitCores: values['sandbox.docker.cpu_limit'],
        ...(cpuset !== undefined && { cpuset }),
        pidsLimit: values['sandbox.docker.pids_limit'],
        timeoutMs: values['sandbox.docker.timeout'],
        uid: values['sandbox.docker.uid'],
        gid: values['sandbox.docker.gid'],
        gpus: values['sandbox.docker.gpus'],
        networkMode: values['sandbox.docker.network_mode'],
        privileged: values['sandbox.docker.privileged'],
      },
    },
  }
}

function ratesIn(values: ConfigValues, runtime: RuntimeName): Rates {
  return {
    startWei: String(values[`pricing.${runtime}.start`]),
    cpuSecondWei: String(values[`pricing.${runtime}.cpu_second`]),
    mibSecondWei: String(values[`pricing.${runtime}.mib_second`]),
    outputMibWei: String(values[`pricing.${runtime}.output_mib`]),
    // Nothing else counts instructions.
    millionFuelWei: runtime === 'wasm' ? String(values['pricing.wasm.million_fuel']) : '0',
    minimumWei: String(values[`pricing.${runtime}.minimum`]),
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const child of Object.values(value)) deepFreeze(child)
  return Object.freeze(value)
}

/** Where a node keeps what it keeps, below its data folder. */
export interface NodePaths {
  readonly key: string
  readonly socket: string
  readonly probes: string
}

export function nodePaths(dataDir: string): NodePaths {
  return { key: join(dataDir, 'key'), socket: join(dataDir, 'run', 'souk.sock'), probes: join(dataDir, 'probes.json') }
}
