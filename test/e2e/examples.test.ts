import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { buildProgram, EXAMPLES_DIR } from '../../scripts/build-programs.ts'
import { makeImage } from '../../scripts/docker-images.ts'
import { startOwnDockerEngine, type OwnDockerEngine } from '../../scripts/own-docker-engine.ts'
import { startOwnRegistry, type OwnRegistry } from '../../scripts/own-registry.ts'
import { runDocumentSchema } from '../../src/protocol/run-document.ts'
import { pushFromEngine } from '../fixtures/push-image.ts'
import { startProvider, type ProviderProcess } from '../fixtures/provider-process.ts'
import { souk } from '../fixtures/souk-command.ts'

const run = promisify(execFile)
const EXAMPLES = join(import.meta.dirname, '../../examples/sdk')

/** Each example of the SDK, and what it prints. */
const EXPECTED: Readonly<Record<string, { readonly args?: readonly string[]; readonly stdout: RegExp }>> = {
  'run-a-task.ts': { stdout: /^6 44 217 \/in\/poem\.txt\n$/ },
  'watch-and-cancel.ts': { stdout: /started\nfinished\ncancelled(, after \d+ ms| before it began)\n$/ },
  'success-or-exception.ts': { stdout: /^too slow: wallTime of 100 ms\n$/ },
  'result-files.ts': { args: ['results'], stdout: /^(results\/[012]\/out\/counts\.json: \d+ bytes\n){3}$/ },
}

describe('the examples of the SDK', function () {
  this.timeout(60_000)
  let dir: string
  let provider: ProviderProcess

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-examples-'))
    provider = await startProvider({ dir: join(dir, 'provider') })
  })
  after(async () => {
    await provider.end('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  })

  it('are all run here', async () => {
    assert.deepEqual((await readdir(EXAMPLES)).sort(), Object.keys(EXPECTED).sort())
  })

  for (const [file, { args = [], stdout: expected }] of Object.entries(EXPECTED)) {
    it(`${file} does what it says`, async () => {
      const env = { ...process.env, SOUK_HOME: join(dir, 'home') }
      const { stdout } = await run(process.execPath, [join(EXAMPLES, file), provider.multiaddr, ...args], {
        cwd: dir,
        env,
      })
      assert.match(stdout, expected)
    })
  }

  it('leave the files that they tell of', async () => {
    const counts: unknown = JSON.parse(await readFile(join(dir, 'results/0/out/counts.json'), 'utf8'))
    assert.deepEqual(counts, { lines: 0, words: 6, bytes: 18 })
  })
})

describe('the examples of task files', function () {
  this.timeout(120_000)
  let dir: string
  let examples: string
  let engine: OwnDockerEngine
  let registry: OwnRegistry
  let provider: ProviderProcess

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-examples-'))
    examples = join(dir, 'examples')
    await cp(join(EXAMPLES, '..'), examples, { recursive: true })
    const program = await buildProgram({ file: join(EXAMPLES_DIR, 'word-count.c'), runtime: 'native' })
    await copyFile(program.source, join(examples, 'programs', 'word-count'))
    ;[engine, registry] = await Promise.all([startOwnDockerEngine(), startOwnRegistry()])
    const { socketPath } = engine
    const image = await makeImage({ socketPath, busybox: true })
    const docker = new Docker({ socketPath })
    await docker.getImage(image).tag({ repo: 'busybox' })
    // Another one, which the engine has no more when a task asks for it: it is pulled.
    const pushed = await makeImage({ socketPath, busybox: true, files: { '/etc/from': 'the registry' } })
    await pushFromEngine({ docker, image: pushed, registry, repository: 'tools/busybox', tag: '1' })
    await docker.getImage(pushed).remove({ force: true })
    const sandbox = {
      docker: {
        enabled: true,
        socket: socketPath,
        images: [`${registry.host}/tools/busybox`],
        registries: [`http://${registry.host}`],
      },
    }
    provider = await startProvider({ dir: join(dir, 'provider'), config: `sandbox: ${JSON.stringify(sandbox)}\n` })
  })
  after(async () => {
    // Asked to: it takes along the containers and disks that it keeps ready.
    await provider?.end('SIGTERM')
    await Promise.all([engine?.stop(), registry?.stop()])
    await rm(dir, { recursive: true, force: true })
  })

  /** Most count the same poem, each in the form of its own program; here, or at a provider. */
  const EXPECTED_TASKS: Readonly<Record<string, { readonly stdout: RegExp; readonly atProvider?: true }>> = {
    'word-count.yaml': { stdout: /^6 44 217 \/in\/poem\.txt\n$/ },
    'word-count-native.yaml': { stdout: /^6 44 217 \/in\/poem\.txt\n$/ },
    'word-count-docker.yaml': { stdout: /^ +6 +44 +217 \/in\/poem\.txt\n$/ },
    'estimate-pi.yaml': { stdout: /^pi is about 3\.14\d{4}, says \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$/ },
    'word-count-registry.yaml': { stdout: /^ +6 +44 +217 \/in\/poem\.txt\n$/, atProvider: true },
  }

  it('are all run here', async () => {
    const files = (await readdir(join(EXAMPLES, '..'))).filter((name) => name.endsWith('.yaml'))
    assert.deepEqual(files.sort(), Object.keys(EXPECTED_TASKS).sort())
  })

  for (const [file, { stdout: expected, atProvider }] of Object.entries(EXPECTED_TASKS)) {
    it(`${file} does what it says`, async () => {
      const path = join(examples, file)
      // The tests' registry is on a port of its own.
      await writeFile(path, (await readFile(path, 'utf8')).replace('localhost:5000', registry.host))
      const end = await souk({
        args: ['run', ...(atProvider ? ['--to', provider.multiaddr] : ['--local']), path],
        home: dir,
        env: { SOUK_SANDBOX_DOCKER_SOCKET: engine.socketPath },
      })
      assert.equal(end.code, 0, end.stderr)
      assert.match(end.stdout, expected)
      if (atProvider) assert.match(end.stderr, /pull/i)
    })
  }

  it('come out the same here and at a provider, to the last bit, where they ask for that', async () => {
    const of = async (...where: readonly string[]): Promise<object> => {
      const { code, stdout, stderr } = await souk({
        args: ['run', '--json', ...where, join(examples, 'estimate-pi.yaml')],
        home: dir,
      })
      assert.equal(code, 0, stderr)
      const { outcome, usage, outputs, limits, receipt, stdout: printed } = runDocumentSchema.parse(JSON.parse(stdout))
      const { fuelUsed, limitsHit } = usage
      assert.ok(fuelUsed !== undefined && fuelUsed > 1_000_000 && fuelUsed < (limits.fuel ?? 0))
      assert.equal(receipt.usage.fuelUsed, fuelUsed)
      return { outcome, fuelUsed, limitsHit, outputs, limits, printed }
    }
    const [here, there, again] = [await of('--local'), await of('--to', provider.multiaddr), await of('--local')]
    assert.deepEqual(there, here)
    assert.deepEqual(again, here)
  })
})
