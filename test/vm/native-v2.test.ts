import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { buildPrograms } from '../../scripts/build-programs.ts'
import { quoted } from '../../scripts/vm/initramfs.ts'
import { runInVm } from '../../scripts/vm/run-in-vm.ts'
import { MODE_VARIABLE, MODES, titlesOf, type ModeId } from './modes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BOOT_TIMEOUT_MS = 10 * 60_000
const TAIL_CHARACTERS = 1_000

/** What each test in the machine came to: nothing where it passed, or why it did not. */
type Results = ReadonlyMap<string, string | undefined>

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
    describe(mode.name, () => {
      for (const title of titlesOf(mode)) {
        it(title, () => {
          const seen = results.get(mode.id)
          assert.ok(
            seen?.has(title) === true,
            `it did not run; the end of what was said: ${said.slice(-TAIL_CHARACTERS)}`,
          )
          const problem = seen?.get(title)
          if (problem !== undefined) assert.fail(problem)
        })
      }

      it('ran no other test', () => {
        const known = new Set(titlesOf(mode))
        const others = [...(results.get(mode.id) ?? [])].filter(([title]) => !known.has(title))
        assert.deepEqual(others, [])
      })
    })
  }
})

const USER = 1000
const GROUP = '/sys/fs/cgroup/user'
const HOME = '/run/user-home'
const asUser = `setpriv --reuid ${USER} --regid ${USER} --clear-groups env HOME=${HOME} NODE_COMPILE_CACHE=${HOME}/compiled`
const mocha = (id: ModeId): string =>
  `${MODE_VARIABLE}=${id} node_modules/.bin/node --disable-warning=ExperimentalWarning node_modules/mocha/bin/mocha.js --reporter json-stream test/vm/guest.ts`
const mark = (id: ModeId): string => `echo '["mode",{"id":"${id}"}]'`

/** One process each, for a start takes seconds without hardware help. */
const RUN: Readonly<Record<ModeId, string>> = {
  root: `${mark('root')}
# Whoever is not root must be able to come here.
dir=$PWD
while [ "$dir" != / ]; do chmod a+rx "$dir"; dir=$(dirname "$dir"); done
mkdir ${HOME}; chown ${USER}:${USER} ${HOME}
export NODE_COMPILE_CACHE=${quoted(`${ROOT}.cache/compiled`)}
${mocha('root')}`,
  // As systemd gives a group to a user: himself in it, and the files that cgroups(7) says are his.
  delegated: `${mark('delegated')}
mkdir ${GROUP}
chown ${USER}:${USER} ${GROUP} ${GROUP}/cgroup.procs ${GROUP}/cgroup.subtree_control ${GROUP}/cgroup.threads
sh -c 'echo $$ >${GROUP}/cgroup.procs; exec ${asUser} ${mocha('delegated')}'`,
  rootless: `${mark('rootless')}
${asUser} ${mocha('rootless')}`,
}

type Event = readonly [
  string,
  { readonly id?: string; readonly title?: string; readonly err?: string; readonly stack?: string },
]

/** Takes mocha's lines of JSON out of whatever else was said; a hook that failed is a test of its name. */
function parseResults(output: string): ReadonlyMap<string, Results> {
  const all = new Map<string, Map<string, string | undefined>>()
  let current = new Map<string, string | undefined>()
  for (const line of output.split('\n').filter((text) => /^\["(mode|pass|fail)",\{/.test(text))) {
    const [kind, { id = '', title = '', err = '', stack }] = JSON.parse(line) as Event
    if (kind === 'mode') all.set(id, (current = new Map()))
    else current.set(title, kind === 'pass' ? undefined : `${stack ?? err}`)
  }
  return all
}
