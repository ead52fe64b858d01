import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What an engine of the tests sees of this host's mounts in another way than everybody else. */
export interface EngineMounts {
  /** Folder in which it sees what is mounted later, too; elsewhere it does not. */
  readonly shared: string
  /** Without the v2 mount that is beside v1's controllers on a hybrid host, of which crun knows nothing. */
  readonly withoutUnified?: boolean
  /** What /etc/subuid and /etc/subgid say, for it alone. */
  readonly subordinateIds?: string
}

/** Words that start a program in a mount namespace of its own, as `mounts` say, before the program's. */
export async function inMountNamespace(mounts: EngineMounts, dir: string): Promise<readonly string[]> {
  const changes: string[] = []
  if (mounts.withoutUnified === true)
    changes.push('! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified')
  if (mounts.subordinateIds !== undefined) {
    const file = join(dir, 'subordinate-ids')
    await writeFile(file, mounts.subordinateIds)
    for (const target of ['/etc/subuid', '/etc/subgid']) changes.push(`mount --bind '${file}' ${target}`)
  }
  // unshare makes everything a slave: what comes to the shared folder comes here, what is done here stays here.
  const script = ['set -e', ...changes, 'exec "$@"'].join('\n')
  return ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh']
}

/**
 * Makes a folder one whose mounts reach namespaces that are made later.
 *
 * @returns how to make it an ordinary one again.
 */
export function shareMounts(folder: string): () => void {
  execFileSync('mount', ['--bind', folder, folder])
  execFileSync('mount', ['--make-shared', folder])
  return () => {
    execFileSync('umount', ['--lazy', folder])
  }
}
