import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { gzipSync } from 'node:zlib'
import { findStaticBusybox } from '../toolchain.ts'
import { cpioArchive, type CpioEntry } from './cpio.ts'

/** The name under which the machine finds the host's files. */
export const HOST_FILES = 'host'
/** The serial line of a command's output; the first one is the kernel's. */
const OUTPUT_LINE = '/dev/ttyS1'

export interface GuestCommand {
  /** For /bin/sh, of the host's file system. */
  readonly script: string
  readonly cwd: string
  /** Begins the last line of the output, which says the exit code. */
  readonly mark: string
}

/**
 * The first file system of the machine: it lays a writable layer in memory over the host's files, which stay as they are,
 * with control groups of version 2 alone, runs the command there as root, and switches the machine off.
 *
 * @throws Error when there is no static busybox.
 */
export async function makeInitramfs({
  modules,
  command,
}: {
  readonly modules: readonly string[]
  readonly command: GuestCommand
}): Promise<Buffer> {
  const busybox = findStaticBusybox()
  if (busybox === undefined) throw new Error('there is no static busybox')
  const folders = ['bin', 'dev', 'proc', 'sys', 'modules', 'lower', 'scratch', 'new']
  const entries: CpioEntry[] = folders.map((path) => ({ path, kind: 'folder' }))
  const text = (path: string, content: string): void =>
    void entries.push({ path, kind: 'program', content: Buffer.from(content) })
  entries.push({ path: 'bin/busybox', kind: 'program', content: await readFile(busybox) })
  for (const module of modules)
    entries.push({ path: `modules/${basename(module)}`, kind: 'file', content: await readFile(module) })
  text('init', init(modules.map((module) => basename(module))))
  text('first', first(command))
  text('command', command.script)
  return gzipSync(cpioArchive(entries), { level: 1 })
}

/** Any step that fails ends the machine: `panic` restarts it, and it is told not to. */
const init = (modules: readonly string[]): string => `#!/bin/busybox sh
set -e
alias mount='/bin/busybox mount' mkdir='/bin/busybox mkdir' cp='/bin/busybox cp'
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
${modules.map((module) => `/bin/busybox insmod /modules/${module}`).join('\n')}
mount -t virtiofs -o ro ${HOST_FILES} /lower
mount -t tmpfs scratch /scratch
mkdir /scratch/upper /scratch/work
mount -t overlay -o lowerdir=/lower,upperdir=/scratch/upper,workdir=/scratch/work overlay /new
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mount -t cgroup2 cgroup2 /new/sys/fs/cgroup
mount -t tmpfs run /new/run
cp /bin/busybox /first /command /new/run/
exec /bin/busybox switch_root /new /run/first
`

/** The first process of the machine proper. Its end would be a panic: it switches off instead. */
const first = ({ cwd, mark }: GuestCommand): string => `#!/run/busybox sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
echo '+memory +pids +cpu +io' >/sys/fs/cgroup/cgroup.subtree_control
/run/busybox ip link set lo up
/run/busybox stty -F ${OUTPUT_LINE} raw -echo
cd ${quoted(cwd)} && /bin/sh /run/command </dev/null >${OUTPUT_LINE} 2>&1
printf '\\n%s %d\\n' ${quoted(mark)} $? >${OUTPUT_LINE}
exec /run/busybox poweroff -f
`

/** A word for the shell. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
