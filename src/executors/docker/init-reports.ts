/** What the first process of a container says (init/init.c). */
export type InitReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'started' }
  /** execve(2) of the task's program failed with this errno. */
  | { readonly kind: 'execFailed'; readonly errno: number }
  /** Everything but the first process is dead. `status` is what wait(2) gives. */
  | { readonly kind: 'ended'; readonly status: number }

/** Something else came than init says. */
export class InitBroken extends Error {
  override readonly name = 'InitBroken'
}

const BYTES_AFTER: Readonly<Record<string, number>> = { R: 0, S: 0, X: 4, E: 4 }

/** Takes the bytes as they come, and gives each report that they complete; holds 4 bytes at most. */
export function createInitReports(): (chunk: Uint8Array) => InitReport[] {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    const reports: InitReport[] = []
    let rest = Buffer.concat([pending, chunk])
    while (rest.length > 0) {
      const kind = String.fromCharCode(rest[0] ?? 0)
      const bytes = BYTES_AFTER[kind]
      if (bytes === undefined) throw new InitBroken(`a report of unknown kind ${rest[0]}`)
      if (rest.length <= bytes) break
      reports.push(reportOf(kind, rest.subarray(1, 1 + bytes)))
      rest = rest.subarray(1 + bytes)
    }
    pending = Buffer.from(rest)
    return reports
  }
}

function reportOf(kind: string, body: Buffer): InitReport {
  switch (kind) {
    case 'R':
      return { kind: 'ready' }
    case 'S':
      return { kind: 'started' }
    case 'X':
      return { kind: 'execFailed', errno: body.readUInt32LE(0) }
    default:
      return { kind: 'ended', status: body.readUInt32LE(0) }
  }
}
