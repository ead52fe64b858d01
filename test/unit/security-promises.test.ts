import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { limitsSchema, type LimitKey } from '../../src/protocol/limits.ts'
import { isolationOf } from '../../src/executors/docker/isolation.ts'
import { UNENFORCEABLE as NOT_IN_DOCKER } from '../../src/executors/docker/task-checks.ts'
import { isolationOf as isolationOfWasm } from '../../src/executors/wasm/isolation.ts'
import { UNENFORCEABLE as NOT_IN_WASM } from '../../src/executors/wasm/task-checks.ts'
import { layersOf } from '../../src/native/isolation.ts'
import { UNENFORCEABLE } from '../../src/native/task-checks.ts'
import { textsOf, type Texts } from '../fixtures/test-titles.ts'

const ROOT = new URL('../../', import.meta.url)
const HEADINGS = ['### Walls of native tasks', '### Limits of native tasks', '### Ends of native tasks'] as const
const DOCKER_HEADINGS = ['### Walls of Docker tasks', '### Limits of Docker tasks'] as const
const PAYING_HEADINGS = ['### Promises of paying'] as const
const WASM_HEADINGS = ['### Walls of WebAssembly tasks', '### Limits of WebAssembly tasks'] as const
const PROOF = /^`(test\/[\w./-]+\.ts)`: ((?:“[^”]+”(?:; )?)+)$/

interface Promised {
  readonly what: string
  readonly by: string
  readonly proofs: readonly { readonly file: string; readonly titles: readonly string[] }[]
}

/** The rows of the table below a heading of docs/SECURITY.md. */
function promisesIn(text: string, heading: string): readonly Promised[] {
  const [, after = ''] = text.split(`${heading}\n`)
  const [section = ''] = after.split(/^#/m)
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return rows.slice(1).map((row) => {
    const cells = row.slice(2, -2).split(' | ')
    assert.equal(cells.length, 3, `three cells: ${row}`)
    const [what = '', by = '', proof = ''] = cells
    const proofs = proof.split('<br>').map((each) => {
      const [, file = '', titles = ''] = PROOF.exec(each) ?? assert.fail(`no file and titles: ${each}`)
      return { file, titles: [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title) }
    })
    return { what, by, proofs }
  })
}

describe('docs/SECURITY.md', () => {
  const texts = new Map<string, Promise<Texts>>()
  const textsIn = async (file: string): Promise<Texts> => {
    const found = texts.get(file) ?? textsOf(new URL(file, ROOT))
    texts.set(file, found)
    return found
  }
  let ofNative: readonly Promised[]
  let ofDocker: readonly Promised[]
  let ofWasm: readonly Promised[]
  let promises: readonly Promised[]

  before(async () => {
    const text = await readFile(new URL('docs/SECURITY.md', ROOT), 'utf8')
    const below = (headings: readonly string[]): readonly Promised[] =>
      headings.flatMap((heading) => {
        const found = promisesIn(text, heading)
        assert.ok(found.length > 5, `${heading} has ${found.length} promises`)
        return found
      })
    ofNative = below(HEADINGS)
    ofDocker = below(DOCKER_HEADINGS)
    ofWasm = below(WASM_HEADINGS)
    promises = [...ofNative, ...ofDocker, ...ofWasm, ...below(PAYING_HEADINGS)]
  })

  it('names tests that are there, by their titles', async () => {
    for (const { what, proofs } of promises)
      for (const { file, titles } of proofs)
        for (const title of titles)
          assert.ok((await textsIn(file)).has(title), `“${what}” is to be proven by ${file}, which has no “${title}”`)
  })

  it('would be told of a title that is another by now', async () => {
    for (const { proofs } of promises)
      for (const { file, titles } of proofs)
        for (const title of titles) assert.ok(!(await textsIn(file)).has(`no more: ${title}`), `${file} has any title`)
  })

  it('has a promise for every wall around native tasks', () => {
    const walls = { userNamespace: true, timeNamespace: true, landlock: 7, seccomp: true }
    const hello = { version: '', controllers: [], missing: [], root: true, ...walls }
    const said = ofNative.map(({ by }) => by).join()
    for (const cgroup of ['v1', 'v2'] as const)
      for (const writable of [true, false])
        for (const layer of layersOf({ ...hello, cgroup }, 7, writable))
          assert.ok(said.includes(`\`${layer.replace(/-7$/, '-N')}\``), `no promise is held by ${layer}`)
  })

  it('has a promise for every limit of native tasks', () => {
    const without = new Set<LimitKey>(UNENFORCEABLE.map(({ limit }) => limit))
    const said = ofNative.map(({ what }) => what).join()
    for (const limit of Object.keys(limitsSchema.unwrap().shape) as LimitKey[])
      assert.equal(said.includes(`\`${limit}\``), !without.has(limit), limit)
  })

  it('has a promise for every wall around Docker tasks that any engine has', () => {
    const engine = {
      product: 'Docker' as const,
      ...{ version: '1', cpus: 1, security: [], swapLimit: true },
      ...{ runtimes: [], defaultRuntime: 'runc', ownTmpfs: [], cgroupNamespaces: true },
    }
    const runtime = { name: 'runc', program: 'runc' }
    const said = ofDocker.map(({ by }) => by).join()
    for (const cgroupVersion of [1, 2] as const)
      for (const layer of isolationOf({ info: { ...engine, cgroupVersion }, runtime, uid: 65_534 }).layers)
        assert.ok(said.includes(`\`${layer}\``), `no promise is held by ${layer}`)
  })

  it('has a promise for every limit of Docker tasks', () => {
    const without = new Set<LimitKey>(NOT_IN_DOCKER.map(({ limit }) => limit))
    const said = ofDocker.map(({ what }) => what).join()
    for (const limit of Object.keys(limitsSchema.unwrap().shape) as LimitKey[])
      assert.equal(said.includes(`\`${limit}\``), !without.has(limit), limit)
  })

  it('has a promise for every wall around WebAssembly tasks', () => {
    const said = ofWasm.map(({ by }) => by).join()
    for (const reused of [true, false])
      for (const layer of isolationOfWasm({ confinement: undefined, host: 'souk', reused }).layers)
        assert.ok(said.includes(`\`${layer}\``), `no promise is held by ${layer}`)
  })

  it('has a promise for every limit of WebAssembly tasks', () => {
    const without = new Set<LimitKey>(NOT_IN_WASM.map(({ limit }) => limit))
    const said = ofWasm.map(({ what }) => what).join()
    for (const limit of Object.keys(limitsSchema.unwrap().shape) as LimitKey[])
      assert.equal(said.includes(`\`${limit}\``), !without.has(limit), limit)
  })
})
