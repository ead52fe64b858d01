import type { Command } from 'commander'
import type { ChainOptions } from '../chain-options.ts'
import type { AuthorizeOptions } from '../channel-account.ts'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'

const SHOW_HELP = `
Examples:
  $ souk wallet --rpc http://127.0.0.1:8545 --contract 0xc0… --chain-id 1
  $ souk wallet --token 0xa0… --json | jq -r .tokenWei`

const AUTHORIZE_HELP = `
Needs no network: run it where the key is, and bring the line that it prints to
the node, whose configuration names the file (settlement.payout_authorization).
Until it expires the node may consent to closing the channels that pay this
address, and nothing else; what is redeemed goes to the address alone.

Example:
  $ souk wallet authorize-payout 0x5a… --key cold.key > payout.json`

export function addWalletCommands({ program, cli }: CommandRequest): void {
  const wallet = program
    .command('wallet')
    .summary('what this requester has on the chain')
    .description('Looks at the account of this requester, and signs for addresses whose keys are elsewhere.')
    .addHelpText('after', SHOW_HELP)
  addChainOptions(wallet.command('show', { isDefault: true }))
    .usage('[options]')
    .description('Prints the address, what it holds, and the sums of its channels.')
    .option('--token <token>', '`native` or the address of an ERC-20 token', 'native')
    .addHelpText('after', SHOW_HELP)
    .action((options: ChainOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.fault,
        work: async () => (await import('../channel-account.ts')).showWallet({ cli, options }),
      }),
    )
  wallet
    .command('authorize-payout')
    .usage('NODE --key FILE [options]')
    .description('Signs, as the address that is to be paid, that a node works for it.')
    .argument('<node>', 'the address of the node, as `souk node status` prints it')
    .requiredOption('-k, --key <file>', 'the key of the address that is paid')
    .option('--contract <address>', "the contract of souk's channels; $SOUK_CONTRACT where absent")
    .option('--chain-id <id>', 'its chain; $SOUK_CHAIN_ID where absent')
    .option('--days <days>', 'how long it holds', '365')
    .option('--json', 'what it prints is one JSON document anyway')
    .addHelpText('after', AUTHORIZE_HELP)
    .action((node: string, options: AuthorizeOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.failure,
        work: async () => (await import('../channel-account.ts')).authorizePayout({ cli, node, options }),
      }),
    )
}

/** Which chain, and whose account. */
export function addChainOptions(command: Command): Command {
  return command
    .option('--rpc <url...>', 'Ethereum endpoints; $SOUK_RPC, separated by commas, where absent')
    .option('--contract <address>', "the contract of souk's channels; $SOUK_CONTRACT where absent")
    .option('--chain-id <id>', 'its chain; $SOUK_CHAIN_ID where absent')
    .option('-k, --key <file>', 'whose; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print one JSON document')
}
