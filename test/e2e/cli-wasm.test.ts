import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildProgram, EXAMPLES_DIR, PROGRAMS_DIR } from '../../scripts/build-programs.ts'
import { verifyDocument } from '../../src/identity/verify-document.ts'
import { runDocumentSchema, type RunDocument } from '../../src/protocol/run-document.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

const FUEL_LIMIT = 50_000_000
const PRIMES = join(EXAMPLES_DIR, 'primes.wasm')
const ESTIMATE_PI = join(EXAMPLES_DIR, 'estimate-pi.wasm')

describe('souk, with what WebAssembly alone has', function () {
  this.timeout(120_000)
  let dir: string
  let provider: ProviderProcess

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-e2e-wasm-'))
    for (const name of ['ada', 'bob']) await mkdir(join(dir, name))
    provider = await startProvider({
      dir: join(dir, 'provider'),
      config: `sandbox: {wasm: {reuse: same-requester, fuel_limit: ${FUEL_LIMIT}}}\npeers: {share: 1, unknown_share: 1}\n`,
    })
  })
  after(async () => {
    await provider?.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  const run = (options: readonly string[], { who = 'ada', env = {} } = {}): Promise<CommandEnd> =>
    souk({ args: ['run', ...options], home: join(dir, who), env })
  const documentOf = ({ code, stdout, stderr }: CommandEnd): RunDocument => {
    assert.equal(code, 0, stderr)
    const document = runDocumentSchema.parse(JSON.parse(stdout))
    verifyDocument(document)
    return document
  }
  const there = (...options: readonly string[]): readonly string[] => ['--to', provider.multiaddr, ...options]

  it('holds every task to the fuel that the operator allows, and says what each used', async () => {
    const { usage, limits, receipt } = documentOf(await run(there('--json', '--wasm', PRIMES, '--', '1000')))
    assert.equal(limits.fuel, FUEL_LIMIT)
    assert.ok((usage.fuelUsed ?? 0) > 1000 && (usage.fuelUsed ?? 0) < FUEL_LIMIT, JSON.stringify(usage))
    assert.equal(receipt.usage.fuelUsed, usage.fuelUsed)

    const { source: spin } = await buildProgram({ file: join(PROGRAMS_DIR, 'spin.c'), runtime: 'wasm' })
    const endless = await run(there('--wasm', spin))
    assert.equal(endless.code, 122, endless.stderr)
    assert.match(endless.stderr, /fuel limit: .* 50,000,000 fuel/)
    const less = await run(there('--wasm', spin, '--fuel', '1000'))
    assert.match(less.stderr, /fuel limit: .* 1,000 fuel/)

    const more = await run(there('--wasm', PRIMES, '--fuel', String(FUEL_LIMIT + 1)))
    assert.equal(more.code, 125)
    assert.match(more.stderr, /fuel of 50000001, the provider offers at most 50000000/)
  })

  it('says which process had served its requester before, and never leaves one to another', async () => {
    const reuseOf = async (who: string): Promise<string> =>
      documentOf(await run(there('--json', '--wasm', PRIMES, '--', '10'), { who })).receipt.isolation.reuse
    assert.equal(await reuseOf('bob'), 'none')
    assert.equal(await reuseOf('bob'), 'same-requester')
    const told = await run(there('--wasm', PRIMES, '--', '10'), { who: 'bob' })
    assert.match(told.stderr, /it ran in a process that had served another task of the same requester/)
    await mkdir(join(dir, 'eve'))
    assert.equal(await reuseOf('eve'), 'none')
  })

  it('makes a task deterministic by a word, with the same end in a process that was used', async () => {
    const of = async (): Promise<object> => {
      const { outcome, stdout, usage } = documentOf(
        await run(there('--json', '--deterministic', '--wasm', ESTIMATE_PI, '--', '10000')),
      )
      return { outcome, stdout, fuelUsed: usage.fuelUsed }
    }
    const first = await of()
    assert.deepEqual(await of(), first)
    assert.match(JSON.stringify(first), /pi is about 3\.1\d{5}, says 2000-01-01T00:00:00Z/)
  })

  it('runs on the host that the operator chose, and refuses there what that cannot do', async () => {
    const env = { SOUK_SANDBOX_WASM_HOST: 'wasmer' }
    const there = documentOf(await run(['--local', '--json', '--wasm', PRIMES, '--', '1000'], { env }))
    assert.match(there.isolation.engine, /@wasmer\/wasi/)
    const here = documentOf(await run(['--local', '--json', '--wasm', PRIMES, '--', '1000']))
    assert.doesNotMatch(here.isolation.engine, /wasmer/)
    assert.equal(there.stdout, here.stdout)
    assert.equal(here.usage.fuelUsed, undefined)
    const refused = await run(['--local', '--deterministic', '--wasm', ESTIMATE_PI, '--', '10'], { env })
    assert.equal(refused.code, 125)
    assert.match(refused.stderr, /to come out the same on every provider; this one cannot run it so/)
  })
})
