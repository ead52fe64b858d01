import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path/posix'
import { findCycles } from './cycles.ts'
import { parseSource, type SourceImport } from './parse-source.ts'
import { RESTRICTED_BUILTINS, type FolderRule } from './rules.ts'

export interface Violation {
  readonly rule:
    | 'unknown-folder'
    | 'forbidden-import'
    | 'missing-file'
    | 'unlisted-package'
    | 'forbidden-builtin'
    | 'computed-import'
    | 'cycle'
    | 'barrel'
    | 'vague-name'
    | 'any'
  /** Path from the root of the repository. */
  readonly file: string
  readonly message: string
}

export interface ArchitectureInput {
  /** Source text by path from the root of the repository, with `/` between folders. */
  readonly files: ReadonlyMap<string, string>
  readonly folders: Readonly<Record<string, FolderRule>>
}

const VAGUE = /^(?:utils?|helpers?|common|misc|shared|lib)$/
const SOURCE = 'src/'

/**
 * Holds sources against the table of who may import whom. Names, barrels and `any` are checked everywhere,
 * imports under src/ only: tests, scripts and benchmarks may reach for anything.
 */
export function checkArchitecture({ files, folders }: ArchitectureInput): readonly Violation[] {
  const violations: Violation[] = []
  const graph = new Map<string, readonly string[]>()
  for (const [file, text] of files) {
    const report = (rule: Violation['rule'], message: string): void => {
      violations.push({ rule, file, message })
    }
    checkNames(file, report)
    const parsed = parseSource({ path: file, text })
    for (const line of parsed.anyLines) report('any', `line ${line}: the type any`)
    if (!file.startsWith(SOURCE)) continue
    if (parsed.onlyReExports) report('barrel', 'only passes on what others export')

    const folder = dirname(file).slice(SOURCE.length)
    const rule = folders[folder]
    if (rule === undefined) {
      report('unknown-folder', `src/${folder} is not in the table of who may import whom`)
      continue
    }
    const targets: string[] = []
    for (const item of parsed.imports) {
      const target = checkImport({ item, file, folder, rule, files, report })
      if (target !== undefined) targets.push(target)
    }
    graph.set(file, targets)
  }
  for (const cycle of findCycles(graph)) {
    violations.push({ rule: 'cycle', file: cycle[0] ?? '', message: [...cycle, cycle[0]].join(' → ') })
  }
  return violations
}

type Report = (rule: Violation['rule'], message: string) => void

function checkNames(file: string, report: Report): void {
  const parts = file.split('/')
  const base = (parts.pop() ?? '').replace(/(?:\.test|\.d)?\.[cm]?[jt]s$/, '')
  if (base === 'index') report('barrel', 'a file is named for what it holds, not index')
  for (const part of [...parts, base]) {
    if (VAGUE.test(part)) report('vague-name', `"${part}" does not say what it holds`)
  }
}

/** @returns the file of ours that is imported, where it is one that exists. */
function checkImport(check: {
  readonly item: SourceImport
  readonly file: string
  readonly folder: string
  readonly rule: FolderRule
  readonly files: ReadonlyMap<string, string>
  readonly report: Report
}): string | undefined {
  const { item, file, folder, rule, files, report } = check
  const { specifier, line, form } = item
  if (specifier === undefined) {
    report('computed-import', `line ${line}: ${form} of something computed cannot be checked`)
    return undefined
  }
  if (!specifier.startsWith('.')) {
    checkPackage({ specifier, line, folder, rule, report })
    return undefined
  }
  const target = join(dirname(file), specifier)
  if (!target.startsWith(SOURCE)) {
    report('forbidden-import', `line ${line}: ${specifier} lies outside src`)
    return undefined
  }
  const targetPath = target.slice(SOURCE.length)
  const targetFolder = dirname(targetPath)
  const allowed = targetFolder === folder || rule.imports.includes(targetFolder) || rule.imports.includes(targetPath)
  if (!allowed) report('forbidden-import', `line ${line}: src/${folder} may not import src/${targetPath}`)
  if (files.has(target)) return target
  if (!target.endsWith('.json')) report('missing-file', `line ${line}: ${specifier} does not exist`)
  return undefined
}

function checkPackage(check: {
  readonly specifier: string
  readonly line: number
  readonly folder: string
  readonly rule: FolderRule
  readonly report: Report
}): void {
  const { specifier, line, folder, rule, report } = check
  const bare = specifier.replace(/^node:/, '')
  const builtin = bare.split('/')[0] ?? bare
  if (specifier.startsWith('node:') || builtinModules.includes(bare)) {
    const open =
      rule.onlyBuiltins?.includes(builtin) ?? (!RESTRICTED_BUILTINS.has(builtin) || rule.builtins?.includes(builtin))
    if (open !== true) report('forbidden-builtin', `line ${line}: src/${folder} may not import ${specifier}`)
    return
  }
  const [scope = '', name = ''] = specifier.split('/')
  const packageName = specifier.startsWith('@') ? `${scope}/${name}` : scope
  if (rule.packages.includes(packageName) || rule.packages.includes(`${scope}/*`)) return
  report('unlisted-package', `line ${line}: src/${folder} may not import ${specifier}`)
}
