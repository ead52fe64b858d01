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
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  nomem: 48,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notempty: 55,
  notsup: 58,
  pipe: 64,
  rofs: 69,
  spipe: 70,
  notcapable: 76,
} as const
type ErrnoName = keyof typeof ERRNO

/** Thrown by a call of the host to return an error number. Made once each: they carry no stack and cost nothing. */
export class Errno {
  readonly code: number

  constructor(code: number) {
    this.code = code
  }
}

const THROWN = Object.fromEntries(Object.entries(ERRNO).map(([name, code]) => [name, Object.freeze(new Errno(code))])) as Readonly<
  Record<ErrnoName, Errno>
>

/** Ends a call of the host with an error number. */
export function fail(name: ErrnoName): never {
  throw THROWN[name]
}
