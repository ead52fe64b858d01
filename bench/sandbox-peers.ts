import { spawn } from 'node:child_process'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Subject } from './interleaved.ts'
import { timedCommand } from './timed-command.ts'

/** One way to run a program that does nothing. */
export interface Peer extends Subject {
  close(): Promise<void>
}

/** What every sandbox of the comparison gives its task. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly pids: number
  readonly cpuCores: number
}

export interface PeerOptions {
  /** A folder for this peer alone. */
  readonly dir: string
  /** A static executable. */
  readonly program: string
  readonly limits: SandboxLimits
}

/** bubblewrap: every namespace, a read-only root with /proc, /dev and /tmp of its own, no capability; it has no cgroups. */
export async function bwrapPeer(options: PeerOptions): Promise<Peer> {
  return commandPeer({ name: 'bwrap', file: 'bwrap', args: await bwrapArguments(options) })
}

/** The same without Node, whose growth and event loop are no part of bubblewrap: spawned and timed by a C program. */
export async function bwrapInLoopPeer({ loop, ...options }: PeerOptions & { readonly loop: string }): Promise<Peer> {
  return loopPeer({ name: 'bwrap from C', loop, command: ['bwrap', ...(await bwrapArguments(options))] })
}

async function bwrapArguments({ dir, program }: PeerOptions): Promise<string[]> {
  const root = await rootWith({ dir, program })
  return [
    ...['--unshare-user', '--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL'],
    ...['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--remount-ro', '/dev'],
    ...['--', '/true'],
  ]
}

/** util-linux's unshare into a chroot: namespaces and nothing more. */
export async function unsharePeer({ dir, program }: PeerOptions): Promise<Peer> {
  const root = await rootWith({ dir, program })
  return commandPeer({
    name: 'unshare and chroot',
    file: 'unshare',
    args: ['--mount', '--pid', '--fork', '--net', '--ipc', '--uts', '--root', root, '/true'],
  })
}

export function spawnPeer({ program }: PeerOptions): Peer {
  return commandPeer({ name: 'plain spawn', file: program, args: [] })
}

/** posix_spawn by a small C program, timed there: Node has no part in it. */
export function posixSpawnPeer({ loop, program }: { readonly loop: string; readonly program: string }): Peer {
  return loopPeer({ name: 'posix_spawn in C', loop, command: [program] })
}

/** A command that bench/programs/spawn-loop.c starts and times. */
function loopPeer({
  name,
  loop,
  command,
}: {
  readonly name: string
  readonly loop: string
  readonly command: readonly string[]
}): Peer {
  const child = spawn(loop, command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  child.once('close', () => resolve())
  return {
    name,
    async run() {
      child.stdin.write('.')
      const line = await lines.next()
      if (line.done === true) throw new Error(`the loop of ${name} ended early`)
      return Number(line.value) / 1e6
    },
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

function commandPeer({
  name,
  file,
  args,
}: {
  readonly name: string
  readonly file: string
  readonly args: string[]
}): Peer {
  return { name, run: () => timedCommand({ file, args }), close: async () => undefined }
}

/** A root file system with the program as /true and the folders that sandboxes mount on. */
export async function rootWith({ dir, program }: { readonly dir: string; readonly program: string }): Promise<string> {
  const root = join(dir, 'root')
  for (const name of ['proc', 'dev', 'tmp', 'sys']) await mkdir(join(root, name), { recursive: true })
  await copyFile(program, join(root, 'true'))
  return root
}
