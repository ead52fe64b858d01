import type { CommandRequest } from '../command-request.ts'
import type { Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'

interface ShowOptions {
  readonly config?: string
  readonly json?: boolean
}

export function addConfigCommands({ program, cli }: CommandRequest): void {
  const config = program
    .command('config')
    .summary('show or check a configuration')
    .description('Shows or checks a configuration.')
  config
    .command('show')
    .description(
      'Prints every effective value, and where it comes from: default, file, or a variable of the environment.',
    )
    .option('-c, --config <file>', 'configuration; defaults and SOUK_* variables where absent')
    .option('--json', 'print {file, values: {KEY: {value, origin}}} as one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ SOUK_SANDBOX_WASM_TIMEOUT=30s souk config show --config config/provider.yaml',
    )
    .action((options: ShowOptions) =>
      cli.perform({ json: options.json, failureCode: EXIT.failure, work: () => show({ cli, options }) }),
    )
  config
    .command('check')
    .description(
      'Checks a configuration file, by itself: variables of the environment do not count. Every problem is named.',
    )
    .argument('<file>', 'the configuration')
    .option('--json', 'print {file, valid} as one JSON document')
    .addHelpText('after', '\nExample:\n  $ souk config check config/provider.yaml')
    .action((file: string, options: { readonly json?: boolean }) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.failure,
        work: () => check({ cli, file, json: options.json === true }),
      }),
    )
}

async function show({ cli, options }: { readonly cli: Cli; readonly options: ShowOptions }): Promise<number> {
  const [{ loadConfig, configEntries }, { writeJson }, { tableLines }, { printable }] = await Promise.all([
    import('../../node/config/config.ts'),
    import('../json-output.ts'),
    import('../render/table.ts'),
    import('../render/printable.ts'),
  ])
  const { stdout } = cli.terminal
  const entries = configEntries(
    await loadConfig({ ...(options.config !== undefined && { file: options.config }), env: cli.env }),
  )
  if (options.json === true) {
    const values = Object.fromEntries(entries.map(({ key, value, origin }) => [key, { value, origin }]))
    await writeJson({ stdout, document: { file: options.config ?? null, values } })
    return EXIT.success
  }
  const { colors } = stdout
  const rows = entries.map(({ key, value, origin }) => {
    const shown = printable(Array.isArray(value) ? (value.length === 0 ? 'none' : value.join(', ')) : String(value))
    return [key, shown, origin === 'default' ? colors.dim(origin) : origin]
  })
  const columns = [{ title: 'KEY' }, { title: 'VALUE', flexible: true }, { title: 'FROM' }]
  await stdout.write(`${tableLines({ columns, rows, width: stdout.columns(), heading: colors.bold }).join('\n')}\n`)
  return EXIT.success
}

async function check({
  cli,
  file,
  json,
}: {
  readonly cli: Cli
  readonly file: string
  readonly json: boolean
}): Promise<number> {
  const [{ loadConfig }, { writeJson }] = await Promise.all([
    import('../../node/config/config.ts'),
    import('../json-output.ts'),
  ])
  const { stdout } = cli.terminal
  await loadConfig({ file, env: {} })
  if (json) await writeJson({ stdout, document: { file, valid: true } })
  else await stdout.write(`${file} is valid\n`)
  return EXIT.success
}
