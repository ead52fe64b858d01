import { withRuntimes } from './admission/operator-policies.ts'
import type { Config } from './config/config.ts'
import { createExecutors } from './create-executors.ts'
import { usedRuntimes } from './instance-id.ts'
import { REAP_TIMEOUT_MS } from './reap-leftovers.ts'

/**
 * Ends what the sandboxes of a data folder have left whose process is dead, so that the folder can be removed.
 * @throws SoukError RUNTIME_UNAVAILABLE, EXECUTOR_FAILED where something of it cannot be ended now.
 */
export async function reapDataDir(options: {
  readonly config: Config
  readonly version: string
  readonly dataDir: string
}): Promise<void> {
  const { dataDir } = options
  // A process of the WebAssembly runtime ends with the one that started it.
  const used = (await usedRuntimes(dataDir)).filter((runtime) => runtime !== 'wasm')
  if (used.length === 0) return
  const executors = await createExecutors({
    ...options,
    config: withRuntimes(options.config, used),
    keepsImages: false,
  })
  try {
    for (const { executor } of executors.subjects)
      await executor.reap({ signal: AbortSignal.timeout(REAP_TIMEOUT_MS), keep: [] })
    await executors.unmountLeftovers({ folder: dataDir, keep: [] })
  } finally {
    await executors.close()
  }
}
