// Builds the C programs of this package with what a Debian system has: `node src/native/launcher/build.mjs`.
//
//   --optional   where they cannot be built say in one line what is missing, and exit with 0 (for npm's postinstall)
//   --sanitize   build souk-launcher-asan and the programs of fuzz/ instead, with the address and undefined behaviour sanitizers
//
// Plain JavaScript for any Node from 18 on: npm may run it with another Node than the package itself uses. Programs of the same
// sources and compiler are not built again.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { namesHeader, rulesHeader } from './seccomp-rules.mjs'

const run = promisify(execFile)
const launcher = dirname(fileURLToPath(import.meta.url))
const root = join(launcher, '../../..')
const build = join(root, 'build')
const profile = join(root, 'src/executors/seccomp.json')
const containerInit = join(root, 'src/executors/docker/init')

const optional = process.argv.includes('--optional')
const sanitize = process.argv.includes('--sanitize')

const HOW_TO_GET = 'Debian: apt-get install --no-install-recommends gcc libc6-dev'
// musl's programs are a tenth as large and start faster.
const COMPILERS = sanitize ? ['gcc', 'clang'] : ['musl-gcc', 'cc', 'gcc', 'clang']
// The sanitized build is the one that is looked at most closely; musl's headers do not bear all of these.
const CLOSER_LOOK = ['-Wshadow', '-Wconversion', '-Wstrict-prototypes', '-Wmissing-prototypes', '-Wvla', '-Wformat=2']
const FLAGS = [
  '-std=gnu17',
  '-O2',
  '-Wall',
  '-Wextra',
  // Another compiler's new warning is no reason not to install.
  ...(optional ? [] : ['-Werror']),
  '-fstack-protector-strong',
  ...(sanitize
    ? [
        ...CLOSER_LOOK,
        '-g',
        '-fno-omit-frame-pointer',
        '-fsanitize=address,undefined',
        '-fno-sanitize-recover=undefined',
      ]
    : ['-static']),
]

class Unavailable extends Error {}

async function filesIn(folder, pattern) {
  if (!existsSync(folder)) return []
  const names = await readdir(folder)
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name))
}

async function programs() {
  const sources = await filesIn(launcher, /\.c$/)
  const defines = ['-D_GNU_SOURCE']
  if (sanitize) {
    const pure = sources.filter((file) =>
      /^(?:failure|frame|records|request|request_path|text)\.c$/.test(basename(file)),
    )
    return [
      { name: 'souk-launcher-asan', defines, sources },
      { name: 'souk-fuzz-cases', defines, sources: [join(launcher, 'fuzz/cases.c'), ...pure] },
      { name: 'souk-fuzz-filter', defines, sources: [join(launcher, 'fuzz/filter.c')] },
    ]
  }
  const all = [
    { name: 'souk-launcher', defines, sources },
    { name: 'souk-probe', defines: [], sources: await filesIn(join(launcher, 'probe'), /\.c$/) },
    { name: 'souk-container-init', defines: [], sources: await filesIn(containerInit, /\.c$/) },
  ]
  return all.filter((program) => program.sources.length > 0)
}

function findInPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder !== '' && existsSync(path)) return path
  }
  return undefined
}

async function fingerprint(wanted, compilers) {
  const hash = createHash('sha256')
  const inputs = [
    profile,
    ...(await filesIn(launcher, /\.(?:h|mjs)$/)),
    ...wanted.flatMap(({ sources }) => sources),
    ...(await filesIn(containerInit, /\.h$/)),
  ]
  for (const file of inputs)
    hash
      .update(`${basename(file)}\0`)
      .update(await readFile(file))
      .update('\0')
  for (const compiler of compilers) {
    const { size, mtimeMs } = statSync(compiler)
    hash.update(`${compiler} ${size} ${mtimeMs}\0`)
  }
  return hash.update(FLAGS.filter((flag) => flag !== '-Werror').join(' ')).digest('hex')
}

/** The first compiler that makes a program of the kind that is wanted: a static one needs the C library's archive too. */
async function usableCompiler(compilers, scratch) {
  const source = join(scratch, 'try.c')
  await writeFile(source, '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n')
  for (const compiler of compilers) {
    try {
      await run(compiler, [...FLAGS, source, '-o', join(scratch, 'try')])
      return compiler
    } catch {
      continue
    }
  }
  throw new Unavailable(
    compilers.length === 0
      ? `no C compiler was found (${HOW_TO_GET})`
      : `${compilers.map((path) => basename(path)).join(', ')} cannot make a ${sanitize ? 'sanitized' : 'static'} program: the C library's files are missing (${HOW_TO_GET})`,
  )
}

/** All macros of the header with the system calls' numbers, as the compiler has it. */
async function macros(compiler) {
  const header = join(launcher, 'syscall_numbers.h')
  return (await run(compiler, ['-E', '-dM', '-x', 'c', header], { maxBuffer: 16 * 1024 * 1024 })).stdout
}

async function compile({ compiler, scratch, program }) {
  const units = program.sources.map((source) => ({
    source,
    object: join(scratch, `${program.name}-${basename(source, '.c')}.o`),
  }))
  const waiting = [...units]
  const work = async () => {
    for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop())
      await run(compiler, [...FLAGS, ...program.defines, `-I${scratch}`, '-c', unit.source, '-o', unit.object])
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  const linked = join(scratch, program.name)
  await run(compiler, [
    ...FLAGS,
    ...(sanitize ? [] : ['-s']),
    '-Wl,-z,relro,-z,now,-z,noexecstack',
    ...units.map(({ object }) => object),
    '-o',
    linked,
  ])
  await chmod(linked, 0o755)
  return linked
}

async function main() {
  if (process.platform !== 'linux') throw new Unavailable(`they need Linux, and this is ${process.platform}`)
  if (!['x64', 'arm64'].includes(process.arch))
    throw new Unavailable(`they know x86-64 and 64-bit ARM, and this is ${process.arch}`)
  const wanted = await programs()
  const compilers = COMPILERS.map(findInPath).filter((path) => path !== undefined)
  const stamp = join(build, sanitize ? '.stamp-asan' : '.stamp')
  const key = await fingerprint(wanted, compilers)
  const targets = wanted.map(({ name }) => join(build, name))
  if (targets.every((path) => existsSync(path)) && existsSync(stamp) && (await readFile(stamp, 'utf8')) === key) return
  await mkdir(build, { recursive: true })
  const scratch = await mkdtemp(join(build, '.work-'))
  try {
    const compiler = await usableCompiler(compilers, scratch)
    await writeFile(join(scratch, 'seccomp-rules.h'), rulesHeader(JSON.parse(await readFile(profile, 'utf8'))))
    await writeFile(join(scratch, 'syscall-names.h'), namesHeader(await macros(compiler)))
    for (const program of wanted) {
      const linked = await compile({ compiler, scratch, program })
      await rename(linked, join(build, program.name))
    }
    await writeFile(join(scratch, 'stamp'), key)
    await rename(join(scratch, 'stamp'), stamp)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

try {
  await main()
} catch (error) {
  const why = error instanceof Unavailable ? error.message : String(error.stderr || error.message).trim()
  if (optional) console.log(`souk: the programs for native Linux tasks are not built: ${why.split('\n')[0]}`)
  else console.error(`souk: the programs for native Linux tasks cannot be built: ${why}`)
  process.exitCode = optional ? 0 : 1
}
