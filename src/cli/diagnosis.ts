import { mkdtemp, rm } from 'node:fs/promises'
import { arch, release, tmpdir, type as systemName } from 'node:os'
import { join } from 'node:path'
import { secp256k1Backend } from '../identity/secp256k1.ts'
import { loadConfig, type Config } from '../node/config/config.ts'
import { examineHost, type ExaminedRuntime } from '../node/examine-host.ts'
import { examinePrivileges } from '../node/privileges.ts'
import type { Issue } from '../protocol/error-codes.ts'
import { isSoukError } from '../protocol/errors.ts'
import type { ChainDiagnosis } from './examine-chain.ts'
import type { SoukHome } from './souk-home.ts'

/** What `souk doctor` finds. */
export interface Diagnosis {
  /** The configuration is valid, signatures can be made, the chain that the node is paid on answers, and at least one runtime that is turned on works. */
  readonly ok: boolean
  readonly souk: string
  readonly node: string
  readonly kernel: string
  readonly arch: string
  readonly secp256k1: { readonly native: boolean; readonly why?: string }
  readonly config: { readonly file: string | null; readonly valid: boolean; readonly issues: readonly Issue[] }
  /** As whom the node would run. */
  readonly privileges: { readonly root: boolean; readonly user?: string; readonly problem?: string }
  /** Absent where the node is not paid on a chain. */
  readonly chain?: ChainDiagnosis
  readonly runtimes: readonly ExaminedRuntime[]
}

export interface ExamineOptions {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: SoukHome
  readonly configFile?: string
}

/** Looks at this host. A configuration that is not valid is a finding; the runtimes are then tried with the defaults. */
export async function examine({ version, env, home, configFile }: ExamineOptions): Promise<Diagnosis> {
  const { config, issues } = await configFor({ configFile, env })
  const backend = secp256k1Backend()
  const dataDir = await mkdtemp(join(tmpdir(), 'souk-doctor-'))
  try {
    const runtimes = await examineHost({ config, version, dataDir, probesFile: home.probes })
    const chain = await chainOf(config)
    return {
      ok:
        issues.length === 0 &&
        backend.native &&
        chain?.ok !== false &&
        runtimes.some(({ available, enabled }) => available && enabled),
      souk: version,
      node: process.version,
      kernel: `${systemName()} ${release()}`,
      arch: arch(),
      secp256k1: backend,
      config: { file: configFile ?? null, valid: issues.length === 0, issues },
      privileges: await examinePrivileges(config),
      ...(chain !== undefined && { chain }),
      runtimes,
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function chainOf(config: Config): Promise<ChainDiagnosis | undefined> {
  if (config.settlement.mode === 'none') return undefined
  const { examineChain } = await import('./examine-chain.ts')
  return examineChain(config)
}

async function configFor({
  configFile,
  env,
}: {
  readonly configFile: string | undefined
  readonly env: ExamineOptions['env']
}) {
  try {
    const { config } = await loadConfig({ ...(configFile !== undefined && { file: configFile }), env })
    return { config, issues: [] }
  } catch (thrown) {
    if (!isSoukError(thrown, 'CONFIG_INVALID')) throw thrown
    const { config } = await loadConfig({ env: {} })
    return { config, issues: thrown.details.issues }
  }
}
