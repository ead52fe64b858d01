import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, constants, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
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

describe('the published package', function () {
  this.timeout(180_000)
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
