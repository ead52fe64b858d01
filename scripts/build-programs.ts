/**
 * Compiles the C programs of the tests and examples, each once per compiler and source. Run as a script it builds
 * all test programs; `--examples` builds the examples in place instead.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RuntimeName } from '../src/protocol/execution.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Programs for every runtime. */
export const PROGRAMS_DIR = join(ROOT, 'test/fixtures/programs')
/** Programs that need processes, signals, sockets or links, which WebAssembly does not have. */
export const POSIX_PROGRAMS_DIR = join(PROGRAMS_DIR, 'posix')
export const EXAMPLES_DIR = join(ROOT, 'examples/programs')

interface Toolchain {
  /** The compiler. */
  readonly command: string
  /** Debian's packages that bring it and what it needs. */
  readonly packages: readonly string[]
  readonly flags: readonly string[]
  /** Below .cache/programs; runtimes that run the same files share it. */
  readonly folder: string
  readonly suffix: string
}

const STATIC: Toolchain = {
  command: 'cc',
  packages: ['gcc', 'libc6-dev'],
  flags: ['-static', '-s', '-std=gnu11'],
  folder: 'static',
  suffix: '',
}

export const TOOLCHAINS = {
  wasm: {
    command: 'clang-19',
    packages: ['clang-19', 'lld-19', 'wasi-libc', 'libclang-rt-19-dev-wasm32'],
    flags: [
      '--target=wasm32-wasi',
      '--sysroot=/usr',
      '-isystem',
      '/usr/include/wasm32-wasi',
      '-s',
      '-Wl,--stack-first',
      '-std=c11',
    ],
    folder: 'wasm',
    suffix: '.wasm',
  },
  native: STATIC,
  docker: STATIC,
} as const satisfies Readonly<Record<RuntimeName, Toolchain>>

/** Compilers that run beside each other. */
const AT_ONCE = 2
const WARNINGS = ['-Wall', '-Wextra', '-Werror']

export interface BuiltProgram {
  readonly source: string
  readonly sha256: string
  readonly bytes: number
}

const versions = new Map<string, Promise<string>>()

/** What a compiler says of itself; the same one is asked once. */
export async function compilerVersion(command: string): Promise<string> {
  const known = versions.get(command) ?? run(command, ['--version']).then(({ stdout }) => stdout)
  versions.set(command, known)
  return known
}

/**
 * Compiles one C file, or finds it compiled; several processes may do so at once.
 *
 * @throws Error with the compiler's messages, or naming the packages when there is no compiler.
 */
export async function buildProgram({
  file,
  runtime,
  flags = ['-O2'],
}: {
  readonly file: string
  readonly runtime: RuntimeName
  readonly flags?: readonly string[]
}): Promise<BuiltProgram> {
  const toolchain = TOOLCHAINS[runtime]
  const version = await compilerVersion(toolchain.command).catch((error: unknown) => {
    throw new Error(`${toolchain.command} is missing: apt-get install ${toolchain.packages.join(' ')}`, {
      cause: error,
    })
  })
  const options = [...toolchain.flags, ...WARNINGS, ...flags]
  const hash = createHash('sha256').update(JSON.stringify([version, options]))
  for (const source of [file, ...(await headersBeside(file))]) hash.update(await readFile(source))
  return compileOnce({
    name: basename(file, '.c'),
    hash: hash.digest('hex'),
    folder: toolchain.folder,
    suffix: toolchain.suffix,
    compile: (target) => run(toolchain.command, [...options, '-o', target, file]),
  })
}

/** What a compiler makes of a source, compiled where that has not been done before. */
export async function compileOnce(options: {
  readonly name: string
  /** Of all that what is made depends on. */
  readonly hash: string
  /** Below .cache/programs. */
  readonly folder: string
  readonly suffix: string
  readonly compile: (target: string) => Promise<unknown>
}): Promise<BuiltProgram> {
  const folder = join(ROOT, '.cache/programs', options.folder)
  const stem = join(folder, `${options.name}-${options.hash.slice(0, 24)}`)
  const program = `${stem}${options.suffix}`
  if (!(await exists(program))) {
    const partial = `${stem}.${randomBytes(8).toString('hex')}${options.suffix}`
    await mkdir(folder, { recursive: true })
    try {
      await options.compile(partial)
      await rename(partial, program)
    } finally {
      await rm(partial, { force: true })
    }
  }
  return describe(program)
}

/** Every C program in a folder, compiled, by its name without `.c`; those of the conformance table where none is named. */
export async function buildPrograms({
  runtime,
  dir,
  flags,
}: {
  readonly runtime: RuntimeName
  readonly dir?: string
  readonly flags?: readonly string[]
}): Promise<ReadonlyMap<string, BuiltProgram>> {
  const files: string[] = []
  for (const folder of dir === undefined ? programFolders(runtime) : [dir]) files.push(...(await filesIn(folder, '.c')))
  const build = async (file: string): Promise<readonly [string, BuiltProgram]> => [
    basename(file, '.c'),
    await buildProgram({ file, runtime, ...(flags && { flags }) }),
  ]
  const built: (readonly [string, BuiltProgram])[] = []
  for (let first = 0; first < files.length; first += AT_ONCE)
    built.push(...(await Promise.all(files.slice(first, first + AT_ONCE).map(build))))
  return new Map(built)
}

function programFolders(runtime: RuntimeName): readonly string[] {
  return runtime === 'wasm' ? [PROGRAMS_DIR] : [PROGRAMS_DIR, POSIX_PROGRAMS_DIR]
}

/** The headers that a program may include: what is compiled depends on them too. */
async function headersBeside(file: string): Promise<readonly string[]> {
  return filesIn(dirname(file), '.h')
}

async function filesIn(dir: string, suffix: string): Promise<readonly string[]> {
  return (await readdir(dir))
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => join(dir, name))
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

/** A program that is there already. */
export async function describe(source: string): Promise<BuiltProgram> {
  const content = await readFile(source)
  return { source, sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const examples = process.argv.includes('--examples')
  const built = await buildPrograms({ runtime: 'wasm', ...(examples && { dir: EXAMPLES_DIR, flags: ['-Oz'] }) })
  for (const [name, { source, bytes }] of built) {
    const target = examples ? join(EXAMPLES_DIR, `${name}.wasm`) : source
    if (examples) {
      await copyFile(source, target)
      await chmod(target, 0o644)
    }
    process.stdout.write(`${target} ${bytes}\n`)
  }
}
