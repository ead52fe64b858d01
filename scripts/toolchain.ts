import { spawn } from 'node:child_process'
import { accessSync, closeSync, constants, existsSync, openSync, readSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface RequiredPackage {
  readonly debianPackage: string
  isThere(): boolean
}

const withFile = (debianPackage: string, file: string): RequiredPackage => ({
  debianPackage,
  isThere: () => existsSync(file),
})
export const withProgram = (debianPackage: string, ...names: readonly string[]): RequiredPackage => ({
  debianPackage,
  isThere: () => names.some((name) => findProgram(name) !== undefined),
})

/** What compiles C for this machine, the package's own programs among it. */
export const C_COMPILER: readonly RequiredPackage[] = [
  withProgram('gcc', 'cc', 'gcc', 'musl-gcc'),
  withFile('libc6-dev', '/usr/include/stdio.h'),
]

/** A Docker engine of our own, and what its images are made of. */
export const DOCKER_ENGINE: readonly RequiredPackage[] = [
  withProgram('docker.io', 'dockerd'),
  { debianPackage: 'busybox-static', isThere: () => findStaticBusybox() !== undefined },
]

/** A container registry of our own. */
export const REGISTRY: readonly RequiredPackage[] = [withProgram('docker-registry', 'docker-registry')]

/** What else starts containers: low-level runtimes of Docker's engine, and podman. */
const OTHER_ENGINES: readonly RequiredPackage[] = [
  withProgram('crun', 'crun'),
  withProgram('runsc', 'runsc'),
  withProgram('podman', 'podman'),
  withProgram('conmon', 'conmon'),
]

/** Debian's: another one, first in the PATH, has no standard library for WebAssembly. */
export const RUSTC = '/usr/bin/rustc'

/** What the tests compile their programs with and run them on: Debian's packages, and how each is known to be there. */
export const REQUIRED: readonly RequiredPackage[] = [
  withFile('clang-19', '/usr/bin/clang-19'),
  withFile('lld-19', '/usr/bin/wasm-ld-19'),
  withFile('wasi-libc', '/usr/include/wasm32-wasi/stdio.h'),
  withFile('libclang-rt-19-dev-wasm32', '/usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a'),
  withFile('rustc', RUSTC),
  withFile('libstd-rust-dev-wasm32', '/usr/lib/rustlib/wasm32-wasi/lib'),
  withFile('lld-14', '/usr/bin/wasm-ld-14'),
  ...C_COMPILER,
  ...DOCKER_ENGINE,
  ...REGISTRY,
  ...OTHER_ENGINES,
  // Networks of the tests' own, which fall apart and come together again.
  withProgram('iproute2', 'ip'),
  // Routers in them: NAT, and a gateway that opens ports when asked by UPnP. The package has no service.
  withProgram('iptables', 'iptables-legacy'),
  withProgram('miniupnpd-iptables', 'miniupnpd'),
]

/** Where programs are that only root has in its PATH. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** @returns its path, or undefined where there is no such program. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** A busybox that needs no libraries, so that it can be alone in an image. */
export function findStaticBusybox(): string | undefined {
  const path = findProgram('busybox')
  return path !== undefined && !namesInterpreter(path) ? path : undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A dynamic program names its loader near the start of its file (elf(5), PT_INTERP). */
function namesInterpreter(path: string): boolean {
  const head = Buffer.alloc(4096)
  const descriptor = openSync(path, 'r')
  try {
    return head.subarray(0, readSync(descriptor, head)).includes('/ld-')
  } finally {
    closeSync(descriptor)
  }
}

const BUILD_SCRIPT = new URL('../src/native/launcher/build.mjs', import.meta.url)
const APT_TIMEOUT_MS = 10 * 60_000
const POLICY_FILE = '/usr/sbin/policy-rc.d'
const POLICY_MARK = "# Written by souk's tests while they install packages: nothing may be started."
const APT_OPTIONS = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0']

/**
 * Makes sure that what the tests compile their programs with, their own Docker engine and their own registry are there, and that the
 * package's own C programs are built: where there was no compiler when it was installed they are not.
 *
 * @throws Error as {@link ensurePackages} does, or when a program cannot be built.
 */
export async function ensureToolchain(signal: AbortSignal): Promise<void> {
  await ensurePackages({ required: REQUIRED, whoNeeds: 'the tests need', signal })
  await ensureOwnPrograms(signal)
}

/**
 * Builds the package's own C programs, with a compiler that has come since it was installed, say.
 *
 * @throws Error when one cannot be built.
 */
export async function ensureOwnPrograms(signal: AbortSignal): Promise<void> {
  // Compiler's messages go to standard error; what is up to date is not built again.
  const ok = await succeeds(process.execPath, [fileURLToPath(BUILD_SCRIPT)], { signal })
  if (!ok) throw new Error('The C programs of the native and Docker runtimes cannot be built.')
}

/**
 * Makes sure that packages are there. What is missing is installed where we are root on Debian, announced on
 * stderr, and no service is started by that.
 *
 * @throws Error with the one line that installs it, where we may not, or where that failed.
 */
export async function ensurePackages(request: {
  readonly required: readonly RequiredPackage[]
  /** As a sentence goes on after "Installing what ": `the tests need`. */
  readonly whoNeeds: string
  readonly signal: AbortSignal
}): Promise<void> {
  const { required, whoNeeds, signal } = request
  const missing = missingOf(required)
  if (missing.length === 0) return
  const command = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  const sentence = `${whoNeeds.slice(0, 1).toUpperCase()}${whoNeeds.slice(1)}`
  const advice = `${sentence} ${missing.join(', ')}. As root on Debian 12: ${command}`
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) {
    throw new Error(advice)
  }
  console.error(`Installing what ${whoNeeds}: ${missing.join(' ')}`)
  await withoutServices(async () => {
    const install = (): Promise<boolean> => apt(['install', ...APT_OPTIONS, ...missing], signal)
    if (await install()) return
    console.error('That did not work with the package lists as they are; fetching newer ones.')
    await apt(['update'], signal)
    await install()
  })
  if (missingOf(required).length > 0) throw new Error(`The installation failed. ${advice}`)
}

function missingOf(required: readonly RequiredPackage[]): readonly string[] {
  return required.filter((one) => !one.isThere()).map(({ debianPackage }) => debianPackage)
}

function apt(args: readonly string[], signal: AbortSignal): Promise<boolean> {
  return succeeds('apt-get', args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    signal: AbortSignal.any([signal, AbortSignal.timeout(APT_TIMEOUT_MS)]),
  })
}

/** @returns whether a command succeeded; what it says goes to stderr. */
async function succeeds(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', process.stderr, process.stderr],
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
