/** Error numbers of WASI preview 1 (https://github.com/WebAssembly/WASI, phases/snapshot/docs.md#errno). */
export const ERRNO = {
  badf: 8,
  busy: 10,
  exist: 20,
  fault: 21,
  ilseq: 25,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nomem: 48,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  perm: 63,
  rofs: 69,
  spipe: 70,
  xdev: 75,
  notcapable: 76,
} as const
type ErrnoName = keyof typeof ERRNO

/** Thrown by a call of the host to return an error number. Each is made once, so throwing one costs nothing. */
export class Errno extends Error {
  override readonly name = 'Errno'
  readonly code: number

  constructor(code: number) {
    super(`errno ${code}`)
    this.code = code
  }
}

const made = new Map<number, Errno>()

/** Ends a call of the host with an error number, by its name or as the library gave it. */
export function fail(error: ErrnoName | number): never {
  const code = typeof error === 'number' ? error : ERRNO[error]
  const known = made.get(code) ?? new Errno(code)
  made.set(code, known)
  throw known
}
