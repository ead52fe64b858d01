import { globSync } from 'node:fs'

/** A command of Node that passes by exit code 0, and counts as one. */
interface ToolRun {
  readonly label: string
  readonly args: readonly string[]
}

export interface Stage {
  readonly name: string
  readonly timeoutMs: number
  /** Tools to run, each after the other; or the files that mocha runs. */
  readonly work: () => { readonly tools: readonly ToolRun[] } | { readonly files: readonly string[] }
  /** Whether the tests of this stage compile programs for WebAssembly. */
  readonly needsToolchain: boolean
}

const MINUTE_MS = 60_000

const tool = (label: string, ...args: readonly string[]): ToolRun => ({
  label,
  args: [`node_modules/${args[0]}`, ...args.slice(1)],
})

function toolStage(name: string, tools: () => readonly ToolRun[]): Stage {
  return { name, timeoutMs: 2 * MINUTE_MS, needsToolchain: false, work: () => ({ tools: tools() }) }
}

function mochaStage(stage: {
  readonly name: string
  readonly files: string
  readonly minutes: number
  readonly needsToolchain: boolean
}): Stage {
  return {
    name: stage.name,
    timeoutMs: stage.minutes * MINUTE_MS,
    needsToolchain: stage.needsToolchain,
    work: () => ({ files: sorted(stage.files) }),
  }
}

function sorted(pattern: string): readonly string[] {
  return globSync(pattern).sort()
}

/** Everything that `npm test` runs, in this order: what fails fastest and tells most comes first. */
export const STAGES: readonly Stage[] = [
  toolStage('types', () => [tool('tsc', 'typescript/bin/tsc', '-p', '.')]),
  toolStage('lint', () => [tool('oxlint', 'oxlint/bin/oxlint'), tool('oxfmt', 'oxfmt/bin/oxfmt', '--check')]),
  toolStage('dead-code', () => [tool('knip', 'knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors')]),
  toolStage('generated', () =>
    sorted('scripts/generate-*.ts').map((script) => ({ label: script, args: [script, '--check'] })),
  ),
  mochaStage({ name: 'architecture', files: 'test/architecture.test.ts', minutes: 1, needsToolchain: false }),
  mochaStage({ name: 'gates', files: 'test/gates/**/*.test.ts', minutes: 2, needsToolchain: false }),
  mochaStage({ name: 'unit', files: 'test/unit/**/*.test.ts', minutes: 6, needsToolchain: true }),
  mochaStage({ name: 'fuzz', files: 'test/fuzz/**/*.test.ts', minutes: 6, needsToolchain: true }),
  mochaStage({ name: 'conformance', files: 'test/conformance/**/*.test.ts', minutes: 8, needsToolchain: true }),
  mochaStage({ name: 'integration', files: 'test/integration/**/*.test.ts', minutes: 8, needsToolchain: true }),
  mochaStage({ name: 'e2e', files: 'test/e2e/**/*.test.ts', minutes: 16, needsToolchain: true }),
  mochaStage({ name: 'escape', files: 'test/escape/**/*.test.ts', minutes: 10, needsToolchain: true }),
  mochaStage({ name: 'vm', files: 'test/vm/**/*.test.ts', minutes: 12, needsToolchain: true }),
]
