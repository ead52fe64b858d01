/**
 * Runs the scripts of the WebAssembly specification (WebAssembly/spec, test/core, fetched by hand) on the engine as it
 * is and through the rewriter in each of its ways: `npm run wasm-spec-suite -- FOLDER_OR_FILE…`. Needs wast2json.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { ScriptRun, type Command, type Treatment } from './wasm-spec/run-script.ts'

const TREATMENTS: Readonly<Record<string, Treatment>> = {
  'as it is': undefined,
  growth: { fuel: false, deterministic: false },
  fuel: { fuel: true, deterministic: false },
  deterministic: { fuel: true, deterministic: true },
}

/** wabt 1.0.32 does not know that an instruction on tables may leave out table 0. */
const withTableIndex = (text: string): string =>
  text.replace(/\((table\.(?:get|set|grow|fill))\s+\(/g, '($1 0 (').replace(/table\.size\)/g, 'table.size 0)')

const scriptsIn = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.wast'))
        .sort()
        .map((file) => join(path, file))
    : [path]

/** The commands of a script, its modules made into `folder`; undefined where wast2json does not understand it. */
function commandsOf(script: string, folder: string): readonly Command[] | undefined {
  const source = join(folder, basename(script))
  const json = join(folder, 'script.json')
  writeFileSync(source, withTableIndex(readFileSync(script, 'utf8')))
  try {
    execFileSync('wast2json', ['--enable-tail-call', source, '-o', json], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return (JSON.parse(readFileSync(json, 'utf8')) as { readonly commands: readonly Command[] }).commands
}

function main(paths: readonly string[]): void {
  const scores = new Map(Object.keys(TREATMENTS).map((name) => [name, { passed: 0, failed: 0 }]))
  const skipped = new Map<string, number>()
  const skip = (why: string): void => void skipped.set(why, (skipped.get(why) ?? 0) + 1)
  let scripts = 0
  for (const script of paths.flatMap(scriptsIn)) {
    const folder = mkdtempSync(join(tmpdir(), 'souk-wasm-spec-'))
    try {
      const commands = commandsOf(script, folder)
      if (commands === undefined) {
        skip(`${basename(script)}: wast2json does not understand it`)
        continue
      }
      scripts += 1
      for (const [name, treatment] of Object.entries(TREATMENTS)) {
        const run = new ScriptRun(folder, treatment)
        const score = scores.get(name) ?? { passed: 0, failed: 0 }
        for (const command of commands) {
          const verdict = run.run(command)
          if (verdict.kind === 'passed') score.passed += 1
          else if (verdict.kind === 'skipped') skip(`${name}: ${verdict.why}`)
          else {
            score.failed += 1
            console.log(`${basename(script)}:${command.line} ${name}: ${command.type}: ${verdict.why}`)
          }
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  console.log(`\n${scripts} scripts`)
  for (const [name, { passed, failed }] of scores) console.log(`${name}: ${passed} of ${passed + failed} commands`)
  for (const [why, count] of [...skipped].sort(([one], [other]) => one.localeCompare(other)))
    console.log(`skipped: ${count} × ${why}`)
  if ([...scores.values()].some(({ failed }) => failed > 0) || scripts === 0) process.exitCode = 1
}

if (process.argv.length < 3) {
  console.error('Usage: npm run wasm-spec-suite -- FOLDER_OR_FILE…')
  process.exitCode = 2
} else main(process.argv.slice(2))
