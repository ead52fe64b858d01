import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const MEBIBYTE = 1024 * 1024
/** What a provider has to download and keep for souk, at most. */
const MAX_INSTALLED_BYTES = 150 * MEBIBYTE

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
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-package-'))
    await run('npm', ['pack', '--pack-destination', dir], { cwd: root, env })
    const [tarball = ''] = await readdir(dir)
    await writeFile(join(dir, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', tarball], {
      cwd: dir,
      env,
    })
    installed = join(dir, 'node_modules', 'souk')
  })
  after(() => rm(dir, { recursive: true, force: true }))

  it('holds what runs, and neither sources nor tests', async () => {
    const entries = await readdir(installed)
    for (const name of ['bin', 'config', 'dist', 'schema', 'LICENSE', 'README.md'])
      assert.ok(entries.includes(name), name)
    for (const name of ['src', 'test', 'bench', 'scripts']) assert.ok(!entries.includes(name), name)
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

  it('runs', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly version: string }
    const { stdout, stderr } = await run(join(dir, 'node_modules', '.bin', 'souk'), ['--version'], { cwd: dir, env })
    assert.equal(stdout, `${version}\n`)
    assert.equal(stderr, '')
  })
})
