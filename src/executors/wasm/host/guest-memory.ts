import { fail } from './errno.ts'

/** The guest's linear memory as its host calls see it: every access is checked and out of bounds is EFAULT. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory
    this.#bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  /** The bytes at `pointer`, not a copy. Pointers come in as signed 32-bit integers. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.#check(pointer, length >>> 0)
    return this.#bytes.subarray(start, start + (length >>> 0))
  }

  u16(pointer: number): number {
    const start = this.#check(pointer, 2)
    return this.#view.getUint16(start, true)
  }

  u32(pointer: number): number {
    const start = this.#check(pointer, 4)
    return this.#view.getUint32(start, true)
  }

  u64(pointer: number): bigint {
    const start = this.#check(pointer, 8)
    return this.#view.getBigUint64(start, true)
  }

  setU32(pointer: number, value: number): void {
    const start = this.#check(pointer, 4)
    this.#view.setUint32(start, value, true)
  }

  setU64(pointer: number, value: bigint): void {
    const start = this.#check(pointer, 8)
    this.#view.setBigUint64(start, value, true)
  }

  /** A zeroed record of `length` bytes at `pointer` to be filled in. */
  record(pointer: number, length: number): DataView<ArrayBuffer> {
    const start = this.#check(pointer, length)
    this.#bytes.fill(0, start, start + length)
    return new DataView(this.#view.buffer, start, length)
  }

  /** Where the record starts. Comes before any use of the views: memory that has grown needs new ones. */
  #check(pointer: number, length: number): number {
    if (this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    const start = pointer >>> 0
    if (start + length > this.#bytes.length) fail('fault')
    return start
  }
}
