import type { Hello } from './report.ts'
import type { Identity } from './request.ts'

/** Owns nothing on any host. */
const NOBODY = 65_534

/** Whom a launcher's tasks run as: who was asked for, else nobody; one without root can only make its own user of them. */
export function identityBeside(
  { root }: Pick<Hello, 'root'>,
  { uid, gid }: { readonly uid?: number | undefined; readonly gid?: number | undefined },
): Identity {
  return {
    uid: uid ?? (root ? NOBODY : (process.geteuid?.() ?? NOBODY)),
    gid: gid ?? (root ? NOBODY : (process.getegid?.() ?? NOBODY)),
  }
}
