const text = (value: string): number[] => [...new TextEncoder().encode(value)]
const named = (value: string): number[] => [value.length, ...text(value)]
const section = (id: number, ...body: readonly number[]): number[] => [id, body.length, ...body]
const I32 = 0x7f

export const GREETING = 'hello, world!\n'

/** The smallest WASI command that says hello: one `fd_write`, put together by hand (WebAssembly 1.0, chapter 5). */
export const HELLO_MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // Types: of fd_write, of _start.
  ...section(1, 2, 0x60, 4, I32, I32, I32, I32, 1, I32, 0x60, 0, 0),
  ...section(2, 1, ...named('wasi_snapshot_preview1'), ...named('fd_write'), 0x00, 0),
  ...section(3, 1, 1),
  // One page of memory.
  ...section(5, 1, 0x00, 1),
  ...section(7, 2, ...named('memory'), 0x02, 0, ...named('_start'), 0x00, 1),
  // fd_write(fd 1, iovecs at 0, one of them, bytes written to 40); drop what it returns.
  ...section(10, 1, 13, 0, 0x41, 1, 0x41, 0, 0x41, 1, 0x41, 40, 0x10, 0, 0x1a, 0x0b),
  // At 0: an iovec, its pointer (8) and length; then the text.
  ...section(11, 1, 0, 0x41, 0, 0x0b, 8 + GREETING.length, 8, 0, 0, 0, GREETING.length, 0, 0, 0, ...text(GREETING)),
])
