import type { Logger } from 'pino'
import type { Capability } from '../../executors/executor.ts'
import { RUNTIME_NAMES, type RuntimeName } from '../../protocol/execution.ts'
import type { Config } from '../config/config.ts'
import type { Offer } from './offers.ts'
import { offersOf, unenforced } from './operator-caps.ts'
import { probeAll, type ProbeSubject } from './probe-cache.ts'

export interface ProbeOffersOptions {
  readonly config: Config
  readonly subjects: readonly ProbeSubject[]
  /** Where the results of probing are kept between runs. */
  readonly probesFile: string
  /** Ignores what was kept, and probes anew. */
  readonly refresh?: boolean
  /** A limit that this host cannot enforce is dropped even where the task asks for it: its requester is the operator himself. */
  readonly waivesAsked?: boolean
}

/** An offer for every runtime, including those that are off: a task for one of them is then told why it is refused. */
export async function probeOffers({
  config,
  subjects,
  probesFile,
  refresh,
  waivesAsked = false,
}: ProbeOffersOptions): Promise<readonly Offer[]> {
  const found = await probeAll({ subjects, cacheFile: probesFile, ...(refresh !== undefined && { refresh }) })
  const capabilities = RUNTIME_NAMES.map(
    (runtime) => found.find((capability) => capability.runtime === runtime) ?? turnedOff(runtime),
  )
  return offersOf({ config, capabilities, waivesAsked })
}

function turnedOff(runtime: RuntimeName): Capability {
  return { runtime, available: false, why: `turned off in the configuration (sandbox.${runtime}.enabled)` }
}

/** The current offers. A runtime whose engine goes away is withdrawn, and offered again when the engine is back. */
export interface LiveOffers {
  /** The offers as they are now. Each change makes a new array. */
  current(): readonly Offer[]
  /** Stops watching. */
  close(): void
}

export async function openLiveOffers(options: ProbeOffersOptions & { readonly logger: Logger }): Promise<LiveOffers> {
  const { subjects, logger } = options
  let offers = await probeOffers(options)
  const isOn = new Set(subjects.map(({ executor }) => executor.runtime))
  for (const offer of offers) if (isOn.has(offer.runtime)) report({ offer, logger })

  const replace = (runtime: RuntimeName, capability: Capability): void => {
    offers = offers.map((offer) => (offer.runtime === runtime ? { ...offer, capability } : offer))
  }
  const stops = subjects.map((subject) => {
    const { executor } = subject
    const { runtime } = executor
    /** Counts changes, so that a probe that was overtaken by a later change has no effect. */
    let changes = 0
    return executor.watch?.((presence) => {
      changes += 1
      const change = changes
      if (!presence.present) {
        const { why } = presence
        replace(runtime, { runtime, available: false, why })
        logger.warn({ runtime, why }, 'runtime is withdrawn: it does not work any more')
        return
      }
      const probing = probeAll({ subjects: [subject], cacheFile: options.probesFile })
      probing.then(
        ([capability]) => {
          if (capability === undefined || change !== changes) return
          replace(runtime, capability)
          if (capability.available) logger.info({ runtime }, 'runtime is back, and offered again')
          else logger.warn({ runtime, why: capability.why }, 'runtime is back, and does not work')
        },
        (error: unknown) => logger.error({ runtime, err: error }, 'a runtime is back, but could not be probed'),
      )
    })
  })
  return {
    current: () => offers,
    close() {
      for (const stop of stops) stop?.()
    },
  }
}

/** Tells the operator which parts of his configuration this host cannot honour. */
function report({ offer, logger }: { readonly offer: Offer; readonly logger: Logger }): void {
  const { runtime, capability } = offer
  if (!capability.available) logger.warn({ runtime, why: capability.why }, 'runtime is not available')
  else if (capability.waived !== undefined && capability.waived.length > 0)
    logger.warn({ runtime, limits: capability.waived }, 'degraded: tasks run without limits that nothing holds here')
  if (capability.available)
    for (const { name, why } of capability.refusedClasses ?? [])
      logger.warn({ runtime, class: name, why }, 'runtime class is not offered')
  const limits = unenforced(offer)
  if (limits.length > 0) logger.warn({ runtime, limits }, 'limits that this host cannot enforce are not offered')
}
