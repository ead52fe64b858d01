import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** What a requester keeps: its key, the tasks that it sent, probes and folders of local runs. */
export interface SoukHome {
  readonly dir: string
  readonly key: string
  readonly probes: string
  /** Folders of `--local` runs, each removed at its end. */
  readonly localRuns: string
  /** The exact bytes of the tasks that were sent, by their id. */
  readonly specs: string
  /** The receipts of tasks that were run elsewhere, by their id. */
  readonly receipts: string
  /** What was signed away of payment channels, and what for. */
  readonly wallet: string
  /** What proves that a provider lied, or that providers disagree. */
  readonly proofs: string
}

/** `~/.souk`, or where `SOUK_HOME` says. */
export function soukHome(env: Readonly<Record<string, string | undefined>>): SoukHome {
  const set = env['SOUK_HOME']
  const dir = set === undefined || set === '' ? join(homedir(), '.souk') : resolve(set)
  return {
    dir,
    key: join(dir, 'key'),
    probes: join(dir, 'probes.json'),
    localRuns: join(dir, 'local'),
    specs: join(dir, 'tasks'),
    receipts: join(dir, 'receipts'),
    wallet: join(dir, 'wallet.sqlite'),
    proofs: join(dir, 'proofs'),
  }
}
