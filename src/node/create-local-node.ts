import { createCore, type CreateCoreOptions } from './create-core.ts'
import type { Offer } from './admission/offers.ts'
import { NO_MEMORY } from './node-memory.ts'
import type { Provider } from './provider.ts'

/** A provider without a network, in the process of its one requester: what `souk run --local` runs in. */
export interface LocalNode {
  readonly provider: Provider
  /** As things stand now. */
  offers(): readonly Offer[]
  stop(): Promise<void>
}

/**
 * - `key`: the requester's and the provider's at once.
 * - `dataDir`: a folder of this run alone, which the caller removes.
 */
export type CreateLocalNodeOptions = Pick<
  CreateCoreOptions,
  'config' | 'version' | 'logger' | 'key' | 'dataDir' | 'probesFile' | 'blobs'
>

/** @throws SoukError START_FAILED; nothing is left open then. */
export async function createLocalNode(options: CreateLocalNodeOptions): Promise<LocalNode> {
  const cleanUp = new AsyncDisposableStack()
  try {
    const { provider, offers } = await createCore({
      ...options,
      isKnown: () => true,
      memory: NO_MEMORY,
      waivesAsked: true,
      // An image must not outlive the data folder that says whose it is.
      keepsImages: false,
      cleanUp,
    })
    return {
      provider,
      offers,
      stop: () => cleanUp.disposeAsync(),
    }
  } catch (error) {
    await cleanUp.disposeAsync()
    throw error
  }
}
