import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { EarningsOptions } from '../show-earnings.ts'

const HELP = `
RECEIVED is what the newest vouchers are worth, CHARGED what the tasks that have
finished came to, REDEEMED what the chain has paid out, PENDING what is received
and not redeemed. Channels that are over and paid are no longer in the books.

Examples:
  $ souk earnings
  $ souk earnings --json | jq -r .sums[0].chargedWei`

export function addEarningsCommand({ program, cli }: CommandRequest): void {
  program
    .command('earnings')
    .summary('what the running node has earned')
    .description(
      'Prints what the node that runs here has earned, in sum and by channel. Asks it over its local socket, which only its own user can open.',
    )
    .option('-c, --config <file>', 'the configuration that the node runs with: it says where its data folder is')
    .option('--json', 'print one JSON document, amounts in wei')
    .addHelpText('after', HELP)
    .action((options: EarningsOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.failure,
        work: async () => (await import('../show-earnings.ts')).showEarnings({ cli, options }),
      }),
    )
}
