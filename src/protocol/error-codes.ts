import type { LimitName } from './limits.ts'
import type { Refusal } from './refusals.ts'

/** Who has to change something before a retry makes sense, and who bears the cost. */
export const FAULTS = ['requester', 'provider', 'network', 'operator'] as const
export type Fault = (typeof FAULTS)[number]

/** The step at which a task, or the command that carried it, failed. */
export const PHASES = [
  'parse',
  'config',
  'start',
  'connect',
  'admission',
  'queue',
  'prepare',
  'run',
  'collect',
  'deliver',
  'verify',
] as const
export type Phase = (typeof PHASES)[number]

export interface Issue {
  /** Dotted path of the key, empty for the whole document. */
  readonly path: string
  readonly message: string
}

/** The details that each code carries: JSON values only, so that they cross the wire unchanged. */
export interface ErrorDetails {
  INVALID_INPUT: { readonly issues: readonly Issue[] }
  INVALID_USAGE: { readonly argument?: string }
  MODULE_REFUSED: { readonly reason: string; readonly name?: string }
  IMAGE_REFUSED: { readonly reason: string; readonly image?: string }
  REFUSED: { readonly reasons: readonly Refusal[] }
  EXECUTION_TIMEOUT: { readonly limit: LimitName; readonly limitMs?: number }
  RESOURCE_LIMIT: { readonly limit: LimitName; readonly limitValue?: number }
  QUEUE_TIMEOUT: { readonly waitedMs: number }
  TOTAL_TIMEOUT: { readonly limitMs: number }
  CANCELLED: Record<string, never>
  NOT_FOUND: { readonly id: string }
  BLOB_UNAVAILABLE: { readonly sha256: string }
  RUNTIME_UNAVAILABLE: { readonly runtime: string; readonly why: string }
  EXECUTOR_FAILED: { readonly runtime: string; readonly reason: string }
  STORAGE_FULL: { readonly neededBytes?: number; readonly quotaBytes?: number }
  PROVIDER_STOPPED: { readonly attempts: number }
  UNREACHABLE: { readonly address: string }
  CONNECTION_LOST: { readonly address?: string }
  PROTOCOL_ERROR: { readonly reason: string }
  CONFIG_INVALID: { readonly file: string; readonly issues: readonly Issue[] }
  KEY_UNUSABLE: { readonly file: string; readonly reason: string }
  START_FAILED: { readonly reason: string }
  NODE_NOT_RUNNING: { readonly socket: string }
  RECEIPT_INVALID: { readonly reasons: readonly string[] }
  INTERNAL: { readonly reason: string }
  NO_QUORUM: {
    /** How many had to say the same, and how many at most did. */
    readonly needed: number
    readonly agreed: number
    readonly said: readonly { readonly provider: string; readonly what: string }[]
  }
  CHAIN_UNREACHABLE: { readonly endpoints: readonly string[]; readonly reason: string }
  WRONG_CHAIN: { readonly endpoint: string; readonly expected: number; readonly found: number }
  CHAIN_REFUSED: { readonly kind: string; readonly reason: string; readonly hash?: string }
  PAYMENT_REQUIRED: { readonly channelId: string; readonly askedWei: string; readonly receivedWei: string }
  CONNECTION_LIMITED: { readonly bytes: number; readonly mostBytes: number }
}
export type ErrorCode = keyof ErrorDetails

interface CodeFacts {
  /** The usual fault party and retryability; an instance may say otherwise. */
  readonly fault: Fault
  readonly retryable: boolean
  readonly phase: Phase
  /** One sentence for the documentation: when it is thrown. */
  readonly meaning: string
  /** What a person can do, unless the error itself has a better hint. */
  readonly hint: string
}

/** Every code, with its defaults. docs/ERRORS.md is generated from this table. */
export const ERROR_CODES: { readonly [C in ErrorCode]: CodeFacts } = {
  INVALID_INPUT: {
    fault: 'requester',
    retryable: false,
    phase: 'parse',
    meaning: 'The task, or a file it names, cannot be: a key, a value or a digest is wrong.',
    hint: 'Correct what is named and submit again.',
  },
  INVALID_USAGE: {
    fault: 'requester',
    retryable: false,
    phase: 'parse',
    meaning: 'The command line is wrong.',
    hint: 'See --help.',
  },
  MODULE_REFUSED: {
    fault: 'requester',
    retryable: false,
    phase: 'prepare',
    meaning: 'The WebAssembly module is malformed, too large, or asks for something this provider does not give.',
    hint: 'Build it for wasm32-wasip1 (a module) or wasm32-wasip2 (a component), without the feature that is named.',
  },
  IMAGE_REFUSED: {
    fault: 'requester',
    retryable: false,
    phase: 'prepare',
    meaning:
      'The image is not allowed here, is not there, is not what its digest says, or has something in it that is not taken.',
    hint: 'Use an image that the provider allows, pinned by digest.',
  },
  REFUSED: {
    fault: 'requester',
    retryable: false,
    phase: 'admission',
    meaning: 'The provider does not take the task; every reason is listed.',
    hint: 'Change what the reasons name, or ask another provider.',
  },
  EXECUTION_TIMEOUT: {
    fault: 'requester',
    retryable: false,
    phase: 'run',
    meaning:
      'The task met its wall, CPU or idle time limit (thrown only for callers who want success or an exception).',
    hint: 'Raise the time limit, or give the task less to do.',
  },
  RESOURCE_LIMIT: {
    fault: 'requester',
    retryable: false,
    phase: 'run',
    meaning: 'The task met a limit other than time (thrown only for callers who want success or an exception).',
    hint: 'Raise the limit that is named.',
  },
  QUEUE_TIMEOUT: {
    fault: 'provider',
    retryable: true,
    phase: 'queue',
    meaning: 'The task waited in the queue for longer than it allows; it never started and costs nothing.',
    hint: 'Try again later, allow a longer queue timeout, or ask another provider.',
  },
  TOTAL_TIMEOUT: {
    fault: 'provider',
    retryable: true,
    phase: 'queue',
    meaning: 'The total timeout ran out before the task had started; it costs nothing.',
    hint: 'Allow a longer total timeout, or ask another provider.',
  },
  CANCELLED: {
    fault: 'requester',
    retryable: false,
    phase: 'queue',
    meaning: 'The requester cancelled the task before it started; it costs nothing.',
    hint: 'Submit it again if it was cancelled by mistake.',
  },
  NOT_FOUND: {
    fault: 'requester',
    retryable: false,
    phase: 'admission',
    meaning: 'The provider has no such task or blob for this requester.',
    hint: 'Check the id, the provider and the key; results are kept for a limited time.',
  },
  BLOB_UNAVAILABLE: {
    fault: 'requester',
    retryable: true,
    phase: 'prepare',
    meaning: 'A blob that the task names could not be fetched from its requester.',
    hint: 'Keep the requester connected until the inputs are transferred.',
  },
  RUNTIME_UNAVAILABLE: {
    fault: 'provider',
    retryable: true,
    phase: 'prepare',
    meaning: 'The runtime does not work on this host (any more).',
    hint: 'Ask another provider; the operator runs `souk doctor`.',
  },
  EXECUTOR_FAILED: {
    fault: 'provider',
    retryable: true,
    phase: 'run',
    meaning: 'The sandbox failed through no fault of the task; it costs nothing.',
    hint: 'Try again, or ask another provider.',
  },
  STORAGE_FULL: {
    fault: 'provider',
    retryable: true,
    phase: 'collect',
    meaning: 'A quota of the artifact store, or of unpacked images, is used up.',
    hint: 'Fetch results earlier, or ask for less.',
  },
  PROVIDER_STOPPED: {
    fault: 'provider',
    retryable: true,
    phase: 'run',
    meaning: 'The provider stopped or was restarted while it had the task; it costs nothing.',
    hint: 'Submit again; `retry` lets the provider run it again by itself.',
  },
  UNREACHABLE: {
    fault: 'network',
    retryable: true,
    phase: 'connect',
    meaning: 'No connection to the address, of a provider or of a registry of images, could be made.',
    hint: 'Check the address and that the provider is up.',
  },
  CONNECTION_LOST: {
    fault: 'network',
    retryable: true,
    phase: 'deliver',
    meaning: 'The connection broke before the answer came.',
    hint: 'Connect again; an accepted task goes on and is found by its id.',
  },
  PROTOCOL_ERROR: {
    fault: 'network',
    retryable: false,
    phase: 'deliver',
    meaning: 'The other side sent something that the protocol does not allow.',
    hint: 'Check that both sides speak the same version of the protocol.',
  },
  CONFIG_INVALID: {
    fault: 'operator',
    retryable: false,
    phase: 'config',
    meaning: 'The configuration is wrong; file, key and what would be right are named.',
    hint: 'Correct the key; `souk config show` prints the effective values.',
  },
  KEY_UNUSABLE: {
    fault: 'operator',
    retryable: false,
    phase: 'start',
    meaning: 'The key file cannot be read, is readable by others, or holds no secp256k1 key.',
    hint: 'Restore the key file with mode 0600, or move it away to have a new key made.',
  },
  START_FAILED: {
    fault: 'operator',
    retryable: false,
    phase: 'start',
    meaning: 'The node could not start.',
    hint: 'See the reason; `souk doctor` tells what this host can do.',
  },
  NODE_NOT_RUNNING: {
    fault: 'operator',
    retryable: true,
    phase: 'connect',
    meaning: 'No node answers on the local socket.',
    hint: 'Start it with `souk up`, or name its configuration with --config.',
  },
  RECEIPT_INVALID: {
    fault: 'provider',
    retryable: false,
    phase: 'verify',
    meaning: 'A receipt does not verify: signature, digest or form is wrong.',
    hint: 'Do not trust the result; it is not what the provider signed.',
  },
  INTERNAL: {
    fault: 'provider',
    retryable: false,
    phase: 'run',
    meaning: 'A bug in souk.',
    hint: 'Please report it with the log.',
  },
  NO_QUORUM: {
    fault: 'provider',
    retryable: true,
    phase: 'verify',
    meaning:
      'Of the providers that were to run a task that is checked, too few said the same; what each said is listed.',
    hint: 'Where they signed different things the proof was kept: `souk verify` with `--run` says who was right. Else ask again, or ask fewer providers.',
  },
  CHAIN_UNREACHABLE: {
    fault: 'network',
    retryable: true,
    phase: 'connect',
    meaning: 'No Ethereum endpoint answers in time, or none gives an answer that can be understood.',
    hint: 'Check the endpoints (settlement.rpc, or --rpc) and try again; what was sent to the chain is not lost.',
  },
  WRONG_CHAIN: {
    fault: 'operator',
    retryable: false,
    phase: 'config',
    meaning: 'An Ethereum endpoint serves another chain than the one that signatures are bound to.',
    hint: 'Name endpoints of the chain of chain.id (or --chain-id), or correct that id.',
  },
  CHAIN_REFUSED: {
    fault: 'operator',
    retryable: false,
    phase: 'deliver',
    meaning:
      'The chain, or the contract, does not take a call or a transaction: funds are missing, or it was reverted.',
    hint: 'See the reason; `souk wallet` tells what the account holds.',
  },
  PAYMENT_REQUIRED: {
    fault: 'requester',
    retryable: true,
    phase: 'deliver',
    meaning:
      'What a task has put out is kept back until what it came to is paid; or a channel holds too little to pay with.',
    hint: 'Send a voucher for the amount that is asked, then ask again; top the channel up where it holds less.',
  },
  CONNECTION_LIMITED: {
    fault: 'network',
    retryable: false,
    phase: 'deliver',
    meaning: 'The only connection goes through a relay, and a file is too large for that.',
    hint: 'Use smaller files, or a provider that can be dialled directly; as a provider, give an address that can be dialled (network.announce, network.upnp).',
  },
}
