import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { OffersOptions } from '../show-offers.ts'
import type { PeersOptions } from '../show-peers.ts'

const BOOTSTRAP_HELP = 'nodes of the market to ask first; $SOUK_BOOTSTRAP, separated by commas, where absent'

const OFFERS_HELP = `
The price is that of a standard task: a second of one core in a second of time,
with 256 MiB of memory, 1 MiB of output and 100 million units of fuel; it is
what --max-price applies to. --json has the rates. An offer is its provider's
word and binds nobody. Where tasks are paid through a channel, payment has the
command that opens one. In a private network, SOUK_SWARM_KEY names the file of
its key.

Examples:
  $ souk offers --bootstrap ADDR
  $ souk offers --runtime wasm --feature deterministic --max-price 20gwei
  $ souk offers --runtime docker --feature class:runsc --json`

const PEERS_HELP = `
Examples:
  $ souk peers
  $ souk peers --bootstrap ADDR --json`

export function addMarketCommands({ program, cli }: CommandRequest): void {
  program
    .command('offers')
    .usage('[options]')
    .summary('what providers say they offer')
    .description('Finds providers and prints what they say they offer, the cheapest first.')
    .option('-r, --runtime <runtime>', 'only of that runtime: wasm, docker or native')
    .option('-f, --feature <name...>', 'only with all of these: deterministic, class:NAME, gpu, mount:NAME, …')
    .option('--max-price <amount>', 'only where a standard task costs no more: 1000 (wei), 20gwei, 0.001eth')
    .option('-b, --bootstrap <multiaddr...>', BOOTSTRAP_HELP)
    .option('--chain-id <id>', 'only on that chain; $SOUK_CHAIN_ID where absent')
    .option('-k, --key <file>', 'who asks; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print one JSON document')
    .addHelpText('after', OFFERS_HELP)
    .action((options: OffersOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.fault,
        work: async () => (await import('../show-offers.ts')).showOffers({ cli, options }),
      }),
    )
  program
    .command('peers')
    .usage('[options]')
    .summary('whom a node knows')
    .description(
      'Prints whom the node that runs here is connected with and which providers it knows; with --bootstrap, which providers those nodes know.',
    )
    .option('-c, --config <file>', 'the configuration that the node runs with')
    .option('-b, --bootstrap <multiaddr...>', 'ask these nodes instead of the one that runs here')
    .option('-k, --key <file>', 'who asks; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print one JSON document')
    .addHelpText('after', PEERS_HELP)
    .action((options: PeersOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.fault,
        work: async () => (await import('../show-peers.ts')).showPeers({ cli, options }),
      }),
    )
}
