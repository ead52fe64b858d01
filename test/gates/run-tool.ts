import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

const root = join(import.meta.dirname, '..', '..')

/** The project's own settings: the gates are tried as they stand. */
const SETTINGS = ['tsconfig.json', '.oxlintrc.json', '.oxfmtrc.json', 'knip.json']

export interface Project {
  readonly dir: string
  remove(): Promise<void>
}

/** A folder with the project's settings and packages, and `files` for its content. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), 'souk-gate-'))
  for (const name of SETTINGS) await cp(join(root, name), join(dir, name))
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}

export interface ToolOutput {
  readonly code: number | null
  /** Standard output, then standard error. */
  readonly output: string
}

/** Runs a tool of the project's node_modules in `dir`. */
export async function runTool(request: {
  readonly dir: string
  readonly tool: string
  readonly args: readonly string[]
}): Promise<ToolOutput> {
  const tool = join(root, 'node_modules', request.tool)
  const child = spawn(process.execPath, [tool, ...request.args], {
    cwd: request.dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25_000,
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { code, output: stdout + stderr }
}
