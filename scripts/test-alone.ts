import type { PartResult } from './test-part.ts'

/** What a part came to in the end. */
export interface Verdict extends PartResult {
  /** What failed beside others and passed alone: a line each, with what is known of it in lines below. */
  readonly unsteady: readonly string[]
}

/**
 * Gives tests that failed beside others the machine to themselves, as often as asked. Where they pass each time they count as
 * passed, and are named as unsteady; one failure is enough for them to have failed, with what was said first and last.
 */
export async function judgeAlone(request: {
  readonly result: PartResult
  /** 0 for never. */
  readonly times: number
  readonly runFiles: (files: readonly string[]) => Promise<PartResult>
}): Promise<Verdict> {
  const { result, times, runFiles } = request
  const { failedFiles = [], ...first } = result
  if (failedFiles.length === 0 || times === 0) return { ...first, unsteady: [] }
  let { durationMs } = first
  for (let time = 0; time < times; time++) {
    const alone = await runFiles(failedFiles)
    durationMs += alone.durationMs
    if (alone.failed.length > 0)
      return { ...first, durationMs, failed: [...first.failed, ...alone.failed.map(asAlone)], unsteady: [] }
  }
  return { ...first, durationMs, passed: first.passed + first.failed.length, failed: [], unsteady: first.failed }
}

const asAlone = (failure: string): string => `alone too: ${failure}`
