import { ranked } from '../client/market/choose.ts'
import { dockerConfigFile } from '../client/pin-image.ts'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { listenForInterruptions } from './interruptions.ts'
import { writeJson } from './json-output.ts'
import { loadRunTask } from './load-run-task.ts'
import { marketOf, type SeveralProvidersOptions } from './market-place.ts'
import { quotesLines, type Quoted, type Unquoted } from './render/quotes-text.ts'

export interface QuoteOptions extends SeveralProvidersOptions {
  readonly json?: boolean
}

/**
 * `souk quote`: what providers would run a task for, in the order in which `souk run` would ask them to.
 * @returns the exit code: a failure where nobody would
 */
export async function showQuotes({
  cli,
  file,
  options,
}: {
  readonly cli: Cli
  readonly file: string
  readonly options: QuoteOptions
}): Promise<number> {
  const interruptions = listenForInterruptions()
  const { stdout } = cli.terminal
  try {
    const signal = interruptions.first
    const images = { insecureRegistries: [], dockerConfig: dockerConfigFile(cli.env), onPinned: () => undefined }
    const task = await loadRunTask({
      source: { kind: 'file', file },
      overrides: {},
      cwd: process.cwd(),
      signal,
      resolveImage: (image) => Promise.resolve(image),
      images,
    })
    await using market = await marketOf({ cli, options, signal })
    const answers = await market.quotes({ task, signal })
    const nowMs = Date.now()
    const candidates = answers
      .filter((answer) => answer.offered !== undefined)
      .map((answer) => ({ quote: answer.offered.quote, record: market.record.of(answer.client.provider), answer }))
    // Those that ask for more than the task pays are of interest here, too.
    const quoted = ranked({ candidates, maxPriceWei: 2n ** 256n, nowMs }).map(({ answer }) => answer)
    const unquoted = answers.filter((answer) => answer.offered === undefined)
    const maxPriceWei = BigInt(task.spec.maxPriceWei)
    if (options.json === true)
      await writeJson({ stdout, document: { quotes: quoted.map(quotedForm), refused: unquoted.map(unquotedForm) } })
    else {
      const form = { width: stdout.columns(), colors: stdout.colors }
      await stdout.write(`${quotesLines({ quoted, unquoted, maxPriceWei, ...form }).join('\n')}\n`)
    }
    return quoted.length > 0 ? EXIT.success : EXIT.fault
  } finally {
    interruptions.dispose()
  }
}

/** The quote is for reading; `bytes` are what was signed. */
function quotedForm({ multiaddr, offered: { quote, signed } }: Quoted): object {
  const { bytes, signature } = signed
  return { multiaddr, quote, bytes: Buffer.from(bytes).toString('base64'), signature }
}

function unquotedForm({ multiaddr, provider, error }: Unquoted): object {
  return { multiaddr, ...(provider !== undefined && { provider }), error: error.toJSON() }
}
