/**
 * `npm run wasi-testsuite -- FOLDER [--host wasmer]`: runs the WASI preview 1 programs of WebAssembly/wasi-testsuite through the
 * executor, each in a sandbox process of its own, and prints what came of each and the score. FOLDER is a copy of the
 * branch prod/testsuite-base, which holds the programs built; the suite is not part of souk.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import type { Executor, WasmTask } from '../src/executors/executor.ts'
import { createWasmExecutor } from '../src/executors/wasm/executor.ts'

const SUITES = ['assemblyscript', 'c', 'rust'].map((language) => `tests/${language}/testsuite/wasm32-wasip1`)
/** How a program is run and what it should do (the suite's doc/specification.md, its legacy form). */
const specificationSchema = z.strictObject({
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  /** Folder that is the program's `/`; no folder is preopened where it is null. */
  root: z.string().nullable().default(null),
  exit_code: z.int().default(0),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
})
type Specification = z.infer<typeof specificationSchema>

/**
 * Every task of souk has its root folder on descriptor 3. What looks at that descriptor and wants no folder there is
 * run on the same host with none, in a process of its own (wasi-testsuite-child.ts).
 */
const WITHOUT_FOLDERS: ReadonlySet<string> = new Set(['sock_shutdown-invalid_fd'])
/** Folders of a root into which programs write: inputs are read-only, so these are the task's outputs. */
const WRITTEN: ReadonlySet<string> = new Set(['writeable'])
const LIMITS = {
  wallTimeMs: 30_000,
  memoryBytes: 256 * 1024 * 1024,
  diskBytes: 16 * 1024 * 1024,
  inodes: 1000,
  outputBytes: 1024 * 1024,
  openFiles: 64,
  pids: 1,
  cpuCores: 1,
}

interface Ended {
  /** The exit code, or whatever else came of it. */
  readonly end: string
  readonly stdout: string
  readonly stderr: string
}

interface Program {
  readonly name: string
  readonly file: string
  readonly specification: Specification
}

async function programsIn(folder: string): Promise<Program[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.wasm')).toSorted()
  return Promise.all(
    files.map(async (file) => {
      const name = basename(file, '.wasm')
      const json = await readFile(join(folder, `${name}.json`), 'utf8').catch(() => '{}')
      const specification = specificationSchema.parse(JSON.parse(json))
      const { root } = specification
      return {
        name,
        file: join(folder, file),
        specification: { ...specification, root: root === null ? null : join(folder, root) },
      }
    }),
  )
}

async function fileAt(source: string): Promise<{ source: string; sha256: string; bytes: number }> {
  const content = await readFile(source)
  return { source, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
}

/** The files of a root as inputs of a task, and the folders that it writes to as outputs. */
async function contentOf(root: string): Promise<Pick<WasmTask, 'inputs' | 'outputs'>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const written = entries.filter((entry) => entry.isDirectory() && WRITTEN.has(entry.name))
  const outputs = written.map((entry) => ({ path: `/${relative(root, join(entry.parentPath, entry.name))}` }))
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !outputs.some(({ path }) => `/${relative(root, file)}`.startsWith(`${path}/`)))
  const inputs = await Promise.all(
    files.map(async (file) => ({ ...(await fileAt(file)), target: `/${relative(root, file)}` })),
  )
  return { inputs, outputs }
}

function collected(): { readonly stream: Writable; read(): string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { stream, read: () => Buffer.concat(chunks).toString() }
}

async function asTask(executor: Executor<WasmTask>, program: Program, place: string): Promise<Ended> {
  const { name, file, specification } = program
  const [stdout, stderr] = [collected(), collected()]
  const { outcome } = await executor.run({
    task: {
      runtime: 'wasm',
      name: `${name}.wasm`,
      module: await fileAt(file),
      command: specification.args,
      env: specification.env,
      ...(specification.root === null ? { inputs: [], outputs: [] } : await contentOf(specification.root)),
    },
    limits: LIMITS,
    dir: await mkdtemp(join(place, 'job-')),
    stdin: Readable.from([]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    signal: AbortSignal.timeout(LIMITS.wallTimeMs),
    onStarted: () => {},
  })
  const end = outcome.kind === 'exited' ? String(outcome.code) : JSON.stringify(outcome)
  return { end, stdout: stdout.read(), stderr: stderr.read() }
}

async function withoutFolders({ file, specification }: Program): Promise<Ended> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      fileURLToPath(new URL('wasi-testsuite-child.ts', import.meta.url)),
      file,
      JSON.stringify({ args: specification.args, env: specification.env, memoryBytes: LIMITS.memoryBytes }),
    ],
    { env: {}, stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMITS.wallTimeMs },
  )
  const ended = new Promise<string>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(String(code ?? signal)))
    child.once('error', reject)
  })
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { end, stdout, stderr }
}

/** Why a program has not passed; undefined where it has. */
function complaint({ end, stdout, stderr }: Ended, wanted: Specification): string | undefined {
  if (end !== String(wanted.exit_code)) return `it ended with ${end}: ${stderr.trim().split('\n').at(-1) ?? ''}`
  if (wanted.stdout !== undefined && stdout !== wanted.stdout) return `its stdout is ${JSON.stringify(stdout)}`
  if (wanted.stderr !== undefined && stderr !== wanted.stderr) return `its stderr is ${JSON.stringify(stderr)}`
  return undefined
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { host: { type: 'string', default: 'souk' } },
})
const { host } = values
const [folder, ...rest] = positionals
if (folder === undefined || rest.length > 0 || (host !== 'souk' && host !== 'wasmer')) {
  process.stderr.write('Usage: npm run -s wasi-testsuite -- FOLDER [--host souk|wasmer]\n')
  process.exit(2)
}
const place = await mkdtemp(join(tmpdir(), 'souk-wasi-testsuite-'))
const executor = createWasmExecutor({ instanceDir: place, host, prewarm: 1 })
let passed = 0
let ran = 0
try {
  for (const suite of SUITES) {
    for (const program of await programsIn(join(folder, suite))) {
      const bare = WITHOUT_FOLDERS.has(program.name)
      const ended = bare ? await withoutFolders(program) : await asTask(executor, program, place)
      const wrong = complaint(ended, program.specification)
      ran += 1
      passed += wrong === undefined ? 1 : 0
      const way = bare ? ' (run without folders)' : ''
      process.stdout.write(
        `${wrong === undefined ? 'passed' : 'FAILED'}  ${program.name}${way}${wrong === undefined ? '' : `: ${wrong}`}\n`,
      )
    }
  }
} finally {
  await executor.close()
  await rm(place, { recursive: true })
}
process.stdout.write(`\n${passed} of ${ran} programs passed\n`)
if (passed < ran || ran === 0) process.exitCode = 1
