import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import picocolors from 'picocolors'
import { cliPage } from '../../scripts/docs/cli.ts'
import { createCli } from '../../src/cli/cli.ts'
import { createNarrator } from '../../src/cli/render/narrator.ts'
import { createProgram } from '../../src/cli/program.ts'
import { displayWidth } from '../../src/cli/render/table.ts'
import { viewTask } from '../../src/cli/render/task-view.ts'
import type { TerminalStream } from '../../src/cli/render/terminal.ts'

interface Recorded extends TerminalStream {
  text(): string
}

function recorded({ isTTY = false }: { readonly isTTY?: boolean } = {}): Recorded {
  let text = ''
  return {
    isTTY,
    columns: () => 80,
    colors: picocolors.createColors(false),
    broken: new AbortController().signal,
    write(data) {
      text += typeof data === 'string' ? data : Buffer.from(data).toString()
      return Promise.resolve()
    },
    text: () => text,
  }
}

function commandsBelow(command: Command): readonly Command[] {
  return command.commands.flatMap((each) => [each, ...commandsBelow(each)])
}

describe('the command line', () => {
  const { program, help } = createProgram(
    createCli({ version: '1.2.3', env: {}, terminal: { stdout: recorded(), stderr: recorded() } }),
  )
  const commands = commandsBelow(program)

  it('has every command that people were promised', () => {
    const names = commands.map((command) =>
      command.parent === program ? command.name() : `${command.parent?.name()} ${command.name()}`,
    )
    for (const name of [
      'up',
      'run',
      'verify',
      'doctor',
      'tasks list',
      'tasks show',
      'tasks logs',
      'tasks cancel',
      'tasks result',
      'node status',
      'config show',
      'config check',
      'key show',
    ]) {
      assert.ok(names.includes(name), name)
    }
  })

  it('has --json and a description on every command that does something', () => {
    for (const command of commands) {
      assert.notEqual(command.description(), '', command.name())
      if (command.commands.length === 0)
        assert.ok(
          command.options.some(({ long }) => long === '--json'),
          command.name(),
        )
      for (const option of command.options) assert.notEqual(option.description, '', `${command.name()} ${option.flags}`)
    }
  })

  it('has help that fits 80 columns', () => {
    for (const command of [program, ...commands]) {
      const before = help().length
      command.outputHelp()
      for (const line of help().slice(before).split('\n'))
        assert.ok(displayWidth(line) <= 80, `${command.name()}: ${line}`)
    }
  })

  it('shows examples for every command of the market', () => {
    const market = ['wallet', 'channel', 'earnings', 'quote', 'offers', 'peers', 'verify', 'run']
    const shown = program.commands.filter((command) => market.includes(command.name()))
    assert.equal(shown.length, market.length)
    for (const command of shown.flatMap((one) => [one, ...one.commands])) {
      const before = help().length
      command.outputHelp()
      assert.match(help().slice(before), /^Examples?:\n {2}\$ souk /m, command.name())
    }
  })

  it('is what docs/CLI.md says (else: npm run generate)', () => {
    assert.equal(readFileSync(new URL('../../docs/CLI.md', import.meta.url), 'utf8'), cliPage())
  })
})

describe('narration', () => {
  let nowMs = 0
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  const narrate = (options: { readonly isTTY?: boolean; readonly quiet?: boolean } = {}) => {
    const stderr = recorded(options)
    return { stderr, narrator: createNarrator({ stderr, quiet: options.quiet === true, nowMs: () => nowMs }) }
  }
  beforeEach(() => {
    nowMs = 1000
  })

  it('is a line each, with the time since the start, never in the middle of a line of the task', async () => {
    const { stderr, narrator } = narrate()
    narrator.say('queued')
    await narrator.write(bytes('half a line'))
    nowMs = 62_500
    narrator.say('ended')
    await narrator.write(bytes('whole\n'))
    narrator.say('saved')
    assert.equal(stderr.text(), 'souk   1.00s  queued\nhalf a line\nsouk   62.5s  ended\nwhole\nsouk   62.5s  saved\n')
  })

  it('shows progress on a terminal only, in place and now and then', () => {
    const plain = narrate()
    plain.narrator.progress('1 of 9')
    assert.equal(plain.stderr.text(), '')

    const { stderr, narrator } = narrate({ isTTY: true })
    narrator.progress('1 of 9')
    narrator.progress('2 of 9')
    nowMs += 200
    narrator.progress('3 of 9')
    narrator.say('running')
    assert.equal(stderr.text(), 'souk   1.00s  1 of 9\r\u001b[Ksouk   1.20s  3 of 9\r\u001b[Ksouk   1.20s  running\n')
  })

  it('shows on a terminal how far an image has come', async () => {
    let nowMs = 1000
    const stderr = recorded({ isTTY: true })
    const narrator = createNarrator({ stderr, quiet: false, nowMs: () => nowMs })
    const show = viewTask({ stdout: recorded(), narrator, withoutOutput: false })
    for (const fetchedBytes of [0, 1024]) {
      await show({ kind: 'preparing', atMs: 0, what: 'image', fetchedBytes, totalBytes: 2048 })
      nowMs += 1000
    }
    assert.equal(stderr.text(), 'souk   1.00s  pulling its image, 2k\nsouk   2.00s  pulling image 1k of 2k')
  })

  it('is silent when asked to be, but for what the task writes', async () => {
    const { stderr, narrator } = narrate({ isTTY: true, quiet: true })
    narrator.say('queued')
    narrator.progress('1 of 9')
    await narrator.write(bytes('task\n'))
    assert.equal(stderr.text(), 'task\n')
  })

  it('tells of a task’s way, and passes its output on', async () => {
    const stdout = recorded()
    const { stderr, narrator } = narrate()
    const show = viewTask({ stdout, narrator, withoutOutput: false })
    const preparing = { kind: 'preparing', atMs: 0, totalBytes: 2048 } as const
    await show({ ...preparing, what: 'inputs', fetchedBytes: 0 })
    await show({ ...preparing, what: 'inputs', fetchedBytes: 2048 })
    await show({ ...preparing, what: 'image', fetchedBytes: 0 })
    await show({ ...preparing, what: 'image', fetchedBytes: 1024 })
    await show({ kind: 'queued', atMs: 0, position: 1 })
    await show({ kind: 'queued', atMs: 0, position: 0 })
    await show({ kind: 'started', atMs: 0, attempt: 1 })
    await show({ kind: 'output', stream: 'stdout', offset: 0, data: bytes('out\n') })
    await show({ kind: 'output', stream: 'stderr', offset: 0, data: bytes('err\n') })
    await show({ kind: 'started', atMs: 0, attempt: 2 })
    assert.equal(stdout.text(), 'out\n')
    const lines = stderr.text().split('\n')
    assert.deepEqual(
      lines.map((line) => line.slice('souk   1.00s  '.length) || line),
      [
        'transferring its files, 2k',
        'pulling its image, 2k',
        'queued, 1 task before it',
        'queued',
        'running',
        'err',
        'running, attempt 2: its output starts anew',
        '',
      ],
    )
  })

  it('keeps output back where it is in the document at the end', async () => {
    const stdout = recorded()
    const { stderr, narrator } = narrate()
    const show = viewTask({ stdout, narrator, withoutOutput: true })
    await show({ kind: 'output', stream: 'stdout', offset: 0, data: bytes('out\n') })
    await show({ kind: 'output', stream: 'stderr', offset: 0, data: bytes('err\n') })
    assert.equal(stdout.text() + stderr.text(), '')
  })
})
