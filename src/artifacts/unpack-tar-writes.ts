const AT_ONCE = 8

/** Writes that go on while the next entries are read: most of what a small file costs is waiting for system calls. */
export class WritesAhead {
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly thrown: unknown } | undefined

  /** Resolves when there is room for `write` and it has begun. @throws what an earlier one failed with. */
  async begin(write: () => Promise<void>): Promise<void> {
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running)
    this.#rethrow()
    const running = write()
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when none is under way any more. @throws what one failed with. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
    this.#rethrow()
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown
  }
}
