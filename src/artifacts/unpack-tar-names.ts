import { Buffer } from 'node:buffer'
import { archiveRefused } from './unpack-tar-refusals.ts'

const MAX_NAME_BYTES = 1_024
/** NAME_MAX of Linux. */
const MAX_SEGMENT_BYTES = 255
/** PATH_MAX of Linux, without its NUL: what symlink(2) takes. */
const MAX_TARGET_BYTES = 4_095

const TAR_AGAIN = 'Make the archive with `tar -C FOLDER -c .`.'

/**
 * A name in the archive as the folders and the name that it goes through; none for the root (`./`).
 * `entry` is whose name it is, or who has a hard link to it.
 * @throws SoukError INVALID_INPUT where it leads elsewhere, or nowhere.
 */
export function segmentsOf(name: string, entry = name): readonly string[] {
  const refuse = (problem: string, remedy: string): never => {
    const what = entry === name ? 'is a name' : 'is a hard link to a name'
    throw archiveRefused({ path: entry, problem: `${what} ${problem}`, remedy })
  }
  if (name === '') refuse('of no letters', TAR_AGAIN)
  if (name.includes('\0')) refuse('that holds a NUL byte', 'Rename the file.')
  if (name.includes('\uFFFD')) refuse('that is not UTF-8', 'Rename the file.')
  if (name.startsWith('/')) refuse('that starts with a slash', `Names are relative to the root. ${TAR_AGAIN}`)
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    refuse(`of more than ${MAX_NAME_BYTES} bytes`, 'Use shorter names, or fewer folders within each other.')
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.')
  for (const segment of segments) {
    if (segment === '..') refuse('that leads upwards (..)', `Names stay inside the root. ${TAR_AGAIN}`)
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
      refuse(`with a part of more than ${MAX_SEGMENT_BYTES} bytes`, 'Use shorter names.')
  }
  return segments
}

/**
 * Where a symbolic link points: any path, as it only means something inside the sandbox.
 * @throws SoukError INVALID_INPUT
 */
export function checkTarget(name: string, target: string): void {
  const problem =
    target === ''
      ? 'points nowhere'
      : target.includes('\0') || target.includes('\uFFFD')
        ? 'points to a name that is not UTF-8 or holds a NUL byte'
        : Buffer.byteLength(target) > MAX_TARGET_BYTES
          ? `points to a name of more than ${MAX_TARGET_BYTES} bytes`
          : undefined
  if (problem === undefined) return
  throw archiveRefused({ path: name, problem: `is a symbolic link that ${problem}`, remedy: 'Correct the link.' })
}
