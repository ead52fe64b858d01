import { setFlagsFromString } from 'node:v8'
import type { Config } from '../../node/config/config.ts'
import type { Cli } from '../cli.ts'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'

interface UpOptions {
  readonly config?: string
  readonly listen?: readonly string[]
  readonly json?: boolean
}

const HELP = `
Started by root with node.user set, it starts the launcher of the sandboxes and
then becomes that user for good.

Prints the node's addresses, one a line; its log goes to standard error as JSON,
a line each. On SIGINT or SIGTERM it takes no more tasks, lets the running ones
end (timeouts.drain), and exits with 0; on a second signal it ends them at once,
as this provider's fault, and exits with 1. Docker tasks that still run are left
to run: the next start takes them up again, and without one their containers end
by themselves (sandbox.docker.reattach).

Examples:
  $ souk up
  $ souk up --config config/provider.yaml
  $ souk up --listen /ip4/0.0.0.0/tcp/4150`

export function addUpCommand({ program, cli }: CommandRequest): void {
  program
    .command('up')
    .summary('offer this machine: run a provider node')
    .description('Runs a provider node until it is told to stop.')
    .option('-c, --config <file>', 'configuration; defaults and SOUK_* variables where absent')
    .option('-l, --listen <multiaddr...>', 'listen there instead of where the configuration says')
    .option('--json', 'print {peerId, address, multiaddrs, pid} as one JSON document')
    .addHelpText('after', HELP)
    .action((options: UpOptions) =>
      cli.perform({ json: options.json, failureCode: EXIT.failure, work: () => up({ cli, options }) }),
    )
}

/**
 * A node that serves many small messages leaves V8's young generation as large as its busiest moment made it, which
 * is 100 MiB that hold nothing. Kept at what the start needs, memory says how much is in use.
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

async function up({ cli, options }: { readonly cli: Cli; readonly options: UpOptions }): Promise<number> {
  keepYoungGenerationSmall()
  const { listenForInterruptions } = await import('../interruptions.ts')
  const interruptions = listenForInterruptions()
  try {
    const [
      { loadConfig },
      { separatePrivileges },
      { createNode },
      { createLogger },
      { describeRuntime },
      { writeJson },
      { counted },
    ] = await Promise.all([
      import('../../node/config/config.ts'),
      import('../../node/privileges.ts'),
      import('../../node/create-node.ts'),
      import('../logger.ts'),
      import('../render/runtime-text.ts'),
      import('../json-output.ts'),
      import('../render/quantities.ts'),
    ])
    const { stdout, stderr } = cli.terminal
    const listen = options.listen === undefined ? {} : { SOUK_NETWORK_LISTEN: options.listen.join(',') }
    const { config } = await loadConfig({
      ...(options.config !== undefined && { file: options.config }),
      env: { ...cli.env, ...listen },
    })
    const logger = createLogger({ level: config.node.logLevel })
    // Before anything is opened, and before this process has grown: the launcher is started by fork.
    const separation = await separatePrivileges(config)
    const launcher = separation?.launcher
    const node = await createNode({
      config,
      version: cli.version,
      logger,
      ...(launcher !== undefined && { launcher }),
    }).catch(async (error: unknown) => {
      await launcher?.close()
      throw error
    })

    const say = (text: string): Promise<void> =>
      stderr.write(`${stderr.colors.dim('souk')} ${text}\n`).catch(() => undefined)
    const { peerId, address, runtimes } = node.status()
    const multiaddrs = node.multiaddrs()
    if (options.json === true) await writeJson({ stdout, document: { peerId, address, multiaddrs, pid: process.pid } })
    else {
      if (config.node.user !== undefined) await say(`as user ${config.node.user}, without a way back to root`)
      await say(`provider ${address}, peer ${peerId}`)
      for (const runtime of runtimes) await say(describeRuntime({ runtime, colors: stderr.colors }))
      await say(paymentText({ config, address }))
      await say(`serving, process ${process.pid}; Ctrl-C stops it. Its addresses:`)
      await stdout.write(multiaddrs.map((multiaddr) => `${multiaddr}\n`).join(''))
    }

    const failures = [node.failed, ...(separation === undefined ? [] : [separation.lost])]
    const end = await Promise.race([...failures, aborted(interruptions.first)])
    if (end !== undefined) {
      await node.stop({ drainMs: 0 })
      throw end
    }
    const { running } = node.status().tasks
    const patience = `up to ${config.timeouts.drainMs / 1000} s; the same signal again stops it at once`
    await say(running === 0 ? 'stopping' : `stopping: waiting for ${counted(running, 'task')} that runs, ${patience}`)
    const drained = node.stop({ drainMs: config.timeouts.drainMs }).then(() => true)
    const clean = await Promise.race([drained, aborted(interruptions.second).then(() => false)])
    // Ends what the first stop is waiting for.
    if (!clean) await node.stop({ drainMs: 0 })
    await drained
    await say(clean ? 'stopped' : 'stopped at once')
    return clean ? EXIT.success : EXIT.failure
  } finally {
    interruptions.dispose()
  }
}

/** An operator who forgot to ask to be paid, or where to, is to see it. */
function paymentText({ config, address }: { readonly config: Config; readonly address: string }): string {
  const { settlement, chain } = config
  if (settlement.mode === 'none') return 'takes no payment: settlement.mode is none'
  const { contract, payout } = settlement
  return `is paid on chain ${chain.id}, through channels of ${contract}, to ${payout ?? address}`
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
