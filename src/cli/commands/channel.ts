import type { Command } from 'commander'
import type { ChannelOptions } from '../chain-options.ts'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import { addChainOptions } from './wallet.ts'

const HELP = `
A channel holds a deposit for one payee, whose address is in its quotes and
offers; tasks are paid out of it by vouchers, without a transaction each. What
was not charged comes back: with --to, or where the market knows the provider,
\`close\` asks it to agree, and one transaction closes the channel. Where it does
not, \`close\` starts a period in which the payee can still redeem, and once that
is over, the same command again gets the rest.

Amounts: 1000 (wei), 20gwei, 0.5eth. A command that was interrupted is gone on
with by the same one again, and never sends anything twice: only once it has
said what came of it, the same one opens another channel, or adds once more.

Examples:
  $ souk channel open 0x5a… --deposit 0.05eth
  $ souk channel top-up 0x1a2b3c4d --amount 0.01eth
  $ souk channel close 0x1a2b3c4d
  $ souk channel close 0x1a2b3c4d --to ADDR`

const OPEN_HELP = `
PAYEE is the address in the provider's offer or quote, and --node the provider
where that is another. Nothing is sent to a contract that is not souk's.

Examples:
  $ souk channel open 0x5a… --deposit 0.05eth
  $ souk channel open 0x5a… --node 0x7c… --deposit 0.05eth --confirmations 3
  $ souk channel open 0x5a… --token 0xa0… --deposit 5000000 --permit`

const TOP_UP_HELP = `
Examples:
  $ souk channel top-up 0x1a2b3c4d --amount 0.01eth
  $ souk channel top-up 0x1a2b3c4d --amount 5000000 --permit`

const CLOSE_HELP = `
Closed together, the payee gets what the receipts come to, or what it has
redeemed already where that is more, which is said. Closed alone, it may redeem
all that was signed, and so keep what was paid ahead: that is said too.

Examples:
  $ souk channel close 0x1a2b3c4d --to ADDR
  $ souk channel close 0x1a2b3c4d`

const LIST_HELP = `
SIGNED is what the newest voucher is for, REDEEMED what the payee has taken out;
--json has what the receipts come to as well (chargedWei).

Examples:
  $ souk channel list
  $ souk channel list --json | jq -r '.channels[].chargedWei'`

const PERMIT_HELP = 'of a token: approve by a signature in the same transaction (EIP-2612), not by a transaction before'

export function addChannelCommands({ program, cli }: CommandRequest): void {
  const channel = program
    .command('channel')
    .summary('payment channels to providers')
    .description('Opens, fills and closes payment channels to providers.')
    .addHelpText('after', HELP)
  const perform = (
    options: ChannelOptions,
    work: (load: typeof import('../channel-account.ts')) => Promise<number>,
  ): Promise<void> =>
    cli.perform({
      json: options.json,
      failureCode: EXIT.fault,
      work: async () => work(await import('../channel-account.ts')),
    })

  sending(channel.command('open'))
    .usage('PAYEE --deposit AMOUNT [options]')
    .description('Opens a channel, and waits until its deposit counts.')
    .argument('<payee>', 'who is paid through it')
    .option('--node <address>', 'the provider, where it is paid at another address than its own')
    .requiredOption('-d, --deposit <amount>', 'the most that can be paid through it')
    .option('--token <token>', '`native` or the address of an ERC-20 token', 'native')
    .option('--permit', PERMIT_HELP)
    .addHelpText('after', OPEN_HELP)
    .action((payee: string, options: ChannelOptions) =>
      perform(options, ({ openChannel }) => openChannel({ cli, payee, options })),
    )

  sending(channel.command('top-up'))
    .usage('CHANNEL --amount AMOUNT [options]')
    .description('Adds to the deposit of a channel, and waits until that counts.')
    .argument('<channel>', 'its id, or the beginning of it')
    .requiredOption('-a, --amount <amount>', 'what is added')
    .option('--permit', PERMIT_HELP)
    .addHelpText('after', TOP_UP_HELP)
    .action((id: string, options: ChannelOptions) =>
      perform(options, ({ topUpChannel }) => topUpChannel({ cli, id, options })),
    )

  sending(channel.command('close'))
    .usage('CHANNEL [options]')
    .description(
      'Closes a channel at once where its provider agrees; else starts to, and once the challenge period is over, gets back what was not redeemed.',
    )
    .argument('<channel>', 'its id, or the beginning of it')
    .option('--to <multiaddr>', 'the provider that is paid through it: it is asked to agree')
    .option(
      '-b, --bootstrap <multiaddr...>',
      'nodes of the market, to find that provider; $SOUK_BOOTSTRAP, separated by commas, where absent',
    )
    .addHelpText('after', CLOSE_HELP)
    .action((id: string, options: ChannelOptions) =>
      perform(options, ({ closeChannel }) => closeChannel({ cli, id, options })),
    )

  addChainOptions(channel.command('list'))
    .usage('[options]')
    .description('Lists the channels of this requester, as the chain has them now.')
    .addHelpText('after', LIST_HELP)
    .action((options: ChannelOptions) => perform(options, ({ listChannels }) => listChannels({ cli, options })))
}

function sending(command: Command): Command {
  return addChainOptions(command).option(
    '--confirmations <blocks>',
    'how many blocks deep a transaction has to be until it counts',
    '12',
  )
}
