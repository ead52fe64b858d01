/**
 * Compiles the C programs of the tests and examples, each once per compiler and source. Run as a script it builds
 * all test programs; `--examples` builds the examples in place instead.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const PROGRAMS_DIR = join(ROOT, 'test/fixtures/programs')
export const EXAMPLES_DIR = join(ROOT, 'examples/programs')

/** For each runtime: the command that must be there, and Debian's packages that bring it and what it needs. */
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
    ],
    suffix: '.wasm',
  },
} as const
export type ProgramRuntime = keyof typeof TOOLCHAINS

/** Compilers that run beside each other. */
const AT_ONCE = 2
const WARNINGS = ['-std=c11', '-Wall', '-Wextra', '-Werror']

export interface BuiltProgram {
  readonly source: string
  readonly sha256: string
  readonly bytes: number
}

const versions = new Map<string, Promise<string>>()

async function compilerVersion(command: string): Promise<string> {
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
  readonly runtime: ProgramRuntime
  readonly flags?: readonly string[]
}): Promise<BuiltProgram> {
  const toolchain = TOOLCHAINS[runtime]
  const version = await compilerVersion(toolchain.command).catch((error: unknown) => {
    throw new Error(`${toolchain.command} is missing: apt-get install ${toolchain.packages.join(' ')}`, {
      cause: error,
    })
  })
  const options = [...toolchain.flags, ...WARNINGS, ...flags]
  const key = createHash('sha256')
    .update(JSON.stringify([version, options]))
    .update(await readFile(file))
    .digest('hex')
    .slice(0, 24)
  const folder = join(ROOT, '.cache/programs', runtime)
  const program = join(folder, `${basename(file, '.c')}-${key}${toolchain.suffix}`)
  if (!(await exists(program))) {
    const partial = `${program}.${randomBytes(8).toString('hex')}`
    await mkdir(folder, { recursive: true })
    try {
      await run(toolchain.command, [...options, '-o', partial, file])
      await rename(partial, program)
    } finally {
      await rm(partial, { force: true })
    }
  }
  return describe(program)
}

/** Every C program in a folder, compiled, by its name without `.c`. */
export async function buildPrograms({
  runtime,
  dir = PROGRAMS_DIR,
  flags,
}: {
  readonly runtime: ProgramRuntime
  readonly dir?: string
  readonly flags?: readonly string[]
}): Promise<ReadonlyMap<string, BuiltProgram>> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.c')).sort()
  const build = async (name: string): Promise<readonly [string, BuiltProgram]> => [
    basename(name, '.c'),
    await buildProgram({ file: join(dir, name), runtime, ...(flags && { flags }) }),
  ]
  const built: (readonly [string, BuiltProgram])[] = []
  for (let first = 0; first < files.length; first += AT_ONCE)
    built.push(...(await Promise.all(files.slice(first, first + AT_ONCE).map(build))))
  return new Map(built)
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

async function describe(source: string): Promise<BuiltProgram> {
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
