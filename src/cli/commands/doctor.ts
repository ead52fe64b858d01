import type { CommandRequest } from '../command-request.ts'
import type { Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'

interface DoctorOptions {
  readonly config?: string
  readonly json?: boolean
}

const HELP = `
Really hits each limit of each runtime, which takes some seconds. Exits with 0
where the configuration is valid, at least one runtime works, and the chain that
the node is paid on, if any, answers at every endpoint and has souk's contract,
which leaves the node time to redeem in; else with 1.

Examples:
  $ souk doctor
  $ souk doctor --config config/provider.yaml --json`

export function addDoctorCommand({ program, cli }: CommandRequest): void {
  program
    .command('doctor')
    .summary('what this host can do, and why not where not')
    .description(
      'Finds out what this host can do: versions, runtimes, each limit that can be enforced, and the chain that the node is paid on.',
    )
    .option('-c, --config <file>', 'configuration; defaults and SOUK_* variables where absent')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', HELP)
    .action((options: DoctorOptions) =>
      cli.perform({ json: options.json, failureCode: EXIT.failure, work: () => doctor({ cli, options }) }),
    )
}

async function doctor({ cli, options }: { readonly cli: Cli; readonly options: DoctorOptions }): Promise<number> {
  const [{ examine }, { diagnosisLines }, { writeJson }] = await Promise.all([
    import('../diagnosis.ts'),
    import('../render/diagnosis-text.ts'),
    import('../json-output.ts'),
  ])
  const { stdout, stderr } = cli.terminal
  if (stderr.isTTY) await stderr.write(`${stderr.colors.dim('souk')} trying every limit, this takes a few seconds\n`)
  const diagnosis = await examine({
    version: cli.version,
    env: cli.env,
    home: cli.home,
    ...(options.config !== undefined && { configFile: options.config }),
  })
  if (options.json === true) await writeJson({ stdout, document: diagnosis })
  else
    await stdout.write(`${diagnosisLines({ diagnosis, width: stdout.columns(), colors: stdout.colors }).join('\n')}\n`)
  return diagnosis.ok ? EXIT.success : EXIT.failure
}
