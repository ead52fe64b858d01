import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TaskSource } from './load-run-task.ts'
import type { RunRequest } from './run-request.ts'
import { usageError } from './usage-error.ts'

/** The options that say what is to run, instead of a task file. */
const PROGRAM_OPTIONS = ['wasm', 'native', 'docker', 'rootfs'] as const
type ProgramOption = (typeof PROGRAM_OPTIONS)[number]

/** A folder of this host that a `--local` run has for its root file system, and how its task names it. */
export interface LocalRoot {
  readonly name: string
  readonly sha256: string
  readonly path: string
}

const HINT = 'See `souk run --help`.'

function wrong(message: string, argument?: string): Error {
  return usageError({ message, ...(argument !== undefined && { argument }), hint: HINT })
}

/** @throws SoukError INVALID_USAGE that says what would be right */
export function checkUsage(request: RunRequest): void {
  checkPlace(request)
  checkProgram(request)
  checkResult(request)
}

function checkPlace({ cli, options }: RunRequest): void {
  const { to, bootstrap, local = false, degraded = false, config, chainId } = options
  const places = [to, bootstrap, local ? [] : undefined].filter((place) => place !== undefined).length
  if (places > 1) throw wrong('Either --to, --bootstrap or --local says where the task runs, not two of them.', '--to')
  if (places === 0 && (cli.env['SOUK_BOOTSTRAP'] ?? '') === '')
    throw wrong(
      'Where is it to run? --to ADDR names a provider, --bootstrap ADDR a node that knows some, --local is this host.',
      '--to',
    )
  if (!local && config !== undefined) throw wrong('--config goes with --local: a provider has its own.', '--config')
  if (!local && degraded)
    throw wrong(
      '--degraded goes with --local: what a provider runs without is said by its operator (sandbox.native.mode).',
      '--degraded',
    )
  checkRegistries(options)
  if (chainId !== undefined && (local || !/^\d{1,15}$/.test(chainId))) {
    throw wrong(
      local
        ? '--chain-id goes with --to: with --local the configuration says it.'
        : '--chain-id must be a whole number.',
      '--chain-id',
    )
  }
}

function checkRegistries({ local = false, insecureRegistry = [] }: RunRequest['options']): void {
  if (local && insecureRegistry.length > 0)
    throw wrong('--insecure-registry goes with --to: --local asks no registry.', '--insecure-registry')
  const odd = insecureRegistry.find((host) => !/^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?$/.test(host))
  if (odd !== undefined)
    throw wrong(
      `--insecure-registry must be a host, with its port where that is not 80, as in registry.example:5000; not ${JSON.stringify(odd)}.`,
      '--insecure-registry',
    )
}

function checkProgram({ file, args, options }: RunRequest): void {
  const [option, second] = programOptions(options)
  if (option === undefined) {
    if (file === undefined)
      throw wrong('What is to run? Name a task file, or a program with --wasm, --native, --docker or --rootfs.')
    if (args.length > 0)
      throw wrong(
        `A task file has its arguments in itself, under \`command\`; ${JSON.stringify(args[0])} is too much.`,
        args[0],
      )
    return
  }
  if (second !== undefined) throw wrong(`Either --${option} or --${second} says what runs, not both.`, `--${second}`)
  if (option === 'rootfs') checkRootfs({ file, options })
}

function checkRootfs({ file, options }: Pick<RunRequest, 'file' | 'options'>): void {
  const { local = false, rootfs = '' } = options
  if (!local)
    throw wrong(
      "--rootfs goes with --local: a folder of yours is no provider's. In a task file `runtime: {tar: ./root.tar}` sends one along, `runtime: {rootfs: NAME@sha256:…}` names one that the provider offers.",
      '--rootfs',
    )
  if (statSync(rootfs, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw wrong(`--rootfs must be a folder, not ${JSON.stringify(rootfs)}.`, '--rootfs')
  if (file === undefined)
    throw wrong("What is to run in the folder? The program comes first, as in -- /bin/sh -c 'echo hi'.", '--rootfs')
}

function checkResult({ options }: RunRequest): void {
  const { local = false, detach = false } = options
  if (local && detach)
    throw wrong('With --local nothing is left that could go on: --detach goes with --to.', '--detach')
  if (detach && (options.outputDir !== undefined || options.receipt !== undefined)) {
    throw wrong(
      'With --detach there is no result yet to save: --output-dir and --receipt go with `souk tasks result`.',
      '--detach',
    )
  }
}

function programOptions(options: RunRequest['options']): readonly ProgramOption[] {
  return PROGRAM_OPTIONS.filter((option) => options[option] !== undefined)
}

/** An engine's own id, or a name with the digest of its manifest. */
export function isPinned(image: string): boolean {
  return /(?:^|@)sha256:[0-9a-f]{64}$/.test(image)
}

/** What a checked command line runs. */
export function sourceOf({ file, args, options }: Pick<RunRequest, 'file' | 'args' | 'options'>): TaskSource {
  const { wasm, native, docker } = options
  // commander takes a program's first word for the file.
  const words = file === undefined ? args : [file, ...args]
  const rootfs = localRootOf(options)
  if (wasm !== undefined) return { kind: 'program', program: { wasm }, words }
  if (native !== undefined) return { kind: 'program', program: { native }, words }
  if (docker !== undefined) return { kind: 'program', program: { docker }, words }
  if (rootfs !== undefined) {
    const { name, sha256 } = rootfs
    return { kind: 'program', program: { rootfs: { name, sha256 } }, words }
  }
  return { kind: 'file', file: file ?? '' }
}

/**
 * The folder of `--rootfs`. No task can name a path: it names a root that its node declares, and the node of this one
 * run declares this folder. Nobody has digested it, so what stands for its content is where it is.
 */
export function localRootOf({ rootfs }: RunRequest['options']): LocalRoot | undefined {
  if (rootfs === undefined) return undefined
  const path = resolve(rootfs)
  return { name: 'local-folder', sha256: createHash('sha256').update(path).digest('hex'), path }
}
