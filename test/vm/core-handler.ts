import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const CORE_PATTERN = '/proc/sys/kernel/core_pattern'

/** A program that the kernel hands every core to (core(5)): it keeps the last. For a machine that is the test's own. */
export interface CoreHandler {
  /** Bytes of the last core that it was handed; undefined before the first. */
  taken(): Promise<number | undefined>
  /** Runs a program of the host with a limit of 0 on its cores, for it to crash. */
  crashOutside(program: string): Promise<void>
  remove(): Promise<void>
}

export async function installCoreHandler(): Promise<CoreHandler> {
  const before = await readFile(CORE_PATTERN, 'utf8')
  // Not the temporary folder, whose path may be longer than the kernel keeps.
  const dir = await mkdtemp('/run/core-')
  const handler = join(dir, 'handler')
  const core = join(dir, 'core')
  await writeFile(handler, `#!/bin/sh\nexec cat >${core}\n`)
  await chmod(handler, 0o755)
  await writeFile(CORE_PATTERN, `|${handler}`)
  return {
    taken: async () =>
      stat(core).then(
        ({ size }) => size,
        () => undefined, // there is none yet
      ),
    async crashOutside(program) {
      await once(spawn('sh', ['-c', `ulimit -c 0; exec ${program}`], { stdio: 'ignore' }), 'exit')
    },
    async remove() {
      await writeFile(CORE_PATTERN, before)
      await rm(dir, { recursive: true })
    },
  }
}
