import type { CommandRequest } from '../command-request.ts'
import type { Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'

interface VerifyOptions {
  readonly json?: boolean
}

const HELP = `
Takes a receipt, what \`souk run --json\` prints, or several of these, one a line.
Exits with 0 where every value of every document is one that its provider
signed, else with 1 and every reason. Whether the provider is one that you trust
is for you to say: compare its address.

Examples:
  $ souk verify receipt.json
  $ souk run --json --to ADDR task.yaml | souk verify -`

export function addVerifyCommand({ program, cli }: CommandRequest): void {
  program
    .command('verify')
    .summary('check a receipt: who signed what')
    .description('Checks a receipt or a result, offline: signature, identity of the task, and every digest.')
    .argument('<file>', 'the document; - is standard input')
    .option('--json', 'print {valid, documents} as one JSON document')
    .addHelpText('after', HELP)
    .action((file: string, options: VerifyOptions) =>
      cli.perform({
        json: options.json,
        failureCode: EXIT.failure,
        work: () => verify({ cli, file, json: options.json === true }),
      }),
    )
}

async function verify({
  cli,
  file,
  json,
}: {
  readonly cli: Cli
  readonly file: string
  readonly json: boolean
}): Promise<number> {
  const [{ readDocuments }, { verifyAll }, { verifiedLines, verifiedSummary }, { writeJson }] = await Promise.all([
    import('../read-documents.ts'),
    import('../verify-all.ts'),
    import('../verified-text.ts'),
    import('../json-output.ts'),
  ])
  const { stdout } = cli.terminal
  const verified = verifyAll(await readDocuments({ file }))
  if (json) await writeJson({ stdout, document: { valid: true, documents: verified.map(verifiedSummary) } })
  else
    await stdout.write(
      `${verified.map((each) => verifiedLines({ verified: each, colors: stdout.colors }).join('\n')).join('\n\n')}\n`,
    )
  return EXIT.success
}
