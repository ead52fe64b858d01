import { spawn } from 'node:child_process'

/** A program as Node starts it, with pipes on its three streams as a sandbox has them. */
export interface TimedCommand {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd?: string
}

/**
 * Runs a command to its end.
 *
 * @returns milliseconds from `spawn` to the end of the process and of its output.
 * @throws Error with what it wrote to stderr, where it does not exit with 0
 */
export async function timedCommand({ file, args, cwd }: TimedCommand): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const startMs = performance.now()
  const child = spawn(file, args, { stdio: 'pipe', ...(cwd !== undefined && { cwd }) })
  let said = ''
  child.stdin.on('error', () => undefined).end()
  child.stdout.resume()
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.once('error', reject)
  child.once('close', (code, signal) => {
    const timeMs = performance.now() - startMs
    if (code === 0) resolve(timeMs)
    else reject(new Error(`${file} ${args.join(' ')} ended with ${code ?? signal}: ${said.trim()}`))
  })
  return promise
}
