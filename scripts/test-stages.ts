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
  /** Whether nothing else may be run meanwhile. */
  readonly alone: boolean
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
    alone: false,
    parts: () => [{ tools: tools() }],
  }
}

function mochaStage(stage: {
  readonly name: string
  readonly files: string
  readonly minutes: number
  readonly needsToolchain?: boolean
  readonly alone?: boolean
  /** Files that share what only one process at a time may change; each other file is a part of its own. Without, all are one part. */
  readonly together?: readonly (readonly string[])[]
}): Stage {
  const { name, files, minutes, needsToolchain = true, alone = false, together } = stage
  return {
    name,
    timeoutMs: minutes * MINUTE_MS,
    needsToolchain,
    alone,
    parts: () => partsOf(sorted(files), together).map((part) => ({ files: part })),
  }
}

function partsOf(
  files: readonly string[],
  together: readonly (readonly string[])[] | undefined,
): readonly (readonly string[])[] {
  if (together === undefined) return [files]
  const grouped = new Set(together.flat())
  for (const file of grouped) if (!files.includes(file)) throw new Error(`there is no ${file}`)
  return [...together, ...files.filter((file) => !grouped.has(file)).map((file) => [file])]
}

function sorted(pattern: string): readonly string[] {
  return globSync(pattern).sort()
}

/**
 * Everything that `npm test` runs: what fails fastest and tells most comes first, and then what takes longest, so that no lane
 * is left alone with it.
 *
 * Beside others may run what looks at nothing but what it has itself made: folders of its own, an engine of its own, a launcher's
 * instance of its own, processes that are its children; and whose times are bounds that a busy machine does not break. What
 * looks at all of the host has to be alone: processes, mounts, descriptors and control groups of others would be taken for left behind.
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
  // One emulated core that is hardly ever idle: the other lane has the other one.
  mochaStage({ name: 'vm', files: 'test/vm/**/*.test.ts', minutes: 12 }),
  mochaStage({ name: 'conformance', files: 'test/conformance/**/*.test.ts', minutes: 8 }),
  mochaStage({ name: 'integration', files: 'test/integration/**/*.test.ts', minutes: 16 }),
  mochaStage({
    name: 'e2e',
    files: 'test/e2e/**/*.test.ts',
    minutes: 16,
    // Both pack the package, which builds dist/ anew.
    together: [['test/e2e/package.test.ts', 'test/e2e/deploy.test.ts']],
  }),
  mochaStage({ name: 'escape', files: 'test/escape/**/*.test.ts', minutes: 10, alone: true }),
]
