import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** An engine that hears late of an end waits for it for ten seconds, before it removes what has ended. */
const SETTLE_MS = 30_000

/**
 * What this process has open (proc_pid_fd(5)): descriptor and target of each, without the folder that is being read, and
 * without /dev/null, which holds nothing and of which Node keeps one for itself now and then on a busy machine.
 */
export async function openDescriptors(): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const descriptor of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => undefined)
    if (target !== undefined && target !== '/dev/null') found.add(`${descriptor} ${target}`)
  }
  return found
}

/** This process's children whose command line names `marker`, as a person would list them. */
export async function childrenNaming(marker: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [status, commandLine] = await Promise.all([readOr(`/proc/${pid}/status`), readOr(`/proc/${pid}/cmdline`)])
    if (new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status) && commandLine.includes(marker))
      found.push(`${pid} ${commandLine.replaceAll('\0', ' ')}`)
  }
  return found
}

async function readOr(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '') // the process is gone
}

/** Waits until `look` sees `expected`: what ends in the background may take a moment. */
export async function settled(what: string, look: () => Promise<string>, expected: string): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  let seen = await look()
  while (seen !== expected && performance.now() < deadline) {
    await sleep(20)
    seen = await look()
  }
  assert.equal(seen, expected, what)
}
