import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { QuoteOptions } from '../show-quotes.ts'

const HELP = `
AT MOST is what the task can come to within its limits; it costs what its
receipt says that it used, and never more. START is charged once, the others
for a second of CPU time, a MiB of memory (its limit) for a second, a MiB of
output, a million units of fuel. CPU time and wall time are the provider's
word; limits, output and fuel are for anyone to check. A quote holds for two
minutes.

Exits with 125 where nobody would run it.

Examples:
  $ souk quote examples/word-count.yaml --bootstrap ADDR
  $ souk quote examples/word-count.yaml --to ADDR --to ADDR
  $ souk quote examples/word-count.yaml --json | jq .quotes[0].quote.maxPriceWei`

export function addQuoteCommand({ program, cli }: CommandRequest): void {
  program
    .command('quote')
    .usage('FILE [--to ADDR… | --bootstrap ADDR…] [options]')
    .summary('what a task would cost, at whom')
    .description(
      'Asks providers what they would run a task for, the best first as `souk run` has it; below, who would not, with every reason.',
    )
    .argument('<file>', 'the task: YAML, or JSON where its name ends in .json')
    .option('-t, --to <multiaddr>', 'a provider, as `souk up` prints it; repeatable', collect)
    .option(
      '-b, --bootstrap <multiaddr...>',
      'nodes of the market that know providers; $SOUK_BOOTSTRAP, separated by commas, where absent',
    )
    .option('-k, --key <file>', 'who asks; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--chain-id <id>', 'the chain that the providers are on; $SOUK_CHAIN_ID, or 0, for none, where absent')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: QuoteOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.fault,
        work: async () => (await import('../show-quotes.ts')).showQuotes({ cli, file, options }),
      }),
    )
}

function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value]
}
