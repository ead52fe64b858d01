/** Something with a deadline; `heapIndex` is the heap's own note of where it is, -1 while it is not in it. */
export interface HeapEntry {
  readonly deadlineMs: number
  heapIndex: number
}

/** A binary heap, earliest deadline first, that any entry can be taken out of in O(log n). */
export class DeadlineHeap<T extends HeapEntry> {
  readonly #entries: T[] = []

  get earliest(): T | undefined {
    return this.#entries[0]
  }

  add(entry: T): void {
    this.#place(entry, this.#entries.length)
    this.#rise(entry)
  }

  /** Does nothing when the entry is not in the heap. */
  remove(entry: T): void {
    const index = entry.heapIndex
    if (index === -1) return
    entry.heapIndex = -1
    const last = this.#entries.pop()
    if (last === undefined || last === entry) return
    this.#place(last, index)
    this.#rise(last)
    this.#sink(last)
  }

  #place(entry: T, index: number): void {
    this.#entries[index] = entry
    entry.heapIndex = index
  }

  #rise(entry: T): void {
    while (entry.heapIndex > 0) {
      const index = entry.heapIndex
      const parent = this.#entries[(index - 1) >> 1]
      if (parent === undefined || parent.deadlineMs <= entry.deadlineMs) return
      this.#place(entry, parent.heapIndex)
      this.#place(parent, index)
    }
  }

  #sink(entry: T): void {
    for (;;) {
      const index = entry.heapIndex
      const left = this.#entries[2 * index + 1]
      const right = this.#entries[2 * index + 2]
      const child = left !== undefined && right !== undefined && right.deadlineMs < left.deadlineMs ? right : left
      if (child === undefined || child.deadlineMs >= entry.deadlineMs) return
      this.#place(entry, child.heapIndex)
      this.#place(child, index)
    }
  }
}
