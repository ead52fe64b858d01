import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, constants, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPaidMarket } from '../fixtures/paid-market.ts'
import { npmEnvironment, packedPackage } from '../fixtures/packed-package.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const MEBIBYTE = 1024 * 1024
/** What a provider has to download and keep for souk, at most. Half of it is binaryen, which jco-transpile brings and nothing here loads. */
const MAX_INSTALLED_BYTES = 210 * MEBIBYTE

/** A module that does nothing, well: `(module (memory (export "memory") 1) (func (export "_start")))`. */
const EMPTY_MODULE =
  '0061736d0100000001040160000003020100050301000107130206' + '6d656d6f72790200065f737461727400000a040102000b'

/** Bytes of all files below a folder. */
async function sizeOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The program in a document: the one that opens a market. */
async function programIn(file: string): Promise<string> {
  const blocks = (await readFile(file, 'utf8')).matchAll(/^```ts\n([^]*?)^```$/gm)
  const [program] = [...blocks].map(([, text = '']) => text).filter((text) => text.includes("from 'souk/market'"))
  return program ?? assert.fail(`${file} has no program`)
}

describe('the published package', function () {
  this.timeout(600_000)
  let dir: string
  let installed: string

  const souk = (args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> =>
    run(join(dir, 'node_modules', '.bin', 'souk'), args, {
      cwd: dir,
      env: { ...npmEnvironment(), HOME: join(dir, 'home') },
    })

  before(async () => {
    dir = (await packedPackage()).installedIn
    installed = join(dir, 'node_modules', 'souk')
  })

  it('holds what runs, and neither sources nor tests', async () => {
    const entries = await readdir(installed)
    for (const name of ['bin', 'config', 'dist', 'schema', 'README.md']) assert.ok(entries.includes(name), name)
    for (const name of ['test', 'bench', 'scripts']) assert.ok(!entries.includes(name), name)
    // Of the sources only those of programs that are compiled where the package is installed.
    const sources = await readdir(join(installed, 'src'), { recursive: true, withFileTypes: true })
    for (const file of sources.filter((entry) => entry.isFile()))
      assert.match(file.name, /\.(?:[ch]|mjs|json|md)$/, join(file.parentPath, file.name))
  })

  it('has compiled its launcher, and a list of system calls for it', async () => {
    for (const name of ['souk-launcher', 'souk-probe', 'souk-container-init'])
      await access(join(installed, 'build', name), constants.X_OK)
    await access(join(installed, 'dist/executors/seccomp.json'))
  })

  it('stays small with all that it brings', async () => {
    const bytes = await sizeOf(join(dir, 'node_modules'))
    console.log(`      ${(bytes / MEBIBYTE).toFixed(1)} MiB installed`)
    assert.ok(bytes < MAX_INSTALLED_BYTES, `${bytes} bytes`)
  })

  it('needs nothing that only a clone has', async () => {
    await assert.rejects(access(join(dir, 'node_modules', 'node')))
    await assert.rejects(access(join(dir, 'node_modules', 'typescript')))
  })

  it('says which version it is', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }
    const { stdout, stderr } = await souk(['--version'])
    assert.equal(stdout, `souk ${version}\n`)
    assert.equal(stderr, '')
  })

  it('is a library, each of its entries with types', async () => {
    const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      readonly exports: Readonly<Record<string, string | { readonly types: string }>>
    }
    for (const [entry, target] of Object.entries(exports)) {
      if (typeof target === 'string') continue
      await access(join(installed, target.types))
      const name = entry.replace('.', 'souk')
      const source = `import * as entry from '${name}'; if (Object.keys(entry).length === 0) throw new Error('empty')`
      await run(process.execPath, ['--input-type=module', '--eval', source], { cwd: dir })
    }
  })

  it('lets a program find, quote, pay and verify: the one in docs/SDK.md, with its types', async () => {
    const program = join(dir, 'program.mts')
    await writeFile(program, await programIn(join(root, 'docs/SDK.md')))
    await writeFile(join(dir, 'empty.wasm'), Buffer.from(EMPTY_MODULE, 'hex'))
    await writeFile(
      join(dir, 'task.yaml'),
      "version: 1\nruntime: {type: wasm, module: ./empty.wasm}\nprice: {max: '5000'}\n",
    )
    // With the compiler and the types of Node alone, as whoever writes one has them.
    const types = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'esnext']
    const typeRoots = ['--typeRoots', join(root, 'node_modules/@types'), '--types', 'node']
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...types, ...typeRoots, program], {
      cwd: dir,
    })

    const market = await startPaidMarket()
    try {
      const provider = await market.provider({
        name: 'provider',
        config: 'pricing: {wasm: {start: 1000}}\nsandbox: {native: {enabled: false}, docker: {enabled: false}}\n',
        settlement: 'redeem_gas_share: 0',
        network: 'discovery: [dht, gossip]',
      })
      const { dir: home } = await market.requester('requester')
      const env = {
        ...{ PATH: process.env['PATH'], HOME: dir, SOUK_HOME: home },
        ...{ SOUK_RPC: market.chain.url, SOUK_CONTRACT: market.contract, SOUK_CHAIN_ID: String(market.chain.chainId) },
      }
      const { stdout } = await run(process.execPath, [program, join(dir, 'task.yaml'), provider.multiaddr], {
        cwd: dir,
        env,
      })
      assert.equal(stdout, `${provider.address} is paid 1000 wei\nclosed: 1000 wei of 10000\n`)
      assert.equal(await market.chain.balanceOf(market.payout), 1000n)
    } finally {
      await market.close()
    }
  })

  it('runs a task in its sandbox', async () => {
    await writeFile(join(dir, 'empty.wasm'), Buffer.from(EMPTY_MODULE, 'hex'))
    const { stdout } = await souk(['run', '--local', '--json', '--wasm', join(dir, 'empty.wasm')])
    const { outcome } = JSON.parse(stdout) as { readonly outcome: unknown }
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
  })

  it('runs a native program in its sandbox', async () => {
    const program = join(installed, 'build/souk-probe')
    const { stdout } = await souk(['run', '--local', '--json', '--native', program, '--', 'walls', '65534'])
    const { outcome } = JSON.parse(stdout) as { readonly outcome: unknown }
    assert.deepEqual(outcome, { kind: 'exited', code: 0 })
  })
})
