import type { CommandRequest } from '../command-request.ts'
import { EXIT } from '../exit-code.ts'
import type { VerifyOptions } from '../verify-documents.ts'

const HELP = `
Takes a receipt, what \`souk run --json\` prints, a proof, or several of these,
one a line. Exits with 0 where every value of every document is one that its
provider signed, else with 1 and every reason. Whether the provider is one that
you trust is for you to say: compare its address.

A proof of an equivocation (one provider, one task, two receipts) is decided by
the signatures. One of a disagreement (several providers, one deterministic
task, different results) shows that somebody is wrong, and exits with 3:
undecided. With --run its task is run here, in the sandbox, which says who was
right (0), or why this host cannot (3).

Examples:
  $ souk verify receipt.json
  $ souk run --json --to ADDR task.yaml | souk verify -
  $ souk verify proof.json --run --inputs ./files`

export function addVerifyCommand({ program, cli }: CommandRequest): void {
  program
    .command('verify')
    .summary('check a receipt or a proof: who signed what, and who lied')
    .description('Checks a receipt, a result or a proof, offline: signature, identity of the task, and every digest.')
    .argument('<file>', 'the document; - is standard input')
    .option('--run', 'decide a disagreement: run its task on this host')
    .option('--inputs <folder>', "with --run: where the task's files are, by whatever name")
    .option('-c, --config <file>', 'with --run: the configuration of the sandbox')
    .option('--json', 'print {valid, documents} as one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: VerifyOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.failure,
        work: async () => {
          const { verifyDocuments } = await import('../verify-documents.ts')
          return verifyDocuments({ cli, file, options })
        },
      }),
    )
}
