import assert from 'node:assert/strict'
import { MODE_VARIABLE, titlesOf, type Mode, type ModeId } from './modes.ts'

/** What each test of guest.ts came to: nothing where it passed, or why it did not. */
export type Results = ReadonlyMap<string, string | undefined>

/** For a shell whose working folder is the root of the repository. */
export function guestCommand(id: ModeId, node = 'node_modules/.bin/node'): string {
  return `${MODE_VARIABLE}=${id} ${node} --disable-warning=ExperimentalWarning test/vm/run-guest.ts`
}

/** Says for {@link parseResults} whose results come. */
export const markOf = (id: ModeId): string => `echo '["mode",{"id":"${id}"}]'`

type Event = readonly [
  string,
  { readonly id?: string; readonly title?: string; readonly err?: string; readonly stack?: string },
]

/** Takes mocha's lines of JSON out of whatever else was said; a hook that failed is a test of its name. */
export function parseResults(output: string): ReadonlyMap<string, Results> {
  const all = new Map<string, Map<string, string | undefined>>()
  let current = new Map<string, string | undefined>()
  for (const line of output.split('\n').filter((text) => /^\["(mode|pass|fail)",\{/.test(text))) {
    const [kind, { id = '', title = '', err = '', stack }] = JSON.parse(line) as Event
    if (kind === 'mode') all.set(id, (current = new Map()))
    else current.set(title, kind === 'pass' ? undefined : `${stack ?? err}`)
  }
  return all
}

const TAIL_CHARACTERS = 1_000

/** A test for each that guest.ts has to run, and one that it ran no other. */
export function defineTests({
  mode,
  results,
  said,
}: {
  readonly mode: Mode
  /** Undefined where it said nothing that can be read. */
  readonly results: () => Results | undefined
  /** All that it said. */
  readonly said: () => string
}): void {
  for (const title of titlesOf(mode)) {
    it(title, () => {
      const seen = results()
      assert.ok(
        seen?.has(title) === true,
        `it did not run; the end of what was said: ${said().slice(-TAIL_CHARACTERS)}`,
      )
      const problem = seen?.get(title)
      if (problem !== undefined) assert.fail(problem)
    })
  }

  it('ran no other test', () => {
    const known = new Set(titlesOf(mode))
    const others = [...(results() ?? [])].filter(([title]) => !known.has(title))
    assert.deepEqual(others, [])
  })
}
