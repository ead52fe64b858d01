import { SoukError } from '../protocol/errors.ts'

/** A contract that nothing is sent to, and whose word is not taken. */
export function contractRefused({
  reason,
  hint,
  cause,
}: {
  readonly reason: string
  readonly hint: string
  readonly cause?: unknown
}): SoukError<'CHAIN_REFUSED'> {
  return new SoukError({
    code: 'CHAIN_REFUSED',
    message: `The chain refuses: ${reason}`,
    details: { kind: 'contract', reason },
    hint,
    cause,
  })
}

/** Where the contract of channels is another. */
export const OTHER_CHANNELS_HINT =
  'Correct settlement.contract (or --contract), or name endpoints of the chain that it is on.'
