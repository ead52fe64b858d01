import { globSync } from 'node:fs'

/** A command of Node that passes by exit code 0, and counts as one. */
interface ToolRun {
  readonly label: string
  readonly args: readonly string[]
}

/** What is run in one go: tools, each after the other; or files, by one process of mocha. */
export type Work = { readonly tools: readonly ToolRun[] } | { readonly files: readonly string[] }

export interface Stage {
  readonly name: string
  /** For each of its parts. */
  readonly timeoutMs: number
  /** Its parts, which may be run at the same time and in any order. */
  readonly parts: () => readonly Work[]
  /** Whether the tests of this stage compile programs for WebAssembly. */
  readonly needsToolchain: boolean
  /**
   * How often a file that failed beside others has to pass alone, to be called unsteady rather than failed. 0 where time has no
   * part in what is tested, or chance has: what is found once is found.
   */
  readonly timesAlone: number
}

const MINUTE_MS = 60_000

const tool = (label: string, ...args: readonly string[]): ToolRun => ({
  label,
  args: [`node_modules/${args[0]}`, ...args.slice(1)],
})

function toolStage(name: string, tools: () => readonly ToolRun[]): Stage {
  return {
    name,
    timeoutMs: 2 * MINUTE_MS,
    needsToolchain: false,
    timesAlone: 0,
    parts: () => [{ tools: tools() }],
  }
}

function mochaStage(stage: {
  readonly name: string
  readonly files: string
  readonly minutes: number
  readonly needsToolchain?: boolean
  readonly timesAlone?: number
  /** Patterns of what is run in one go, those that take longest first. Each file is in the first that has it. */
  readonly groups?: readonly (readonly string[])[]
  /** What happens to files that are in none of them. */
  readonly others?: 'one part' | 'a part each'
}): Stage {
  const { name, files, minutes, needsToolchain = true, timesAlone = 0, groups = [], others = 'one part' } = stage
  return {
    name,
    timeoutMs: minutes * MINUTE_MS,
    needsToolchain,
    timesAlone,
    parts: () => partsOf({ files: sorted(files), groups, others }).map((part) => ({ files: part })),
  }
}

function partsOf({
  files,
  groups,
  others,
}: {
  readonly files: readonly string[]
  readonly groups: readonly (readonly string[])[]
  readonly others: 'one part' | 'a part each'
}): readonly (readonly string[])[] {
  const left = new Set(files)
  const grouped = groups.map((patterns) => {
    const group = patterns.flatMap(sorted).filter((file) => left.delete(file))
    if (group.length === 0) throw new Error(`there is nothing that is ${patterns.join(' or ')}`)
    return group
  })
  if (others === 'a part each') return [...grouped, ...[...left].map((file) => [file])]
  return left.size > 0 || files.length === 0 ? [...grouped, [...left]] : grouped
}

function sorted(pattern: string): readonly string[] {
  return globSync(pattern).sort()
}

/**
 * Everything that `npm test` runs: what fails fastest and tells most comes first, then what takes longest, and small parts at the
 * end, so that no lane is left alone with one.
 *
 * Any of it may run beside the rest: it looks at nothing but what it has itself made (folders of its own, an engine of its own, a
 * launcher's instance of its own, processes that are its children), and its times are bounds that a busy machine does not break.
 */
export const STAGES: readonly Stage[] = [
  toolStage('types', () => [tool('tsc', 'typescript/bin/tsc', '-p', '.')]),
  toolStage('lint', () => [tool('oxlint', 'oxlint/bin/oxlint'), tool('oxfmt', 'oxfmt/bin/oxfmt', '--check')]),
  toolStage('dead-code', () => [tool('knip', 'knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors')]),
  toolStage('generated', () =>
    sorted('scripts/generate-*.ts').map((script) => ({ label: script, args: [script, '--check'] })),
  ),
  mochaStage({ name: 'architecture', files: 'test/architecture.test.ts', minutes: 1, needsToolchain: false }),
  mochaStage({ name: 'gates', files: 'test/gates/**/*.test.ts', minutes: 2, needsToolchain: false }),
  mochaStage({ name: 'unit', files: 'test/unit/**/*.test.ts', minutes: 6 }),
  mochaStage({ name: 'fuzz', files: 'test/fuzz/**/*.test.ts', minutes: 6 }),
  // One emulated core that is hardly ever idle: the other lanes have the other one.
  mochaStage({ name: 'vm', files: 'test/vm/**/*.test.ts', minutes: 12, timesAlone: 1 }),
  mochaStage({
    name: 'escape',
    files: 'test/escape/**/*.test.ts',
    minutes: 10,
    // Once would prove little where something may get out.
    timesAlone: 3,
    groups: [['test/escape/docker/*.test.ts'], ['test/escape/native/*.test.ts']],
  }),
  mochaStage({ name: 'conformance', files: 'test/conformance/**/*.test.ts', minutes: 8, timesAlone: 1 }),
  mochaStage({
    name: 'integration',
    files: 'test/integration/**/*.test.ts',
    minutes: 16,
    timesAlone: 1,
    groups: [
      ['test/integration/docker-*.test.ts'],
      ['test/integration/wasm-*.test.ts'],
      ['contract', 'settlement', 'market', 'quorum'].map((name) => `test/integration/${name}*.test.ts`),
    ],
  }),
  mochaStage({
    name: 'e2e',
    files: 'test/e2e/**/*.test.ts',
    minutes: 16,
    timesAlone: 1,
    groups: [
      // Both pack the package, which builds dist/ anew.
      ['test/e2e/package.test.ts', 'test/e2e/deploy.test.ts'],
      ...[
        'privileges',
        'reattach',
        'paid',
        'bench',
        'cli',
        'crash-runtimes',
        'hostile-market',
        'market-partition',
        'demo-paid',
      ].map((name) => [`test/e2e/${name}.test.ts`]),
    ],
    others: 'a part each',
  }),
]
