import type { Command } from 'commander'
import type { Cli } from './cli.ts'

/** What a command is added to, and what it works with. */
export interface CommandRequest {
  readonly program: Command
  readonly cli: Cli
}
