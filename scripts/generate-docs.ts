import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cliPage } from './docs/cli.ts'
import { configPage, defaultYaml } from './docs/config.ts'
import { conformancePage } from './docs/conformance.ts'
import { errorsPage } from './docs/errors.ts'
import { SCHEMAS } from './docs/schemas.ts'
import { taskPage } from './docs/task.ts'

/** Every generated file, by its path from the root of the repository. */
export const DOCUMENTS: Readonly<Record<string, () => string>> = {
  'config/default.yaml': defaultYaml,
  'docs/CLI.md': cliPage,
  'docs/CONFIG.md': configPage,
  'docs/CONFORMANCE.md': conformancePage,
  'docs/ERRORS.md': errorsPage,
  'docs/TASK.md': taskPage,
  ...SCHEMAS,
}

const locate = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** The generated files that are missing or not what they would be now. */
export function staleDocuments(): readonly string[] {
  return Object.entries(DOCUMENTS)
    .filter(([path, generate]) => read(locate(path)) !== generate())
    .map(([path]) => path)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** `generate-docs.ts` writes the stale files; with `--check` it only names them, and fails. */
function main(check: boolean): void {
  const stale = staleDocuments()
  for (const path of stale) {
    if (!check) {
      mkdirSync(dirname(locate(path)), { recursive: true })
      writeFileSync(locate(path), DOCUMENTS[path]?.() ?? '')
    }
    console.error(`${check ? 'stale' : 'written'}: ${path}`)
  }
  if (check && stale.length > 0) {
    console.error('Run `npm run generate`.')
    process.exitCode = 1
  }
}

if (import.meta.main) main(process.argv.includes('--check'))
