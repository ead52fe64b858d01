import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { DemoVoice } from './demo-voice.ts'

/** Types `souk` commands, and shows what they say. */
export interface DemoShell {
  /** Shows the command and all it prints; resolves to its standard output. @throws Error where its exit code is not 0 */
  run(args: readonly string[], options?: { readonly expectCode?: 'any' }): Promise<string>
  /** Shows the command alone; resolves to the document that it prints. */
  runJson<T>(args: readonly string[], about: string): Promise<T>
}

export function createDemoShell({
  voice,
  cwd,
  env,
  signal,
}: {
  /** Nothing is shown where absent. */
  readonly voice?: DemoVoice
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}): DemoShell {
  async function execute(
    args: readonly string[],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const child = spawn(process.execPath, [join(cwd, 'bin', 'souk'), ...args], {
      cwd,
      env,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ])
    return { code: code ?? 1, stdout, stderr }
  }
  const failed = (
    args: readonly string[],
    { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  ): Error => new Error(`souk ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)

  return {
    async run(args, { expectCode } = {}) {
      voice?.step(`$ souk ${args.map(shortened).join(' ')}`)
      const result = await execute(args)
      const lines = `${result.stderr}${result.stdout}`.trimEnd()
      if (lines !== '') voice?.output(lines.split('\n'))
      if (result.code !== 0 && expectCode !== 'any') throw failed(args, result)
      return result.stdout
    },
    async runJson<T>(args: readonly string[], about: string) {
      const result = await execute(args)
      if (result.code !== 0) throw failed(args, result)
      voice?.step(
        `$ souk ${args
          .filter((arg) => arg !== '--json')
          .map(shortened)
          .join(' ')}   # ${about}`,
      )
      return JSON.parse(result.stdout) as T
    },
  }
}

/** Ids and addresses as a person would have them. */
function shortened(arg: string): string {
  if (/^0x[0-9a-f]{20,}$/.test(arg)) return `${arg.slice(0, 12)}…`
  return /[()\s]/.test(arg) ? `'${arg}'` : arg
}
