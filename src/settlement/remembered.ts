/**
 * A function that keeps its latest answers, `entries` at most: of those, the one goes first that was computed first.
 * What throws is not kept.
 */
export function remembered<Input, Output>({
  entries,
  keyOf,
  compute,
}: {
  readonly entries: number
  /** Different for inputs with different answers. */
  readonly keyOf: (input: Input) => string
  readonly compute: (input: Input) => Output
}): (input: Input) => Output {
  const known = new Map<string, Output>()
  return (input) => {
    const key = keyOf(input)
    const before = known.get(key)
    if (before !== undefined) return before
    const output = compute(input)
    const [oldest] = known.keys()
    if (oldest !== undefined && known.size >= entries) known.delete(oldest)
    known.set(key, output)
    return output
  }
}
