import { rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { openResultCache, type ResultCache } from './result-cache.ts'

/** A new, empty cache if the operator has enabled it; undefined otherwise. Either way, what an earlier process cached is removed. */
export async function resultCacheOf({
  config,
  dir,
  logger,
}: {
  readonly config: Pick<Config, 'cache'>
  readonly dir: string
  readonly logger: Logger
}): Promise<ResultCache | undefined> {
  const { enabled, ...bounds } = config.cache
  if (enabled) return openResultCache({ ...bounds, dir, logger })
  await rm(dir, { recursive: true, force: true })
  return undefined
}
