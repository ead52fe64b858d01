import { setTimeout as sleep } from 'node:timers/promises'
import { interleaved, type Subject } from './interleaved.ts'

const SETTLE_MS = 100
/** What other work of this process may add to it, or give back, meanwhile. */
const TOLERANCE = 0.8

export interface SmallAndGrown {
  readonly small: ReadonlyMap<string, readonly number[]>
  readonly grown: ReadonlyMap<string, readonly number[]>
}

/**
 * Times subjects in this process as it is and with so many bytes more that have been written to, in turns: what starts a
 * process from here pays for every page that this one has.
 *
 * @throws Error where the process does not grow and shrink by that.
 */
export async function smallAndGrown(request: {
  readonly subjects: readonly Subject[]
  readonly bytes: number
  readonly turns: number
  /** Of each subject in each turn, besides the first, which warms up. */
  readonly rounds: number
  readonly gapMs: number
}): Promise<SmallAndGrown> {
  const { subjects, bytes, turns, rounds, gapMs } = request
  const empty = (): Map<string, number[]> => new Map(subjects.map(({ name }) => [name, []]))
  const [small, grown] = [empty(), empty()]
  const measure = async (into: Map<string, number[]>): Promise<void> => {
    for (const [name, timesMs] of await interleaved({ subjects, rounds, gapMs, burst: 1 }))
      into.get(name)?.push(...timesMs)
  }
  for (let turn = 0; turn < turns; turn++) {
    await measure(small)
    const smallBytes = process.memoryUsage.rss()
    const ballast = new ArrayBuffer(bytes)
    new Uint8Array(ballast).fill(1)
    const grownBytes = process.memoryUsage.rss()
    if (grownBytes - smallBytes < bytes * TOLERANCE)
      throw new Error(`the process has grown by ${grownBytes - smallBytes} bytes, not by ${bytes}`)
    await sleep(SETTLE_MS)
    await measure(grown)
    // Gives the memory back at once, where letting go of it would leave that to the garbage collector.
    ballast.transfer(0)
    const left = process.memoryUsage.rss() - smallBytes
    if (left > bytes * (1 - TOLERANCE)) throw new Error(`the process has kept ${left} of ${bytes} bytes`)
    await sleep(SETTLE_MS)
  }
  return { small, grown }
}
