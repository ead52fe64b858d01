import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const root = join(import.meta.dirname, '..', '..')

/** A command line that tells what it is and what reaches it, and stays until told otherwise. */
const MAIN = `
import { DatabaseSync } from 'node:sqlite'
export async function main(args: readonly string[]): Promise<number> {
  new DatabaseSync(':memory:').close()
  const [what, value] = args
  if (what === 'exit') return Number(value)
  if (what === 'warn') process.emitWarning('shown', 'OtherWarning')
  if (what === 'version') console.log(process.version)
  if (what === 'stay') {
    const stay = setInterval(() => undefined, 1000)
    process.on('SIGTERM', () => console.log('SIGTERM'))
    process.on('SIGINT', () => console.log('SIGINT'))
    process.once('SIGUSR2', () => clearInterval(stay))
    process.on('SIGHUP', () => {
      process.removeAllListeners('SIGHUP')
      process.kill(process.pid, 'SIGHUP')
    })
    console.log(process.pid)
  }
  return 0
}
`

/** Makes the running Node look like one that is too old. */
const OLD_NODE = "Object.defineProperty(process.versions, 'node', { value: '20.19.0' })\n"

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** The next line of standard output. */
  readonly nextLine: () => Promise<string>
}

describe('bin/souk', () => {
  let dir: string
  const started: ChildProcess[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'souk-bin-'))
    await cp(join(root, 'bin'), join(dir, 'bin'), { recursive: true })
    await cp(join(root, 'package.json'), join(dir, 'package.json'))
    await mkdir(join(dir, 'src', 'cli'), { recursive: true })
    await writeFile(join(dir, 'src', 'cli', 'main.ts'), MAIN)
    await writeFile(join(dir, 'old-node.cjs'), OLD_NODE)
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
    await symlink(join(dir, 'bin', 'souk'), join(dir, 'linked'))
  })
  afterEach(() => {
    for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL')
  })
  after(() => rm(dir, { recursive: true, force: true }))

  function start(args: readonly string[], options: { readonly old?: boolean; readonly file?: string } = {}): Running {
    const { old = false, file = join(dir, 'bin', 'souk') } = options
    const flags = old ? ['--require', join(dir, 'old-node.cjs')] : []
    const child = spawn(process.execPath, [...flags, file, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    started.push(child)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    })
    const nextLine = async (): Promise<string> => ((await lines.next()) as IteratorResult<string, string>).value
    return { child, ended, nextLine }
  }

  for (const old of [false, true]) {
    describe(old ? 'on a Node that is too old' : 'on a Node that is fine', () => {
      it('ends with the exit code of the command line', async () => {
        assert.equal((await start(['exit', '7'], { old }).ended).code, 7)
      })

      it('runs through a symbolic link', async () => {
        const { code, stdout } = await start(['version'], { old, file: join(dir, 'linked') }).ended
        assert.equal(code, 0)
        assert.equal(stdout, `${process.version}\n`)
      })

      it('keeps experimental warnings to itself, and no others', async () => {
        const { stderr } = await start(['warn'], { old }).ended
        assert.match(stderr, /OtherWarning: shown/)
        assert.doesNotMatch(stderr, /Experimental/)
      })

      it('hands on a signal once', async () => {
        const { child, ended, nextLine } = start(['stay'], { old })
        await nextLine()
        child.kill('SIGTERM')
        assert.equal(await nextLine(), 'SIGTERM')
        child.kill('SIGUSR2')
        assert.match((await ended).stdout, /^\d+\nSIGTERM\n$/)
      })

      it('hands on a signal that the whole group gets, as by Ctrl-C, once', async () => {
        const { child, ended, nextLine } = start(['stay'], { old })
        await nextLine()
        process.kill(-(child.pid ?? NaN), 'SIGINT')
        assert.equal(await nextLine(), 'SIGINT')
        child.kill('SIGUSR2')
        assert.match((await ended).stdout, /^\d+\nSIGINT\n$/)
      })

      it('ends by the signal that ends the command line', async () => {
        const { child, ended, nextLine } = start(['stay'], { old })
        await nextLine()
        child.kill('SIGHUP')
        assert.equal((await ended).signal, 'SIGHUP')
      })

      it('leaves nothing running when it is killed', async () => {
        const { child, ended, nextLine } = start(['stay'], { old })
        const pid = Number(await nextLine())
        child.kill('SIGKILL')
        await ended
        while (isAlive(pid)) await sleep(20) // bounded by the test's timeout
      })
    })
  }

  it('says in one line what to do where no Node is carried', async () => {
    const bare = await mkdtemp(join(tmpdir(), 'souk-bare-'))
    try {
      await cp(join(root, 'bin'), join(bare, 'bin'), { recursive: true })
      await cp(join(root, 'package.json'), join(bare, 'package.json'))
      const { code, stderr } = await start(['--version'], { old: true, file: join(bare, 'bin', 'souk') }).ended
      assert.equal(code, 125)
      assert.match(stderr, /^souk: needs Node \d+ or newer, .* run npm install in .*\n$/)
    } finally {
      await rm(bare, { recursive: true, force: true })
    }
  })

  it('says in one line what to do where its packages are missing', async () => {
    const bare = await mkdtemp(join(tmpdir(), 'souk-bare-'))
    try {
      await cp(join(root, 'bin'), join(bare, 'bin'), { recursive: true })
      await cp(join(root, 'package.json'), join(bare, 'package.json'))
      await mkdir(join(bare, 'src', 'cli'), { recursive: true })
      await writeFile(join(bare, 'src', 'cli', 'main.ts'), "import 'commander'\nexport const main = 1\n")
      const { code, stderr } = await start(['--version'], { file: join(bare, 'bin', 'souk') }).ended
      assert.equal(code, 125)
      assert.match(stderr, /^souk: its packages are missing \(.*commander.*\): run npm install in .*\n$/)
    } finally {
      await rm(bare, { recursive: true, force: true })
    }
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
