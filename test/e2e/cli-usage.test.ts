import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serialisedErrorSchema, type SerialisedError } from '../../src/protocol/errors.ts'
import { souk, type CommandEnd } from '../fixtures/souk-command.ts'

/** An address of nobody: port 1 of loopback. */
const NOBODY = '/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmUABdZt8SdXcNm9zTP8dwTb57iLJ19JNCaReY4WRVu13u'
const EXAMPLE = 'examples/word-count.yaml'

describe('souk, without a provider', function () {
  this.timeout(120_000)
  let home: string

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'souk-cli-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  const run = (...args: string[]): Promise<CommandEnd> => souk({ args, home })
  const errorOf = ({ stdout, stderr }: CommandEnd): SerialisedError => {
    assert.equal(stderr, '')
    assert.match(stdout, /^[^\n]+\n$/)
    const document = JSON.parse(stdout) as { error: unknown }
    assert.deepEqual(Object.keys(document), ['error'])
    return serialisedErrorSchema.parse(document.error)
  }

  it('prints help and its version to standard output, and exits with 0', async () => {
    const { version } = JSON.parse(
      await (await import('node:fs/promises')).readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    assert.deepEqual(await run('--version'), { code: 0, signal: null, stdout: `souk ${version}\n`, stderr: '' })
    const help = await run('run', '--help')
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^Usage: souk run .*Examples:/s)
    assert.equal(help.stderr, '')
    const nothing = await run()
    assert.equal(nothing.code, 2)
    assert.equal(nothing.stdout, '')
    assert.match(nothing.stderr, /^Usage: souk /)
  })

  it('tells what is wrong with a command line in three lines, and exits with 2', async () => {
    const { code, stdout, stderr } = await run('runn')
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.deepEqual(stderr.split('\n'), [
      'error  The command line is not valid (INVALID_USAGE)',
      "why    Unknown command 'runn'. Did you mean run?",
      'do     See `souk --help`.',
      '',
    ])
  })

  for (const [what, args, message] of [
    ['an unknown command', ['runn'], /Did you mean run\?/],
    ['an unknown option', ['run', '--locl', EXAMPLE], /Did you mean --local\?/],
    ['a missing option', ['tasks', 'list'], /--to/],
    ['a group of commands', ['tasks'], /Unknown option '--json'/],
    ['no place to run at', ['run', EXAMPLE], /Where is it to run/],
    ['two places', ['run', '--local', '--to', NOBODY, EXAMPLE], /not two of them/],
    ['nothing to run', ['run', '--local'], /What is to run/],
    ['two programs', ['run', '--local', '--wasm', 'a.wasm', '--native', 'a'], /Either --wasm or --native/],
    ['a folder for a provider', ['run', '--to', NOBODY, '--rootfs', '/', '/bin/sh'], /--rootfs goes with --local/],
    ['a folder without a command', ['run', '--local', '--rootfs', '/'], /The program comes first/],
    ['a folder that is none', ['run', '--local', '--rootfs', '/dev/null', 'sh'], /--rootfs must be a folder/],
    [
      'a registry that nobody asks',
      ['run', '--local', '--docker', 'busybox', '--insecure-registry', 'x'],
      /--insecure-registry goes with --to/,
    ],
    [
      'an address in place of a registry',
      ['run', '--to', NOBODY, '--docker', 'busybox', '--insecure-registry', 'http://x'],
      /--insecure-registry must be a host/,
    ],
    ['a program that is not there', ['run', '--local', '--native', '/none/app'], /no such file/],
    ['a wrong weight', ['run', '--local', '--cpu-shares', '1.5', EXAMPLE], /--cpu-shares must be a whole number/],
    ['arguments with a task file', ['run', '--local', EXAMPLE, 'x'], /under `command`/],
    [
      'what only its operator may say of a provider',
      ['run', '--to', NOBODY, '--degraded', EXAMPLE],
      /--degraded goes with --local/,
    ],
    ['an option of the other place', ['run', '--to', NOBODY, '--config', 'x', EXAMPLE], /--config goes with --local/],
    ['a wrong limit', ['run', '--local', '--memory', 'lots', EXAMPLE], /--memory must be a size/],
    ['a task file that is not there', ['run', '--local', 'nothing.yaml'], /no such file/],
    ['a provider without peer id', ['run', '--to', '/ip4/127.0.0.1/tcp/1', EXAMPLE], /p2p/],
    ['a wrong id', ['tasks', 'show', 'xyz', '--to', NOBODY, '--key', '/dev/null/no'], undefined],
    ['a file to verify that is not there', ['verify', 'nothing.json'], /no such file/],
  ] as const) {
    it(`prints one document with --json for ${what}`, async () => {
      const end = await run(...args, '--json')
      const error = errorOf(end)
      if (message === undefined) {
        assert.equal(error.code, 'KEY_UNUSABLE')
        assert.equal(end.code, 125)
      } else {
        assert.match(error.code, /^INVALID_(USAGE|INPUT)$/)
        assert.match(error.message, message)
        assert.equal(end.code, 2)
      }
    })
  }

  it('does not take an option of the program for its own', async () => {
    const { code, stdout, stderr } = await run('run', '--wasm', 'x.wasm', '--', '--json')
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /Where is it to run/)
  })

  it('tells every problem of a task file at once, where it is, and exits with 2', async () => {
    const file = join(home, 'bad.yaml')
    await writeFile(
      file,
      'version: 1\nruntime: {type: wasm, module: ./none.wasm}\nresource: {memory: 1m}\ntimeouts: {execution: soon}\n',
    )
    const end = await run('run', '--local', '--json', file)
    assert.equal(end.code, 2)
    const error = errorOf(end)
    assert.equal(error.code, 'INVALID_INPUT')
    const issues = error.details['issues'] as { path: string; message: string }[]
    assert.deepEqual(issues.map(({ path }) => path).sort(), ['resource', 'timeouts.execution'])
    assert.match(error.message, /resources.*line 3/s)
    const forPeople = await run('run', '--local', file)
    assert.equal(forPeople.code, 2)
    assert.match(
      forPeople.stderr,
      /^error {2}The input is not valid \(INVALID_INPUT\)\nwhy .*\n(?: {7}.*\n)+do {5}.*\n$/,
    )
  })

  it('exits with 125 where nobody answers, or the configuration is wrong', async () => {
    const end = await run('run', '--to', NOBODY, '--json', EXAMPLE)
    assert.equal(end.code, 125)
    assert.equal(errorOf({ ...end, stderr: '' }).code, 'UNREACHABLE')
    const config = join(home, 'bad-config.yaml')
    await writeFile(config, 'sandbox: {wasm: {timeout: never}}\n')
    const local = await run('run', '--local', '--json', '--config', config, EXAMPLE)
    assert.equal(local.code, 125)
    assert.equal(errorOf({ ...local, stderr: '' }).code, 'CONFIG_INVALID')
  })

  it('exits with 1 where an operator’s command fails', async () => {
    const config = join(home, 'bad-config.yaml')
    await writeFile(config, 'sandbox: {docker: {privileged: true}}\n')
    const checked = await run('config', 'check', config, '--json')
    assert.equal(checked.code, 1)
    assert.match(errorOf(checked).message, /sandbox\.docker\.privileged/)
    const status = await run('node', 'status', '--json')
    assert.equal(status.code, 1)
    assert.equal(errorOf(status).code, 'NODE_NOT_RUNNING')
    const up = await run('up', '--config', config, '--json')
    assert.equal(up.code, 1)
    assert.equal(errorOf(up).code, 'CONFIG_INVALID')
  })

  it('shows a configuration with the origin of each value', async () => {
    const config = join(home, 'provider.yaml')
    await writeFile(config, 'sandbox: {wasm: {timeout: 20s}}\n')
    const { code, stdout } = await souk({
      args: ['config', 'show', '--config', config, '--json'],
      home,
      env: { SOUK_CAPACITY_SLOTS: '3' },
    })
    assert.equal(code, 0)
    const { values } = JSON.parse(stdout) as { values: Record<string, { value: unknown; origin: string }> }
    assert.deepEqual(values['sandbox.wasm.timeout'], { value: '20s', origin: 'file' })
    assert.equal(values['capacity.slots']?.origin, 'env SOUK_CAPACITY_SLOTS')
    assert.equal(values['chain.id']?.origin, 'default')
    assert.equal((await run('config', 'check', config)).stdout, `${config} is valid\n`)
  })

  it('shows who the requester is, the same each time', async () => {
    const first = await run('key', 'show')
    assert.match(first.stdout, /^0x[0-9a-f]{40}\n$/)
    assert.deepEqual(JSON.parse((await run('key', 'show', '--json')).stdout), {
      file: join(home, 'souk', 'key'),
      address: first.stdout.trim(),
    })
  })

  it('tells what the host can do, each limit tried, in at most 80 columns or one document', async () => {
    const { code, stdout } = await run('doctor', '--json')
    assert.equal(code, 0)
    const { ok, runtimes, secp256k1 } = JSON.parse(stdout) as {
      ok: boolean
      runtimes: { runtime: string; available: boolean; proven?: { limit: string }[]; why?: string }[]
      secp256k1: object
    }
    assert.equal(ok, true)
    assert.deepEqual(secp256k1, { native: true })
    const [wasm, ...others] = runtimes
    assert.equal(wasm?.runtime, 'wasm')
    for (const limit of ['wallTimeMs', 'cpuTimeMs', 'memoryBytes', 'outputBytes', 'diskBytes'])
      assert.ok(
        wasm?.proven?.some((each) => each.limit === limit),
        limit,
      )
    assert.ok(others.every(({ available, why }) => available || why !== undefined))
  })

  it('takes a configuration that is not valid for a finding, exits with 1, and leaves nothing behind', async () => {
    const config = join(home, 'nothing.yaml')
    await writeFile(config, 'sandbox: {wasm: {enabled: false}}\n')
    const { code, stdout } = await run('doctor', '--config', config)
    assert.equal(code, 1)
    assert.match(stdout, /config +.*nothing\.yaml is not valid; .*\n +sandbox\.wasm\.enabled must be true/)
    assert.match(stdout, /wasm: available/)
    assert.deepEqual(
      (await readdir(process.env['TMPDIR'] ?? tmpdir())).filter((name) => name.startsWith('souk-doctor-')),
      [],
    )
  })
})
