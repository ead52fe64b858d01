/**
 * Cycles of a directed graph: one for each set of nodes that reach each other (Tarjan's strongly connected
 * components), as a shortest path from its first node back to itself.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const cycles: (readonly string[])[] = []

  const visit = (node: string): number => {
    const index = order.size
    order.set(node, index)
    stack.push(node)
    let reached = index
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) reached = Math.min(reached, visit(next))
      else if (stack.includes(next)) reached = Math.min(reached, order.get(next) ?? reached)
    }
    low.set(node, reached)
    if (reached === index) {
      const component = new Set(stack.splice(stack.indexOf(node)))
      if (component.size > 1 || (graph.get(node) ?? []).includes(node))
        cycles.push(shortestLoop(graph, node, component))
    }
    return reached
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return cycles
}

function shortestLoop(
  graph: ReadonlyMap<string, readonly string[]>,
  start: string,
  within: ReadonlySet<string>,
): readonly string[] {
  const paths: (readonly string[])[] = [[start]]
  const seen = new Set<string>()
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? start) ?? []) {
      if (next === start) return path
      if (!within.has(next) || seen.has(next)) continue
      seen.add(next)
      paths.push([...path, next])
    }
  }
  return [...within]
}
