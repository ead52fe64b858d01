import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Quote } from '../../src/protocol/quote.ts'
import type { RunDocument } from '../../src/protocol/run-document.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { startSouk, type CommandEnd } from '../fixtures/souk-command.ts'
import { wasmProgram } from '../fixtures/wasm-program.ts'

const pricing = (start: string): string =>
  `peers: {share: 1, unknown_share: 1}\npricing: {wasm: {start: ${start}, cpu_second: 1}}\n`

interface QuotesDocument {
  readonly quotes: readonly { readonly multiaddr: string; readonly quote: Quote }[]
  readonly refused: readonly { readonly multiaddr: string; readonly error: { readonly code: string } }[]
}

describe('souk in the market', function () {
  this.timeout(300_000)
  let dir: string
  let file: string
  const providers: ProviderProcess[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-market-'))
    file = join(dir, 'pause.yaml')
    const module = await wasmProgram('pause')
    await writeFile(
      file,
      `version: 1\nname: pause\nruntime: {type: wasm, module: ${module}}\ncommand: ['100']\nprice: {max: "1000000000"}\n`,
    )
    const configs = [pricing('30gwei'), pricing('1000'), pricing('500'), pricing('2000')]
    for (const [number, config] of configs.entries())
      providers.push(await startProvider({ dir: join(dir, `provider-${number}`), config }))
  })
  after(async () => {
    await Promise.all(providers.map((provider) => provider.end('SIGKILL')))
    await rm(dir, { recursive: true, force: true })
  })

  const addresses = (): readonly string[] => providers.flatMap(({ multiaddr }) => ['--to', multiaddr])
  const souk = (...args: string[]): Promise<CommandEnd> => startSouk({ args, home: dir }).ended
  const document = <T>({ stdout, stderr }: CommandEnd): T => {
    assert.notEqual(stdout, '', stderr)
    return JSON.parse(stdout) as T
  }

  it('shows the cheapest first, what is more than the task pays, and who would not run it with why', async () => {
    const all = await souk('quote', file, ...addresses(), '--json')
    assert.equal(all.code, 0, all.stderr)
    const { quotes, refused } = document<QuotesDocument>(all)
    // CPU time is five minutes at most, at a wei a second.
    assert.deepEqual(
      quotes.map(({ quote }) => quote.maxPriceWei),
      ['800', '1300', '2300', '30000000300'],
    )
    assert.deepEqual(refused, [])
    const table = await souk('quote', file, ...addresses())
    assert.match(table.stdout, /AT MOST.*\n +800 .*\n +1300 .*\n +2300 .*\n *30000000300 !/)
    assert.match(table.stdout, /more than the task pays/)
    const wanting = join(dir, 'wanting.yaml')
    await writeFile(
      wanting,
      `version: 1\nname: pause\nruntime: {type: wasm, module: ${await wasmProgram('pause')}}\nresources: {memory: 900g}\n`,
    )
    const none = await souk('quote', wanting, ...addresses())
    assert.equal(none.code, 125)
    assert.match(none.stdout, /Nobody would run the task/)
    // Each of the four has two reasons: more than it offers, and more than it can enforce.
    assert.equal(none.stdout.match(/memoryBytes/g)?.length, 8, none.stdout)
  })

  it('has the cheapest run it, and the next when that is killed with the task in it', async () => {
    const cheapest = providers[2]
    const next = providers[1]
    assert(cheapest !== undefined && next !== undefined)
    const run = document<RunDocument>(await souk('run', file, ...addresses(), '--json'))
    assert.equal(run.provider, cheapest.address)
    assert.equal(run.receipt.priceWei, '500')
    assert.equal(run.receipt.terms?.rates.startWei, '500')

    const long = join(dir, 'long.yaml')
    await writeFile(
      long,
      `version: 1\nname: pause\nruntime: {type: wasm, module: ${await wasmProgram('pause')}}\ncommand: ['4000']\nprice: {max: "1000000000"}\n`,
    )
    const command = startSouk({ args: ['run', long, ...addresses(), '--json'], home: dir })
    await command.says('running')
    await cheapest.end('SIGKILL')
    const end = await command.ended
    assert.equal(end.code, 0, end.stderr)
    assert.match(end.stderr, /Somebody else is asked/)
    const second = document<RunDocument>(end)
    assert.equal(second.provider, next.address)
    assert.equal(second.receipt.priceWei, '1000')
  })

  it('takes one provider more for who cannot be reached, and none for everything where --to is missing', async () => {
    const quotes = document<QuotesDocument>(await souk('quote', file, ...addresses(), '--json'))
    assert.equal(quotes.quotes.length, 3)
    assert.deepEqual(
      quotes.refused.map(({ error }) => error.code),
      ['UNREACHABLE'],
    )
    const nowhere = await souk('quote', file)
    assert.equal(nowhere.code, 2)
    assert.match(nowhere.stderr, /--bootstrap/)
  })
})
