import { setTimeout as sleep } from 'node:timers/promises'

/** Something that is run and timed. */
export interface Subject {
  readonly name: string
  /** Runs it once; resolves to how long that took, in ms. */
  run(): Promise<number>
  /** Resolves when what it does in the background is done, which would be in the way of others; called after its turn. */
  settled?(): Promise<void>
}

/**
 * Times all subjects in turns, so that a noisy neighbour disturbs each of them; the first round warms up and does
 * not count. With `gapMs` before each run, what waking up costs is seen, which a hot loop hides.
 *
 * @returns the times of each subject, in ms, by its name.
 */
export async function interleaved(request: {
  readonly subjects: readonly Subject[]
  readonly rounds: number
  readonly gapMs: number
  /** How often each runs in its turn, one directly after the other. */
  readonly burst: number
}): Promise<ReadonlyMap<string, readonly number[]>> {
  const { subjects, rounds, gapMs, burst } = request
  const times = new Map(subjects.map(({ name }): [string, number[]] => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const subject of subjects) {
      if (gapMs > 0) await sleep(gapMs)
      for (let index = 0; index < burst; index++) {
        const timeMs = await subject.run()
        if (round >= 0) times.get(subject.name)?.push(timeMs)
      }
      await subject.settled?.()
    }
  }
  return times
}

/**
 * How many runs end in a second where `inFlight` of them are always on their way. Subjects take turns here too, a slice of
 * time each, which ends when the last run that was begun in it has ended.
 *
 * @returns runs in a second of each subject, by its name.
 */
export async function throughputs(request: {
  readonly subjects: readonly Subject[]
  readonly inFlight: number
  readonly slices: number
  readonly sliceMs: number
  /** Called before a slice; what it returns, after it. */
  readonly watch?: (subject: Subject) => () => void
}): Promise<ReadonlyMap<string, number>> {
  const { subjects, inFlight, slices, sliceMs, watch } = request
  const totals = new Map(subjects.map(({ name }) => [name, { done: 0, timeMs: 0 }]))
  for (let number = 0; number < slices; number++) {
    for (const subject of subjects) {
      const watched = watch?.(subject)
      const { done, timeMs } = await slice({ subject, inFlight, durationMs: sliceMs })
      watched?.()
      const total = totals.get(subject.name)
      if (total === undefined) continue
      total.done += done
      total.timeMs += timeMs
    }
  }
  return new Map([...totals].map(([name, { done, timeMs }]) => [name, (done * 1000) / timeMs]))
}

async function slice(request: {
  readonly subject: Subject
  readonly inFlight: number
  readonly durationMs: number
}): Promise<{ readonly done: number; readonly timeMs: number }> {
  const { subject, inFlight, durationMs } = request
  let done = 0
  const startMs = performance.now()
  const lane = async (): Promise<void> => {
    while (performance.now() - startMs < durationMs) {
      await subject.run()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return { done, timeMs: performance.now() - startMs }
}
