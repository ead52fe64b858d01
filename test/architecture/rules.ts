/** What the files of one folder under src/ may import. */
export interface FolderRule {
  /** Folders under src/, and single files of folders that are otherwise closed. A folder may always import itself. */
  readonly imports: readonly string[]
  /** npm packages; `@scope/*` stands for a whole scope. */
  readonly packages: readonly string[]
  /** Those of `RESTRICTED_BUILTINS` that are open here; the other built-ins are open anyway. */
  readonly builtins?: readonly string[]
  /** The only built-ins, where a folder does no I/O. */
  readonly onlyBuiltins?: readonly string[]
}

/**
 * Built-ins that reach out of the process, or hold state: open only where a rule names them. Everything that
 * starts a process, listens, dials or opens a database is thereby in one known place.
 */
export const RESTRICTED_BUILTINS: ReadonlySet<string> = new Set([
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'http',
  'http2',
  'https',
  'inspector',
  'module',
  'net',
  'repl',
  'sqlite',
  'tls',
  'vm',
  'wasi',
  'worker_threads',
])

const CORE = ['protocol', 'identity', 'artifacts']
/** Of a node, what all of its folders may use. */
const NODE_ROOT = ['node/clock.ts', 'node/task-errors.ts']

/**
 * Who may import whom. A folder that is not here fails the test, and so does a package that its folder does
 * not list: a new dependency is a decision, and this table is where it is written down.
 */
export const FOLDER_RULES: Readonly<Record<string, FolderRule>> = {
  protocol: {
    imports: [],
    packages: ['zod', 'protons-runtime', 'uint8arraylist', 'yaml', 'fastest-levenshtein'],
    onlyBuiltins: ['buffer'],
  },
  'protocol/network': {
    imports: [...CORE, 'protocol/network/discovery'],
    packages: ['libp2p', '@libp2p/*', '@multiformats/*', 'uint8arraylist', 'protons-runtime'],
    // No code is run in it: it is where V8's collector is to be had (young-garbage.ts).
    builtins: ['vm'],
  },
  'protocol/network/discovery': {
    imports: [...CORE, 'protocol/network'],
    packages: ['libp2p', '@libp2p/*', '@multiformats/*', 'multiformats'],
  },
  identity: { imports: ['protocol'], packages: ['ethers', 'secp256k1', 'zod'], builtins: ['module'] },
  artifacts: { imports: ['protocol'], packages: ['tar-stream', 'zod'] },
  'artifacts/registry': { imports: ['protocol', 'artifacts'], packages: ['zod'] },
  executors: { imports: CORE, packages: [] },
  'executors/wasm': {
    imports: [...CORE, 'executors', 'executors/wasm/host', 'executors/wasm/module', 'executors/wasm/component'],
    packages: ['@wasmer/wasi', 'zod'],
    builtins: ['child_process', 'worker_threads'],
  },
  'executors/wasm/host': {
    imports: [...CORE, 'executors', 'executors/wasm', 'executors/wasm/module'],
    packages: ['@wasmer/wasi'],
  },
  'executors/wasm/module': { imports: ['protocol'], packages: [] },
  'executors/wasm/component': {
    imports: [...CORE, 'executors', 'executors/wasm', 'executors/wasm/host', 'executors/wasm/module'],
    packages: ['@bytecodealliance/jco-transpile'],
    builtins: ['worker_threads'],
  },
  'executors/docker': {
    imports: [...CORE, 'executors', 'executors/docker/images'],
    packages: ['dockerode', 'tar-stream', 'zod'],
    builtins: ['http', 'net'],
  },
  'executors/docker/images': {
    imports: [...CORE, 'artifacts/registry', 'executors', 'executors/docker'],
    packages: ['zod'],
  },
  // Runs when souk is installed, before anything else is there.
  'native/launcher': { imports: [], packages: [], builtins: ['child_process'] },
  native: { imports: [...CORE, 'executors'], packages: [], builtins: ['child_process', 'net'] },
  settlement: {
    imports: [...CORE, 'settlement/contracts'],
    packages: ['ethers', 'secp256k1', 'zod'],
    builtins: ['sqlite'],
  },
  // Generated.
  'settlement/contracts': { imports: [], packages: [] },
  client: {
    imports: [...CORE, 'artifacts/registry', 'protocol/network', 'settlement', 'client/payments'],
    packages: ['yaml', 'zod', 'fastest-levenshtein'],
  },
  // The wallet: what was promised to whom.
  'client/payments': {
    imports: [...CORE, 'client', 'settlement'],
    packages: ['zod'],
    builtins: ['sqlite'],
  },
  'client/market': {
    imports: [...CORE, 'client', 'client/payments', 'protocol/network', 'protocol/network/discovery', 'settlement'],
    packages: ['zod'],
    builtins: ['net', 'sqlite'],
  },
  // A task moves down this list: each folder may import those above it, and none below.
  'node/config': {
    imports: [...CORE, 'executors/docker', 'executors/docker/images', 'executors/wasm', 'native'],
    packages: ['convict'],
    builtins: ['net'],
  },
  'node/journal': { imports: [...CORE, 'executors'], packages: ['zod'], builtins: ['sqlite'] },
  'node/scheduler': { imports: [...NODE_ROOT, 'node/journal', 'protocol'], packages: [] },
  'node/inputs': {
    imports: [...CORE, ...NODE_ROOT, 'executors', 'node/journal', 'node/scheduler'],
    packages: ['p-queue'],
  },
  'node/payments': { imports: [...CORE, ...NODE_ROOT, 'node/journal', 'settlement'], packages: [] },
  'node/results': {
    imports: [
      ...CORE,
      ...NODE_ROOT,
      'protocol/network',
      'node/config',
      'node/journal',
      'node/scheduler',
      'node/payments',
    ],
    packages: ['pino'],
  },
  'node/admission': {
    imports: [
      ...CORE,
      ...NODE_ROOT,
      'executors',
      'node/config',
      'node/journal',
      'node/scheduler',
      'node/inputs',
      'node/payments',
      'node/results',
    ],
    packages: ['pino'],
  },
  'node/attempt': {
    imports: [
      ...CORE,
      ...NODE_ROOT,
      'executors',
      'node/admission',
      'node/inputs',
      'node/journal',
      'node/results',
      'node/scheduler',
    ],
    packages: ['pino'],
  },
  // What the market hears of a node: its offers and its quotes.
  'node/market': {
    imports: [
      ...CORE,
      ...NODE_ROOT,
      'protocol/network',
      'protocol/network/discovery',
      'node/config',
      'node/journal',
      'node/scheduler',
      'node/payments',
      'node/results',
      'node/admission',
    ],
    packages: ['pino'],
    builtins: ['net'],
  },
  'node/http': { imports: ['protocol'], packages: ['pino'], builtins: ['http'] },
  // Joins them.
  node: {
    imports: [
      ...CORE,
      'artifacts/registry',
      'protocol/network',
      'protocol/network/discovery',
      'executors',
      'executors/wasm',
      'executors/docker',
      'executors/docker/images',
      'native',
      'settlement',
      'node/config',
      'node/journal',
      'node/inputs',
      'node/scheduler',
      'node/payments',
      'node/results',
      'node/admission',
      'node/attempt',
      'node/market',
      'node/http',
    ],
    packages: ['pino'],
  },
  cli: {
    imports: [
      'protocol',
      'identity',
      'client',
      'client/market',
      'client/payments',
      'settlement/chain.ts',
      'settlement/channel-contract.ts',
      'settlement/channel-nonces.ts',
      'settlement/payout.ts',
      'cli/commands',
      'cli/render',
      'executors/docker/local-image.ts',
      'node/config',
      'node/create-local-node.ts',
      'node/examine-host.ts',
      'node/privileges.ts',
      'node/reap-data-dir.ts',
    ],
    packages: ['commander', 'picocolors', 'pino'],
    builtins: ['http'],
  },
  'cli/commands': {
    imports: [
      'protocol',
      'identity',
      'client',
      'cli',
      'cli/render',
      'node/config',
      'node/create-node.ts',
      'node/privileges.ts',
    ],
    packages: ['commander', 'picocolors', 'pino'],
    builtins: ['http'],
  },
  // What a person reads in a terminal.
  'cli/render': {
    imports: ['protocol', 'identity', 'client/market', 'cli', 'node/examine-host.ts'],
    packages: ['picocolors'],
  },
}
