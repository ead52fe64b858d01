import type { Command } from 'commander'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { LogsCommandOptions, ResultCommandOptions, TasksOptions } from '../tasks-at-provider.ts'

const HELP = `
An id may be its beginning, as \`list\` shows it: 0x and at least eight digits.

Examples:
  $ souk tasks list --to ADDR
  $ souk tasks logs 0x1a2b3c4d --to ADDR --follow
  $ souk tasks result 0x1a2b3c4d --to ADDR --output-dir result`

export function addTasksCommands({ program, cli }: CommandRequest): void {
  const tasks = program
    .command('tasks')
    .summary('what this requester has at a provider')
    .description(
      'Looks at the tasks that this requester has at a provider. A provider keeps results for a limited time.',
    )
    .addHelpText('after', HELP)
  const perform = (
    options: TasksOptions,
    work: (load: typeof import('../tasks-at-provider.ts')) => Promise<number>,
  ): Promise<void> =>
    cli.perform({
      json: options.json,
      failureCode: EXIT.fault,
      work: async () => work(await import('../tasks-at-provider.ts')),
    })

  provided(tasks.command('list'))
    .usage('--to ADDR [options]')
    .description('Lists the tasks, the newest first.')
    .action((options: TasksOptions) => perform(options, ({ listTasks }) => listTasks({ cli, options })))

  provided(tasks.command('show'))
    .usage('ID --to ADDR [options]')
    .description('Shows one task.')
    .argument('<id>', 'the task')
    .action((id: string, options: TasksOptions) => perform(options, ({ showTask }) => showTask({ cli, id, options })))

  provided(tasks.command('logs'))
    .usage('ID --to ADDR [options]')
    .description("Prints a task's output: standard output to standard output, standard error to standard error.")
    .argument('<id>', 'the task')
    .option('-f, --follow', 'go on until the task ends')
    .option('--offset <bytes>', 'leave out that much of standard output', '0')
    .option('--stderr-offset <bytes>', 'leave out that much of standard error', '0')
    .action((id: string, options: LogsCommandOptions) =>
      perform(options, ({ printLogs }) => printLogs({ cli, id, options })),
    )

  provided(tasks.command('cancel'))
    .usage('ID --to ADDR [options]')
    .description('Asks the provider to end a task; what it came to is in its result.')
    .argument('<id>', 'the task')
    .action((id: string, options: TasksOptions) =>
      perform(options, ({ cancelTask }) => cancelTask({ cli, id, options })),
    )

  provided(tasks.command('result'))
    .usage('ID --to ADDR [options]')
    .description(
      'Waits for the end of a task and brings its result, as `souk run` does: same output, same document, same exit code. Ctrl-C leaves the task alone.',
    )
    .argument('<id>', 'the task')
    .option('-d, --output-dir <folder>', 'save the files of the result there')
    .option('--receipt <file>', 'save the signed receipt')
    .option('-q, --quiet', 'only errors, besides what the task writes')
    .action((id: string, options: ResultCommandOptions) =>
      perform(options, ({ fetchResult }) => fetchResult({ cli, id, options })),
    )
}

function provided(command: Command): Command {
  return command
    .requiredOption('-t, --to <multiaddr>', 'the provider: an address that `souk up` prints')
    .option('-k, --key <file>', 'who asks; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print one JSON document')
}
