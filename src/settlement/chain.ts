import type { z } from 'zod'
import { SoukError } from '../protocol/errors.ts'
import {
  blockSchema,
  countSchema,
  dataSchema,
  logsSchema,
  quantitySchema,
  receiptSchema,
  transactionSchema,
  wordSchema,
  type ChainBlock,
  type ChainLog,
  type ChainReceipt,
} from './chain-answers.ts'
import { EndpointFailure, openEndpoint, type Endpoint } from './chain-endpoint.ts'

export type { ChainBlock, ChainLog, ChainReceipt } from './chain-answers.ts'

/** EIP-1559: the most that is paid for a unit of gas, and what of it is the proposer's, in wei. */
export interface Fees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** `latest` and `pending` as the JSON-RPC specification has them, or a block's number. */
export type BlockTag = 'latest' | 'pending' | number

export interface ChainCall {
  readonly from?: string
  readonly to: string
  /** `0x` and hex digits. */
  readonly data: string
  readonly valueWei?: bigint
}

export interface LogFilter {
  readonly address: string
  /** By position; null takes any. */
  readonly topics: readonly (string | null)[]
  readonly fromBlock: number
  readonly toBlock: number
}

/** Of what several endpoints answer; the same twice where they agree, or there is one. */
export interface Range<T> {
  readonly least: T
  readonly most: T
}

/**
 * What souk needs of an Ethereum chain. All methods throw SoukError CHAIN_UNREACHABLE where no endpoint answers, WRONG_CHAIN where
 * one is of another chain, and CHAIN_REFUSED where the answer is an error.
 */
export interface Chain {
  readonly chainId: number
  blockNumber(): Promise<number>
  /** Undefined where the chain has none of this number (any more). */
  block(number: number): Promise<ChainBlock | undefined>
  /** The most that any endpoint says. */
  balance(address: string): Promise<bigint>
  /** How many transactions the address has sent: its next nonce. All endpoints are asked; where they differ, one lies or is behind. */
  nonce(address: string, at: BlockTag): Promise<Range<number>>
  /** What a transaction has to offer to be in one of the next blocks, as all endpoints say. */
  fees(): Promise<Range<Fees>>
  /** As all endpoints say that do not refuse it, the highest first. */
  estimateGas(call: ChainCall): Promise<readonly bigint[]>
  call(call: ChainCall, at?: BlockTag): Promise<string>
  /** `0x` where there is no contract. */
  code(address: string): Promise<string>
  /** Hands in a signed transaction (hex) at every endpoint, so that one which keeps it to itself does no harm; its hash. */
  send(rawTransaction: string): Promise<string>
  /** Undefined while it is in no block. */
  receipt(hash: string): Promise<ChainReceipt | undefined>
  /** Whether the endpoint has it, in its pool or in a block. */
  isKnown(hash: string): Promise<boolean>
  /** In pieces of bounded length, oldest first. */
  logs(filter: LogFilter): Promise<readonly ChainLog[]>
  close(): void
}

export interface ChainOptions {
  /** In the order in which they are tried; at least one. */
  readonly endpoints: readonly string[]
  readonly chainId: number
  /** For one request to one endpoint. */
  readonly timeoutMs?: number
  /** How long an endpoint that failed is tried after the others. */
  readonly avoidMs?: number
}

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_AVOID_MS = 30_000
/** Public endpoints refuse ranges above 1,000 to 10,000 blocks. */
const BLOCKS_PER_REQUEST = 1_000
const DEFAULT_TIP_WEI = 1_000_000_000n

interface Tried {
  readonly endpoint: Endpoint
  checked: boolean
  avoidUntilMs: number
}

/** The chain of several endpoints. Each is asked for its chain id before anything else; nothing is asked here. */
export function openChain({
  endpoints,
  chainId,
  timeoutMs = DEFAULT_TIMEOUT_MS,
  avoidMs = DEFAULT_AVOID_MS,
}: ChainOptions): Chain {
  const tried: readonly Tried[] = endpoints.map((url) => ({
    endpoint: openEndpoint({ url, chainId, timeoutMs }),
    checked: false,
    avoidUntilMs: 0,
  }))

  function ask<T>(method: string, params: readonly unknown[], schema: z.ZodType<T, unknown>): Promise<T> {
    return askOneOf(tried, (endpoint) => endpoint.send(method, params).then((answer) => parsed(answer, schema)))
  }

  /** The first that answers. */
  async function askOneOf<T>(asked: readonly Tried[], question: (endpoint: Endpoint) => Promise<T>): Promise<T> {
    const nowMs = Date.now()
    const avoided = (one: Tried): boolean => one.avoidUntilMs > nowMs
    const order = [...asked.filter((one) => !avoided(one)), ...asked.filter(avoided)]
    const reasons: string[] = []
    for (const one of order) {
      try {
        await check(one)
        const answer = await question(one.endpoint)
        one.avoidUntilMs = 0
        return answer
      } catch (thrown) {
        if (!(thrown instanceof EndpointFailure)) throw thrown
        one.avoidUntilMs = Date.now() + avoidMs
        reasons.push(`${one.endpoint.name}: ${thrown.message}`)
      }
    }
    throw unreachable(asked, reasons)
  }

  /** Of all that answer: at least one. */
  async function askAll<T>(question: (endpoint: Endpoint) => Promise<T>): Promise<readonly T[]> {
    const nowMs = Date.now()
    const fresh = tried.filter((one) => one.avoidUntilMs <= nowMs)
    for (const asked of fresh.length > 0 && fresh.length < tried.length ? [fresh, tried] : [tried]) {
      const ends = await Promise.allSettled(asked.map((one) => askOneOf([one], question)))
      const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
      const errors = ends.flatMap((end) => (end.status === 'rejected' ? [SoukError.from(end.reason)] : []))
      const fatal = errors.find(({ code }) => code === 'WRONG_CHAIN')
      if (fatal !== undefined) throw fatal
      if (answers.length > 0) return answers
      const refusal = errors.find(({ code }) => code !== 'CHAIN_UNREACHABLE')
      if (refusal !== undefined) throw refusal
      if (asked === tried) throw unreachable(tried, errors.map(reasonIn))
    }
    throw unreachable(tried, [])
  }

  async function feesAt(endpoint: Endpoint): Promise<Fees> {
    const block = parsed(await endpoint.send('eth_getBlockByNumber', ['latest', false]), blockSchema)
    const tip = await endpoint.send('eth_maxPriorityFeePerGas', []).then(
      (answer) => parsed(answer, quantitySchema),
      (thrown: unknown) => {
        // Not in the specification, and not everywhere.
        if (thrown instanceof SoukError && thrown.code === 'CHAIN_REFUSED') return DEFAULT_TIP_WEI
        throw thrown
      },
    )
    // Six full blocks, each 12.5 % dearer than the one before, are within twice the base fee.
    return { maxFeePerGas: 2n * (block.baseFeePerGas ?? 0n) + tip, maxPriorityFeePerGas: tip }
  }

  async function sendToAll(rawTransaction: string): Promise<string> {
    try {
      return await Promise.any(
        tried.map((one) =>
          askOneOf([one], async (endpoint) =>
            parsed(await endpoint.send('eth_sendRawTransaction', [rawTransaction]), wordSchema),
          ),
        ),
      )
    } catch (thrown) {
      const errors = (thrown as AggregateError).errors.map((error) => SoukError.from(error))
      const refusal = errors.find(({ code }) => code !== 'CHAIN_UNREACHABLE')
      throw refusal ?? unreachable(tried, errors.map(reasonIn))
    }
  }

  /** Fails closed: an endpoint of another chain is a mistake of the operator's, and not passed over. */
  async function check(one: Tried): Promise<void> {
    if (one.checked) return
    const found = parsed(await one.endpoint.send('eth_chainId', []), countSchema)
    if (found !== chainId)
      throw new SoukError({
        code: 'WRONG_CHAIN',
        message: `${one.endpoint.name} serves chain ${found}, not chain ${chainId}`,
        details: { endpoint: one.endpoint.name, expected: chainId, found },
      })
    one.checked = true
  }

  return {
    chainId,
    blockNumber: () => ask('eth_blockNumber', [], countSchema),
    block: async (number) =>
      (await ask('eth_getBlockByNumber', [hexOf(number), false], blockSchema.nullable())) ?? undefined,
    async balance(address) {
      const answers = await askAll(async (endpoint) =>
        parsed(await endpoint.send('eth_getBalance', [address, 'latest']), quantitySchema),
      )
      return answers.reduce((most, each) => (each > most ? each : most))
    },
    async nonce(address, at) {
      const answers = await askAll(async (endpoint) =>
        parsed(await endpoint.send('eth_getTransactionCount', [address, tagOf(at)]), countSchema),
      )
      return { least: Math.min(...answers), most: Math.max(...answers) }
    },
    async fees() {
      const byPrice = (await askAll(feesAt)).toSorted((a, b) => compared(a.maxFeePerGas, b.maxFeePerGas))
      const [least = NO_FEES] = byPrice
      return { least, most: byPrice.at(-1) ?? least }
    },
    async estimateGas(call) {
      const answers = await askAll(async (endpoint) =>
        parsed(await endpoint.send('eth_estimateGas', [callOf(call), 'pending']), quantitySchema),
      )
      return answers.toSorted((a, b) => compared(b, a))
    },
    call: (call, at = 'latest') => ask('eth_call', [callOf(call), tagOf(at)], dataSchema),
    code: (address) => ask('eth_getCode', [address, 'latest'], dataSchema),
    send: sendToAll,
    receipt: async (hash) => (await ask('eth_getTransactionReceipt', [hash], receiptSchema.nullable())) ?? undefined,
    isKnown: async (hash) => (await ask('eth_getTransactionByHash', [hash], transactionSchema.nullable())) !== null,
    async logs({ address, topics, fromBlock, toBlock }) {
      const found: ChainLog[] = []
      for (let from = fromBlock; from <= toBlock; from += BLOCKS_PER_REQUEST) {
        const to = Math.min(from + BLOCKS_PER_REQUEST - 1, toBlock)
        const range = { address, topics, fromBlock: hexOf(from), toBlock: hexOf(to) }
        found.push(...(await ask('eth_getLogs', [range], logsSchema)))
      }
      return found
    },
    close() {
      for (const { endpoint } of tried) endpoint.close()
    },
  }
}

const NO_FEES: Fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }
const compared = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b))

const reasonIn = ({ message, details }: SoukError): string =>
  'reason' in details && typeof details.reason === 'string' ? details.reason : message

function unreachable(asked: readonly Tried[], reasons: readonly string[]): SoukError<'CHAIN_UNREACHABLE'> {
  const reason = reasons.join('; ')
  return new SoukError({
    code: 'CHAIN_UNREACHABLE',
    message: `The chain cannot be reached: ${reason}`,
    details: { endpoints: asked.map(({ endpoint }) => endpoint.name), reason },
  })
}

/** An answer of another shape is as good as none. */
function parsed<T>(answer: unknown, schema: z.ZodType<T, unknown>): T {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  throw new EndpointFailure('its answer is not what was asked for', { cause: result.error })
}

const hexOf = (value: number | bigint): string => `0x${value.toString(16)}`
const tagOf = (at: BlockTag): string => (typeof at === 'number' ? hexOf(at) : at)

function callOf({ from, to, data, valueWei }: ChainCall) {
  return {
    ...(from !== undefined && { from }),
    to,
    data,
    ...(valueWei !== undefined && valueWei > 0n && { value: hexOf(valueWei) }),
  }
}
