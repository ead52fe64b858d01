import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'

/** What the tests' programs are compiled with: the Debian package, and a file by which it is known to be there. */
export const REQUIRED: readonly { readonly debianPackage: string; readonly file: string }[] = [
  { debianPackage: 'clang-19', file: '/usr/bin/clang-19' },
  { debianPackage: 'lld-19', file: '/usr/bin/wasm-ld-19' },
  { debianPackage: 'wasi-libc', file: '/usr/include/wasm32-wasi/stdio.h' },
  {
    debianPackage: 'libclang-rt-19-dev-wasm32',
    file: '/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a',
  },
]

const APT_TIMEOUT_MS = 10 * 60_000
const POLICY_FILE = '/usr/sbin/policy-rc.d'
const POLICY_MARK = "# Written by souk's tests while they install packages: nothing may be started."
const APT_OPTIONS = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0']

/**
 * Makes sure that what the tests compile their programs with is there. What is missing is installed where we
 * are root on Debian, and no service is started by that.
 *
 * @throws Error with the one line that installs it, where we may not, or where that failed.
 */
export async function ensureToolchain(signal: AbortSignal): Promise<void> {
  const missing = missingPackages()
  if (missing.length === 0) return
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  const advice = `The tests compile C to WebAssembly and need ${missing.join(', ')}. As root on Debian 12: ${command}`
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) {
    throw new Error(advice)
  }
  console.error(`The tests compile C to WebAssembly; installing what that needs: ${missing.join(' ')}`)
  await withoutServices(async () => {
    const install = (): Promise<boolean> => apt(['install', ...APT_OPTIONS, ...missing], signal)
    if (await install()) return
    console.error('That did not work with the package lists as they are; fetching newer ones.')
    await apt(['update'], signal)
    await install()
  })
  if (missingPackages().length > 0) throw new Error(`The installation failed. ${advice}`)
}

function missingPackages(): readonly string[] {
  return REQUIRED.filter(({ file }) => !existsSync(file)).map(({ debianPackage }) => debianPackage)
}

/** @returns whether apt-get succeeded; what it says goes to stderr. */
async function apt(args: readonly string[], signal: AbortSignal): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const child = spawn('apt-get', args, {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(APT_TIMEOUT_MS)]),
    killSignal: 'SIGINT',
  })
  child.once('error', reject)
  child.once('exit', (code) => resolve(code === 0))
  return promise
}

/** Debian asks policy-rc.d whether a package may start its services; for the time of `work` the answer is no. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const written = await writePolicy()
  try {
    await work()
  } finally {
    if (written) await rm(POLICY_FILE, { force: true })
  }
}

/** @returns whether the file is ours to remove: one of somebody else's stays as it is, one of a killed run is ours. */
async function writePolicy(): Promise<boolean> {
  try {
    await writeFile(POLICY_FILE, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`, { mode: 0o755, flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readFile(POLICY_FILE, 'utf8')).includes(POLICY_MARK)
  }
}
