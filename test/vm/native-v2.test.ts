import { fileURLToPath } from 'node:url'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { quoted } from '../../scripts/vm/initramfs.ts'
import { runInVm } from '../../scripts/vm/run-in-vm.ts'
import { MODES, type ModeId } from './modes.ts'
import { defineTests, guestCommand, markOf, parseResults, type Results } from './results.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BOOT_TIMEOUT_MS = 10 * 60_000

describe('native runtime on cgroup v2, in a virtual machine', function () {
  this.timeout(BOOT_TIMEOUT_MS + 60_000)
  const results = new Map<string, Results>()
  let said = ''

  before(async () => {
    // Compiled here, where that is quick.
    await buildPrograms({ runtime: 'native' })
    const { output } = await runInVm({
      script: MODES.map(({ id }) => `${RUN[id]}\n`).join(''),
      cwd: ROOT,
      timeoutMs: BOOT_TIMEOUT_MS,
      signal: new AbortController().signal,
    })
    said = output
    for (const [id, seen] of parseResults(output)) results.set(id, seen)
  })

  for (const mode of MODES) {
    describe(mode.name, () => defineTests({ mode, results: () => results.get(mode.id), said: () => said }))
  }
})

const USER = 1000
const GROUP = '/sys/fs/cgroup/user'
const HOME = '/run/user-home'
const asUser = `setpriv --reuid ${USER} --regid ${USER} --clear-groups env HOME=${HOME} NODE_COMPILE_CACHE=${HOME}/compiled`

/** One process each, for a start takes seconds without hardware help. */
const RUN: Readonly<Record<ModeId, string>> = {
  root: `${markOf('root')}
# Whoever is not root must be able to come here.
dir=$PWD
while [ "$dir" != / ]; do chmod a+rx "$dir"; dir=$(dirname "$dir"); done
mkdir ${HOME}; chown ${USER}:${USER} ${HOME}
export NODE_COMPILE_CACHE=${quoted(`${ROOT}.cache/compiled`)}
${guestCommand('root')}`,
  // As systemd gives a group to a user: himself in it, and the files that cgroups(7) says are his.
  delegated: `${markOf('delegated')}
mkdir ${GROUP}
chown ${USER}:${USER} ${GROUP} ${GROUP}/cgroup.procs ${GROUP}/cgroup.subtree_control ${GROUP}/cgroup.threads
sh -c 'echo $$ >${GROUP}/cgroup.procs; exec ${asUser} ${guestCommand('delegated')}'`,
  rootless: `${markOf('rootless')}
${asUser} ${guestCommand('rootless')}`,
}
