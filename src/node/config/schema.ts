import { ethereumAddress } from './items.ts'
import { key, KIB, MIB, type ConfigKey } from './key.ts'
import { decimal, duration, flag, integer, list, oneOf, optionalUser, path, size } from './kinds.ts'
import { NETWORK_KEYS } from './network-keys.ts'
import { PRICING_KEYS, PRICING_SECTIONS } from './pricing-keys.ts'
import { SANDBOX_KEYS } from './sandbox-keys.ts'
import { SETTLEMENT_KEYS, SETTLEMENT_SECTIONS } from './settlement-keys.ts'
import { LOG_LEVELS } from './types.ts'
import type { Machine } from './machine.ts'

/** What memory that nobody has asked the operator about is given away: half of it. */
const MEMORY_SHARE = 0.5

const halfOfMemory = (machine: Machine): number =>
  Math.max(64 * MIB, Math.floor((machine.memoryBytes * MEMORY_SHARE) / MIB) * MIB)

/** Every section, in the order of the documentation. */
export const CONFIG_SECTIONS: Readonly<Record<string, string>> = {
  node: 'The node itself.',
  network: 'Where it listens, and how it finds others and is found. Loopback, and not at all, until you say otherwise.',
  chain: 'Which chain the tasks and receipts are signed for.',
  capacity: 'What all tasks together may use of this machine.',
  queue: 'Tasks that wait for a slot.',
  peers: 'A peer has a share, not the machine.',
  timeouts: 'Times that are no limits of a sandbox.',
  storage: 'The store of inputs and results.',
  retention: 'How long what is finished is kept for its requester.',
  cache:
    'Results of deterministic tasks that are given again to whoever asks the same. It is empty after each start. What others can learn from it: [SECURITY.md](SECURITY.md#the-result-cache).',
  retry: 'Running a task again after a fault of this provider.',
  ...PRICING_SECTIONS,
  ...SETTLEMENT_SECTIONS,
  sandbox:
    'The caps that this provider offers to one task. A task that asks for more is refused; one that does not ask has the cap itself.',
  'sandbox.wasm': 'WebAssembly.',
  'sandbox.native':
    'Native Linux programs, in namespaces and control groups, behind a filter of system calls. What they need of this host, and what of it is there, `souk doctor` says, whether they are enabled or not.',
  'sandbox.docker':
    'Containers of a Docker engine on this host. What is missing for them `souk doctor` says, whether they are enabled or not.',
}

/** Every key, its kind, its default and its meaning: the effective values, CONFIG.md and default.yaml follow from this. */
export const CONFIG_KEYS = {
  'node.data_dir': key({
    kind: path(),
    default: '~/.souk/node',
    doc: 'Folder of everything that the node keeps: its key, journal, artifacts and sockets. Made with mode 0700. One node at a time.',
  }),
  'node.user': key({
    kind: optionalUser(),
    default: '',
    doc: 'The user that the node becomes when root starts it (`souk up`): the launcher of the sandboxes stays root, and nothing else does. The data folder is made for that user, or is theirs already. Left empty, the node stays who starts it.',
  }),
  'node.log_level': key({ kind: oneOf(LOG_LEVELS), default: 'info', doc: 'What is logged, from the most to nothing.' }),
  ...NETWORK_KEYS,
  'chain.id': key({
    kind: integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    default: '0',
    doc: 'EIP-155 chain id that signatures are bound to; 0 without a chain.',
  }),
  'capacity.slots': key({
    kind: integer({ min: 1, max: 4096, auto: (machine) => machine.cores }),
    default: 'auto',
    auto: 'the number of cores',
    doc: 'The most tasks that run at once.',
  }),
  'capacity.cpu_cores': key({
    kind: decimal({ min: 0.1, max: 4096, auto: (machine) => machine.cores }),
    default: 'auto',
    auto: 'the number of cores',
    doc: 'Cores that all tasks together may use.',
  }),
  'capacity.memory': key({
    kind: size({ min: 16 * MIB, auto: halfOfMemory }),
    default: 'auto',
    auto: 'half of the memory',
    doc: 'Memory that all tasks together may use.',
  }),
  'capacity.disk': key({
    kind: size({ min: MIB }),
    default: '4g',
    doc: 'Scratch space that all running tasks together may use.',
  }),
  'queue.max_tasks': key({
    kind: integer({ min: 0, max: 1_000_000 }),
    default: '1000',
    doc: 'The most tasks that wait; 0 takes a task only when it can start.',
  }),
  'queue.max_wait': key({
    kind: duration(),
    default: '10m',
    doc: 'The longest that a task may wait: the cap on, and default of, its queue timeout.',
  }),
  'peers.known': key({
    kind: list({ item: ethereumAddress, max: 10_000 }),
    default: '',
    doc: 'Requesters that you know. They are not bound by `unknown_share`.',
  }),
  'peers.share': key({
    kind: decimal({ min: 0.001, max: 1 }),
    default: '0.5',
    doc: 'Fraction of slots, of the queue and of storage that any one peer may hold; always at least one slot and one place.',
  }),
  'peers.unknown_share': key({
    kind: decimal({ min: 0.001, max: 1 }),
    default: '0.75',
    doc: 'The same fraction for all peers together that are not in `known`: a crowd of new keys leaves room for those you know.',
  }),
  'timeouts.total': key({
    kind: duration(),
    default: '1d',
    doc: "From acceptance to the end of the last attempt: the cap on, and default of, a task's total timeout.",
  }),
  'timeouts.drain': key({
    kind: duration({ min: 0 }),
    default: '30s',
    doc: 'How long a node that stops lets running tasks go on.',
  }),
  'storage.quota': key({
    kind: size({ min: MIB }),
    default: '10g',
    doc: 'What is stored for requesters: inputs and result files. The stdout and stderr of finished tasks may take as much again.',
  }),
  'storage.task_input_limit': key({
    kind: size({ min: 64 * KIB }),
    default: '1g',
    doc: 'Everything that one task brings: program, stdin and inputs.',
  }),
  'retention.results': key({
    kind: duration({ max: 3650 * 86_400_000 }),
    default: '1d',
    doc: 'How long a result, its output and its files are kept after the end of the task.',
  }),
  'retention.max_results': key({
    kind: integer({ min: 1, max: 10_000_000 }),
    default: '10000',
    doc: 'The most results that are kept; of whoever has most, the oldest go first.',
  }),
  'cache.enabled': key({
    kind: flag(),
    default: 'false',
    doc: 'Whether a deterministic task may be answered with what the same task came to before. Its requester brings every file of it all the same, and the receipt says so.',
  }),
  'cache.max_entries': key({
    kind: integer({ min: 1, max: 1_000_000 }),
    default: '1000',
    doc: 'The most results that are kept for that; the one that was asked for longest ago goes first.',
  }),
  'cache.max_bytes': key({
    kind: size({ min: MIB }),
    default: '1g',
    doc: 'What their output and files may take of the disk, beside `storage.quota`.',
  }),
  'cache.percent': key({
    kind: integer({ min: 0, max: 100 }),
    default: '50',
    doc: 'What such an answer costs, in percent of what computing it did.',
  }),
  'retry.max': key({
    kind: integer({ min: 0, max: 10 }),
    default: '3',
    doc: 'The most times that a task which asks for it (`retry`) is run again.',
  }),
  ...PRICING_KEYS,
  ...SETTLEMENT_KEYS,
  ...SANDBOX_KEYS,
} as const satisfies Readonly<Record<string, ConfigKey<unknown>>>

export type ConfigKeyName = keyof typeof CONFIG_KEYS
export const CONFIG_KEY_NAMES = Object.keys(CONFIG_KEYS) as readonly ConfigKeyName[]

/** The effective values by key. */
export type ConfigValues = {
  readonly [K in ConfigKeyName]: (typeof CONFIG_KEYS)[K] extends ConfigKey<infer T> ? T : never
}

/** The environment variable that overrides a key: `sandbox.wasm.timeout` is SOUK_SANDBOX_WASM_TIMEOUT. */
export function variableOf(name: string): string {
  return `SOUK_${name.replaceAll('.', '_').toUpperCase()}`
}
