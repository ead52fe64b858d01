import type { NativeMode } from '../native/mode.ts'
import { RUNTIME_NAMES } from '../protocol/execution.ts'
import type { RuntimeStatus } from '../protocol/node-status.ts'
import { probeOffers } from './admission/live-offers.ts'
import { runtimeStatusOf } from './admission/operator-caps.ts'
import { withRuntimes } from './admission/operator-policies.ts'
import type { Config } from './config/config.ts'
import { createExecutors } from './create-executors.ts'

/** What a runtime can do on this host, and whether the config enables it, so that a node would offer it. */
export type ExaminedRuntime = RuntimeStatus & { readonly enabled: boolean; readonly mode?: NativeMode }

/** What this host can do, each limit hit anew, also of runtimes that the config does not enable: `souk doctor`. */
export async function examineHost(options: {
  readonly config: Config
  readonly version: string
  /** For the sandboxes that are started; the caller removes it. */
  readonly dataDir: string
  readonly probesFile: string
}): Promise<readonly ExaminedRuntime[]> {
  const { sandbox } = options.config
  const config = withRuntimes(options.config, RUNTIME_NAMES)
  const executors = await createExecutors({ ...options, config })
  try {
    const offers = await probeOffers({ ...options, config, subjects: executors.subjects, refresh: true })
    return offers.map((offer) => ({
      ...runtimeStatusOf(offer),
      enabled: sandbox[offer.runtime].enabled,
      ...(offer.runtime === 'native' && { mode: sandbox.native.mode }),
    }))
  } finally {
    await executors.close()
  }
}
