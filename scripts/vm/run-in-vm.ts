import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensurePackages } from '../toolchain.ts'
import { HOST_FILES, makeInitramfs } from './initramfs.ts'
import { ensureKernel, type GuestKernel } from './kernel.ts'
import { QEMU, VIRTIOFSD, VM_PACKAGES } from './packages.ts'

export interface VmCommand {
  /** For /bin/sh; it runs as root, over the host's files. What it writes is gone with the machine. */
  readonly script: string
  readonly cwd: string
  /** For the machine, from its start to its end. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface VmResult {
  readonly exitCode: number
  /** Standard output and error. */
  readonly output: string
}

const MEMORY_MIB = 1024
const SOCKET_TIMEOUT_MS = 10_000
const POLL_MS = 10
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
const TAIL_CHARACTERS = 2_000
/** Whoever shares this machine comes first. */
const NICENESS = '10'

/**
 * Runs one command in a virtual machine of its own: Debian's kernel, control groups of version 2 alone, and this host's
 * files with a writable layer over them. It needs root, for the server of the files, and no hardware help.
 *
 * What is missing of it is installed, as {@link ensurePackages} does.
 *
 * @throws Error when the machine does not come to the end of the command, with the end of what it said.
 */
export async function runInVm({ script, cwd, timeoutMs, signal }: VmCommand): Promise<VmResult> {
  await ensurePackages({ required: VM_PACKAGES, whoNeeds: 'the tests boot', signal })
  const kernel = await ensureKernel(signal)
  const dir = await mkdtemp(join(tmpdir(), 'souk-vm-'))
  try {
    const mark = `souk-vm-${randomUUID()}`
    const initramfs = await makeInitramfs({ modules: kernel.modules, command: { script, cwd, mark } })
    await writeFile(join(dir, 'initramfs'), initramfs)
    const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const output = await boot({ dir, kernel, signal: stop })
    const [, before, code] = new RegExp(`^([^]*)\n${mark} (\\d+)\r?\n`).exec(output) ?? []
    if (before !== undefined && code !== undefined) return { exitCode: Number(code), output: before }
    throw new Error(await whyNot({ dir, output, timeoutMs, stop }))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Machine {
  readonly dir: string
  readonly kernel: GuestKernel
  readonly signal: AbortSignal
}

/** @returns what the machine wrote to its second serial line until it ended, or was ended. */
async function boot({ dir, kernel, signal }: Machine): Promise<string> {
  const socket = join(dir, 'files')
  const files = child([VIRTIOFSD, `--socket-path=${socket}`, ...FILE_OPTIONS])
  try {
    const deadline = performance.now() + SOCKET_TIMEOUT_MS
    while (!existsSync(socket)) {
      if (files.over() || performance.now() > deadline) throw new Error(`no file server: ${files.said()}`)
      await sleep(POLL_MS)
    }
    const machine = child(['nice', '-n', NICENESS, QEMU, ...machineOptions({ dir, kernel, socket })])
    signal.addEventListener('abort', machine.kill)
    if (signal.aborted) machine.kill()
    try {
      await machine.ended
    } finally {
      signal.removeEventListener('abort', machine.kill)
    }
    return machine.said()
  } finally {
    files.kill()
    await files.ended
    // The server locks its socket by a file elsewhere, and leaves that behind.
    await rm(join('/run/virtiofsd', `${socket.replaceAll('/', '.')}.pid`), { force: true })
  }
}

const FILE_OPTIONS = ['-o', 'source=/', '-o', 'sandbox=chroot', '-o', 'cache=always', '-o', 'xattr']

function machineOptions({
  dir,
  kernel,
  socket,
}: Omit<Machine, 'signal'> & { readonly socket: string }): readonly string[] {
  return [
    ...['-M', 'pc', '-accel', 'tcg,thread=multi', '-cpu', 'qemu64', '-smp', '1', '-m', `${MEMORY_MIB}`],
    // The file server reads and writes the machine's memory.
    ...['-object', `memory-backend-memfd,id=mem,size=${MEMORY_MIB}M,share=on`, '-numa', 'node,memdev=mem'],
    ...['-chardev', `socket,id=files,path=${socket}`, '-device', `vhost-user-fs-pci,chardev=files,tag=${HOST_FILES}`],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${join(dir, 'console')}`, '-serial', 'stdio'],
    ...['-kernel', kernel.vmlinux, '-initrd', join(dir, 'initramfs')],
    ...['-append', 'console=ttyS0 quiet panic=-1'],
  ]
}

interface Child {
  readonly ended: Promise<void>
  over(): boolean
  /** Standard output and error, at most {@link MAX_OUTPUT_BYTES} of it; whoever says more is ended. */
  said(): string
  kill(): void
}

/** Starts a program that does not outlive this process, however that ends. */
function child(command: readonly string[]): Child {
  const started: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const chunks: Buffer[] = []
  let bytes = 0
  let over = false
  const kill = (): void => void started.kill('SIGKILL')
  const take = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > MAX_OUTPUT_BYTES) kill()
    else chunks.push(chunk)
  }
  const end = (): void => {
    over = true
    resolve()
  }
  started.stdout?.on('data', take)
  started.stderr?.on('data', take)
  started.once('error', (error) => {
    take(Buffer.from(error.message))
    end()
  })
  started.once('close', end)
  return { ended, over: () => over, said: () => Buffer.concat(chunks).toString('utf8'), kill }
}

async function whyNot({
  dir,
  output,
  timeoutMs,
  stop,
}: {
  readonly dir: string
  readonly output: string
  readonly timeoutMs: number
  readonly stop: AbortSignal
}): Promise<string> {
  const console = await readFile(join(dir, 'console'), 'utf8').catch(() => '')
  const what = stop.aborted ? `was ended, after ${timeoutMs / 1000} s at the latest,` : 'ended'
  return `The machine ${what} before the command did.
Its console: ${console.slice(-TAIL_CHARACTERS)}
The command: ${output.slice(-TAIL_CHARACTERS)}`
}
