import type { TerminalStream } from './render/terminal.ts'

/** The one document that a command prints with `--json`: on one line where it goes to a program. */
export async function writeJson({
  stdout,
  document,
}: {
  readonly stdout: TerminalStream
  readonly document: unknown
}): Promise<void> {
  await stdout.write(`${JSON.stringify(document, null, stdout.isTTY ? 2 : undefined)}\n`)
}
