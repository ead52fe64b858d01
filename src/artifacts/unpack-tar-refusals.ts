import { SoukError } from '../protocol/errors.ts'

/** Of a foreign name, as much as a person needs to find it. */
const SHOWN_NAME = 200

export interface Refusal {
  /** The entry's name as the archive has it; empty where it is the archive as a whole. */
  readonly path?: string
  /** What is wrong, going on from the entry's name or from "the archive". */
  readonly problem: string
  /** What whoever made the archive can do about it: a whole sentence. */
  readonly remedy: string
}

/** The archive, not this host, is why it cannot be unpacked. */
export function archiveRefused({ path = '', problem, remedy }: Refusal, cause?: unknown): SoukError<'INVALID_INPUT'> {
  const shown = path.length > SHOWN_NAME ? `${path.slice(0, SHOWN_NAME)}…` : path
  const subject = shown === '' ? 'The tar archive' : `In the tar archive, ${JSON.stringify(shown)}`
  return new SoukError({
    code: 'INVALID_INPUT',
    phase: 'prepare',
    message: `${subject} ${problem}.`,
    details: { issues: [{ path: shown, message: `${problem}. ${remedy}` }] },
    hint: remedy,
    cause,
  })
}

export const truncated = (): SoukError<'INVALID_INPUT'> =>
  archiveRefused({ problem: 'ends in the middle', remedy: 'Make the archive again and send the whole file.' })

const SMALLER = 'Leave out what the task does not need, or ask a provider that allows more.'

export const tooManyEntries = (name: string, maxEntries: number): SoukError<'INVALID_INPUT'> =>
  archiveRefused({
    path: name,
    problem: `is one more than the ${maxEntries} files, folders and links that may be unpacked here`,
    remedy: SMALLER,
  })

export const tooManyBytes = ({
  name,
  bytes,
  maxBytes,
}: {
  readonly name: string
  readonly bytes: number
  readonly maxBytes: number
}): SoukError<'INVALID_INPUT'> =>
  archiveRefused({
    path: name,
    problem: `brings the content to ${bytes} bytes, and at most ${maxBytes} may be unpacked here`,
    remedy: SMALLER,
  })
