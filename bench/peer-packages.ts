import { ensurePackages, withProgram } from '../scripts/toolchain.ts'

/** Peers that are not part of souk, by the command that shows that they are there. */
const PACKAGES = { bwrap: 'bubblewrap', runc: 'runc', crun: 'crun' } as const
export type PackagedPeer = keyof typeof PACKAGES

/**
 * Makes sure that a peer of the comparison is there: installed from Debian, announced, where we are root.
 *
 * @returns why it is not, or undefined where it is.
 */
export async function peerMissing(peer: PackagedPeer): Promise<string | undefined> {
  try {
    await ensurePackages({
      required: [withProgram(PACKAGES[peer], peer)],
      whoNeeds: 'the benchmarks compare with',
      signal: AbortSignal.timeout(300_000),
    })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
