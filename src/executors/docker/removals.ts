import { INSTANCE_LABEL } from './container-recipe.ts'
import type { DockerEngine } from './engine.ts'

/** Keeps track of the containers of this instance, so that each is removed, by whom and when ever. */
export interface Removals {
  /** From here on the container of that name is this process's own. */
  own(name: string): void
  /**
   * Begins to remove it once `after` is settled, and does not wait for that. What fails is tried again with the next task, and
   * by `reap`.
   */
  remove(name: string, after?: Promise<unknown>): void
  /** These were left by another process, and are not reaped until they are this one's own. */
  spare(names: readonly string[]): void
  /** Removes what this instance has on the engine and neither uses nor spares; resolves to how many those were. */
  reap(): Promise<number>
  /** Waits for what has begun. */
  settled(): Promise<void>
}

export function createRemovals({
  engine,
  instance,
}: {
  readonly engine: DockerEngine
  readonly instance: string
}): Removals {
  const inUse = new Set<string>()
  const pending = new Set<Promise<void>>()
  let spared: readonly string[] = []
  /** Something could not be removed. */
  let left = false

  const removals: Removals = {
    own(name) {
      inUse.add(name)
      spared = spared.filter((each) => each !== name)
      if (left) void removals.reap().catch(() => {})
    },
    remove(name, after = Promise.resolve()) {
      const removal = after
        .catch(() => {})
        // One that ends by itself needs no killing, for which the engine would start a process.
        .then(() => engine.stopped(name))
        .then(() => engine.remove(name))
        .catch(() => {
          left = true
        })
        .finally(() => {
          // Not in use any more, so that it is found again where it could not be removed.
          inUse.delete(name)
          pending.delete(removal)
        })
      pending.add(removal)
    },
    spare(names) {
      spared = names
    },
    async reap() {
      left = false
      const found = await engine.labelled(`${INSTANCE_LABEL}=${instance}`)
      // An image can bring our label into somebody else's container; only we give our names.
      const unused = found.filter(({ names }) =>
        names.some((name) => name.startsWith(`souk-${instance}-`) && !inUse.has(name) && !spared.includes(name)),
      )
      await Promise.all(unused.map(({ id }) => engine.remove(id)))
      return unused.length
    },
    settled: async () => void (await Promise.all(pending)),
  }
  return removals
}
