import { spawn, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { createInterface } from 'node:readline'

/** A chain of our own on loopback, gone when it is stopped: anvil, of Foundry. */
export interface LocalChain {
  /** JSON-RPC over HTTP: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly chainId: number
  readonly pid: number
  /** Private keys (`0x` and hex) of accounts that have 10,000 coins each; always the same ten. */
  readonly privateKeys: readonly string[]
  stop(): Promise<void>
}

export const LOCAL_CHAIN_ID = 31_337

const START_TIMEOUT_MS = 60_000
const LOG_TAIL_LINES = 20

/**
 * Starts a chain on a port that it is given by the system.
 *
 * @param options.blockTimeMs how often a block is mined; without, each transaction is one of its own.
 * @param options.port to come back where another one was, so that clients find it again.
 * @throws Error with the end of its log where it does not listen, or ends.
 */
export async function startLocalChain({
  blockTimeMs,
  port = 0,
}: { readonly blockTimeMs?: number; readonly port?: number } = {}): Promise<LocalChain> {
  const args = ['--host', '127.0.0.1', '--port', String(port), '--chain-id', String(LOCAL_CHAIN_ID)]
  // Old states are dropped, rather than written into the user's home.
  args.push('--prune-history', '500')
  if (blockTimeMs !== undefined) args.push('--block-time', String(blockTimeMs / 1000))
  const child = spawn(anvilBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  try {
    return { ...(await greetingOf(child)), chainId: LOCAL_CHAIN_ID, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The program of this machine's package; the package's own launcher would be a process more, which outlives a kill. */
function anvilBinary(): string {
  const require = createRequire(import.meta.resolve('@foundry-rs/anvil/package.json'))
  const name = `@foundry-rs/anvil-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`
  return require.resolve(`${name}/bin/anvil`)
}

/** Where it listens and its keys, which it prints in this order. */
function greetingOf(child: ChildProcess): Promise<Pick<LocalChain, 'url' | 'privateKeys'>> {
  return new Promise((resolve, reject) => {
    const { stdout, stderr } = child
    if (stdout === null || stderr === null) throw new Error('the chain was started without pipes')
    const log: string[] = []
    const privateKeys: string[] = []
    const fail = (why: string): void => reject(new Error(`the local chain ${why}\n${log.join('\n')}`))
    const timer = setTimeout(() => fail('does not listen'), START_TIMEOUT_MS)
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(timer)
      fail('has ended')
    })
    const read = (line: string): void => {
      log.push(line)
      if (log.length > LOG_TAIL_LINES) log.shift()
      const [, privateKey] = /^\(\d+\) (0x[0-9a-f]{64})$/.exec(line) ?? []
      if (privateKey !== undefined) privateKeys.push(privateKey)
      const [, address] = /^Listening on (\S+)$/.exec(line) ?? []
      if (address === undefined) return
      clearTimeout(timer)
      resolve({ url: `http://${address}`, privateKeys })
    }
    // Both are read to the end: a full pipe would stop it.
    createInterface({ input: stdout }).on('line', read)
    createInterface({ input: stderr }).on('line', read)
  })
}
