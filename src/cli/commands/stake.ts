import type { Command } from 'commander'
import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { StakeOptions } from '../stake.ts'

const HELP = `
A provider that bonds coins for its node has them to lose where the node signs
two results of one task: nothing else can be judged by a contract, and nothing
else is slashed. The coins come back to an address of its choice, some time
after they were asked for.

--key is the node's key, DATA_DIR/key. Transactions are kept in the folder that
the key is in, where the running node keeps its own: neither gets into the
other's way. A command that was interrupted is gone on with by the same one
again, and never sends anything twice: only once it has said what came of it,
the same one bonds once more. Nothing is sent to a contract that is not souk's.

Examples:
  $ souk stake show 0x7c…
  $ souk stake bond -a 1eth --beneficiary 0xc0… -k /var/lib/souk/node/key
  $ souk stake slash proof.json`

const SHOW_HELP = `
Examples:
  $ souk stake show 0x7c…
  $ souk stake show 0x7c… --json | jq -r .amountWei`

const BOND_HELP = `
More can be bonded later, for the same beneficiary.

Examples:
  $ souk stake bond -a 1eth --beneficiary 0xc0… -k /var/lib/souk/node/key
  $ souk stake bond --amount 0.5eth --key /var/lib/souk/node/key`

const UNBOND_HELP = `
All of it can still be lost until the unbonding period is over, and nothing
can be added.

Examples:
  $ souk stake unbond --key /var/lib/souk/node/key
  $ souk stake unbond 0x7c… --key cold.key`

const WITHDRAW_HELP = `
Whoever calls it, the coins go to the beneficiary.

Examples:
  $ souk stake withdraw --key /var/lib/souk/node/key
  $ souk stake withdraw 0x7c…`

const SLASH_HELP = `
PROOF is an equivocation, as \`souk run\` and \`souk tasks result\` keep it in
$SOUK_HOME/proofs. Half of what was bonded is the reporter's, half is burned.

Examples:
  $ souk stake slash ~/.souk/proofs/0x1a….json`

export function addStakeCommands({ program, cli }: CommandRequest): void {
  const stake = program
    .command('stake')
    .summary('what a provider has bonded, and loses where it lies')
    .description('Looks at what a provider has bonded, bonds, gives back, and shows who has lied.')
    .addHelpText('after', HELP)
  const perform = (
    options: StakeOptions,
    work: (load: typeof import('../stake.ts')) => Promise<number>,
  ): Promise<void> =>
    cli.perform({ json: options.json, failureCode: EXIT.fault, work: async () => work(await import('../stake.ts')) })

  addStakeOptions(stake.command('show'))
    .usage('[NODE] [options]')
    .description('Prints what a node has bonded.')
    .argument('[node]', 'its address; that of --key where absent')
    .addHelpText('after', SHOW_HELP)
    .action((node: string | undefined, options: StakeOptions) =>
      perform(options, ({ showStake }) => showStake({ cli, node, options })),
    )

  sending(stake.command('bond'))
    .usage('--amount AMOUNT [options]')
    .description('Bonds coins for the node whose key this is.')
    .requiredOption('-a, --amount <amount>', 'what is bonded: 1000 (wei), 20gwei, 0.5eth')
    .option('--beneficiary <address>', "who the coins go back to; the node's own address where absent")
    .addHelpText('after', BOND_HELP)
    .action((options: StakeOptions) => perform(options, ({ bond }) => bond({ cli, options })))

  sending(stake.command('unbond'))
    .usage('[NODE] [options]')
    .description('Asks for all that is bonded: as the node, or as its beneficiary.')
    .argument('[node]', 'its address; that of --key where absent')
    .addHelpText('after', UNBOND_HELP)
    .action((node: string | undefined, options: StakeOptions) =>
      perform(options, ({ unbond }) => unbond({ cli, node, options })),
    )

  sending(stake.command('withdraw'))
    .usage('[NODE] [options]')
    .description('Gives the beneficiary what was asked for, once the unbonding period is over.')
    .argument('[node]', 'its address; that of --key where absent')
    .addHelpText('after', WITHDRAW_HELP)
    .action((node: string | undefined, options: StakeOptions) =>
      perform(options, ({ withdraw }) => withdraw({ cli, node, options })),
    )

  sending(stake.command('slash'))
    .usage('PROOF [options]')
    .description('Shows the contract that a node has signed two results of one task.')
    .argument('<proof>', 'the file; - is standard input')
    .addHelpText('after', SLASH_HELP)
    .action((proof: string, options: StakeOptions) =>
      perform(options, ({ slash }) => slash({ cli, file: proof, options })),
    )
}

function addStakeOptions(command: Command): Command {
  return command
    .option('--rpc <url...>', 'Ethereum endpoints; $SOUK_RPC, separated by commas, where absent')
    .option('--stake <address>', "the contract of souk's stakes; $SOUK_STAKE where absent")
    .option('--chain-id <id>', 'its chain; $SOUK_CHAIN_ID where absent')
    .option('-k, --key <file>', 'whose; $SOUK_HOME/key or ~/.souk/key where absent')
    .option('--json', 'print one JSON document')
}

function sending(command: Command): Command {
  return addStakeOptions(command).option(
    '--confirmations <blocks>',
    'how many blocks deep a transaction has to be until it counts',
    '12',
  )
}
