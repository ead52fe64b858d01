import type { CommandRequest } from '../command-request.ts'
import type { Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'

interface StatusOptions {
  readonly config?: string
  readonly json?: boolean
}

export function addNodeCommands({ program, cli }: CommandRequest): void {
  const node = program
    .command('node')
    .summary('look at the running node')
    .description('Looks at the node that runs here.')
  node
    .command('status')
    .description(
      'Prints what the running node does and offers. Asks it over its local socket, which only its own user can open.',
    )
    .option('-c, --config <file>', 'the configuration that the node runs with: it says where its data folder is')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', '\nExamples:\n  $ souk node status\n  $ souk node status --json | jq -r .multiaddrs[0]')
    .action((options: StatusOptions) =>
      cli.perform({ json: options.json, failureCode: EXIT.failure, work: () => status({ cli, options }) }),
    )
}

async function status({ cli, options }: { readonly cli: Cli; readonly options: StatusOptions }): Promise<number> {
  const [{ loadConfig, nodePaths }, { askLocalNode }, { statusLines }, { writeJson }] = await Promise.all([
    import('../../node/config/config.ts'),
    import('../local-socket.ts'),
    import('../render/status-text.ts'),
    import('../json-output.ts'),
  ])
  const { config } = await loadConfig({ ...(options.config !== undefined && { file: options.config }), env: cli.env })
  const answer = await askLocalNode({ socket: nodePaths(config.node.dataDir).socket, path: '/status' })
  const { stdout } = cli.terminal
  if (options.json === true) await writeJson({ stdout, document: answer })
  else
    await stdout.write(
      `${statusLines({ status: answer, nowMs: Date.now(), width: stdout.columns(), colors: stdout.colors }).join('\n')}\n`,
    )
  return EXIT.success
}
