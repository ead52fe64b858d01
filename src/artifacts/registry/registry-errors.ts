import { SoukError } from '../../protocol/errors.ts'
import { ImageProblem, imageRefused } from '../oci-refusals.ts'

/** Why what a registry says, or an image that it has, cannot be taken: asking again would not help. */
export class RegistryProblem extends Error {
  override readonly name = 'RegistryProblem'
  /** What to do about it. */
  readonly hint: string

  constructor(
    message: string,
    { hint = DEFAULT_HINT, cause }: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.hint = hint
  }
}

/** A registry that could not be asked, or broke off: asking again may help. */
export class RegistryTrouble extends Error {
  override readonly name = 'RegistryTrouble'
  /** Whether it had begun to answer. */
  readonly answered: boolean
  /** Whether to ask again makes sense within seconds. */
  readonly passing: boolean
  /** How long it wants to be left alone. */
  readonly retryAfterMs: number

  constructor(message: string, { answered, passing = true, retryAfterMs = 0, cause }: RegistryTroubleOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.answered = answered
    this.passing = passing
    this.retryAfterMs = retryAfterMs
  }
}

interface RegistryTroubleOptions {
  readonly answered: boolean
  readonly passing?: boolean
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

const DEFAULT_HINT = 'Use another image, or have it pushed to the registry again.'

/** What was thrown while an image was fetched, for who asked for it: anything else than the above stays itself. */
export function registryError({
  thrown,
  image,
  host,
}: {
  readonly thrown: unknown
  readonly image: string
  readonly host: string
}): unknown {
  if (thrown instanceof ImageProblem)
    return imageRefused({ image, reason: thrown.message, hint: DEFAULT_HINT, cause: thrown.cause })
  if (thrown instanceof RegistryProblem) {
    const { message: reason, hint, cause } = thrown
    return imageRefused({ image, reason, hint, cause })
  }
  if (!(thrown instanceof RegistryTrouble)) return thrown
  const message = `The image ${image} cannot be fetched: the registry ${host} ${thrown.message}.`
  const details = { address: host }
  const hint =
    'Check the name of the registry and the way to it, or try again later. One that speaks plain HTTP has to be named as such.'
  const code = thrown.answered ? 'CONNECTION_LOST' : 'UNREACHABLE'
  return new SoukError({ code, phase: 'prepare', message, details, hint, cause: thrown })
}
