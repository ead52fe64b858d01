const LIST = /^\d{1,4}(?:-\d{1,4})?(?:,\d{1,4}(?:-\d{1,4})?)*$/

/** How many cores a list in the format of cpuset(7) names, as in `0-3,6`; undefined where it is no such list. */
export function coresIn(list: string): number | undefined {
  if (!LIST.test(list)) return undefined
  const cores = new Set<number>()
  for (const range of list.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number)
    if (last < first) return undefined
    for (let core = first; core <= last; core += 1) cores.add(core)
  }
  return cores.size
}
